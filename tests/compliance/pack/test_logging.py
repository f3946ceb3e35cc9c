from typing import Any

import pytest

from tests.compliance.pack.judging import DELETED, changed, failed, passes, resource


@pytest.mark.parametrize(
    ("days", "stage", "ok"),
    [
        (365, "prod", True),
        ("400", "prod", True),
        (90, "prod", False),
        (90, "staging", True),
        (30, "dev", True),
        (7, "dev", False),
        (None, "dev", False),
        (90, None, False),
    ],
)
def test_logs_are_kept_as_long_as_the_stage_demands(days: Any, stage: str | None, ok: bool) -> None:
    group = resource("AWS::Logs::LogGroup", {"RetentionInDays": days} if days else {})
    assert passes("LOG-1.retention", {"It": group}, stage=stage) is ok


def test_access_logs_are_kept_as_long() -> None:
    def template(days: int) -> dict[str, Any]:
        rules = {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": days}]}}
        data = {"LoggingConfiguration": {"DestinationBucketName": {"Ref": "Logs"}}}
        return {"Data": resource("AWS::S3::Bucket", data), "Logs": resource("AWS::S3::Bucket", rules)}

    assert passes("LOG-1.access-logs-kept", template(365))
    assert failed("LOG-1.access-logs-kept", template(30)) == {("Logs", "ExpirationInDays")}


def test_functions_have_a_log_group_of_their_own() -> None:
    rule, kind = "LOG-1.own-log-group", "AWS::Lambda::Function"
    group = {"Logs": resource("AWS::Logs::LogGroup", {"LogGroupName": "/aws/lambda/score"})}
    assert passes(rule, {"It": resource(kind, {"LoggingConfig": {"LogGroup": "group"}})})
    assert passes(rule, {"It": resource(kind, {"FunctionName": "score"})} | group)
    assert failed(rule, {"It": resource(kind, {"FunctionName": "other"})} | group)


def test_buckets_log_who_reads_them() -> None:
    def bucket(name: Any) -> dict[str, Any]:
        return resource("AWS::S3::Bucket", {"LoggingConfiguration": {"DestinationBucketName": name}})

    rule, logs = "LOG-2.bucket-access-logs", {"Logs": resource("AWS::S3::Bucket")}
    assert passes(rule, {"Data": bucket({"Ref": "Logs"})} | logs)
    assert failed(rule, {"Data": resource("AWS::S3::Bucket")} | logs) == {
        ("Data", "LoggingConfiguration"),
        ("Logs", "LoggingConfiguration"),
    }


MACHINE = {
    "LoggingConfiguration": {
        "Level": "ALL",
        "Destinations": [
            {"CloudWatchLogsLogGroup": {"LogGroupArn": "arn:aws:logs:eu-west-1:111122223333:log-group:x"}}
        ],
    },
    "TracingConfiguration": {"Enabled": True},
}


@pytest.mark.parametrize(
    ("rule", "kind", "properties", "path", "value"),
    [
        ("LOG-2.logging-on", "AWS::StepFunctions::StateMachine", MACHINE, "LoggingConfiguration", DELETED),
        ("LOG-2.logging-on", "AWS::StepFunctions::StateMachine", MACHINE, "LoggingConfiguration.Level", "OFF"),
        ("LOG-2.logging-on", "AWS::StepFunctions::StateMachine", MACHINE, "LoggingConfiguration.Destinations", DELETED),
        ("LOG-2.tracing-on", "AWS::StepFunctions::StateMachine", MACHINE, "TracingConfiguration.Enabled", False),
        (
            "LOG-2.tracing-on",
            "AWS::Lambda::Function",
            {"TracingConfig": {"Mode": "Active"}},
            "TracingConfig.Mode",
            "PassThrough",
        ),
        (
            "LOG-2.logging-on",
            "AWS::RDS::DBInstance",
            {"EnableCloudwatchLogsExports": ["audit"]},
            "EnableCloudwatchLogsExports",
            DELETED,
        ),
        (
            "LOG-2.logging-on",
            "AWS::ApiGateway::Stage",
            {"AccessLogSetting": {"DestinationArn": "arn"}},
            "AccessLogSetting",
            DELETED,
        ),
    ],
)
def test_a_log_turned_off_is_found(rule: str, kind: str, properties: Any, path: str, value: Any) -> None:
    assert passes(rule, {"It": resource(kind, properties)})
    assert failed(rule, {"It": resource(kind, changed(properties, path, value))})


def test_load_balancers_and_firewalls_log() -> None:
    kind = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    on = {"LoadBalancerAttributes": [{"Key": "access_logs.s3.enabled", "Value": "true"}]}
    assert passes("LOG-2.load-balancer-logs", {"It": resource(kind, on)})
    assert failed("LOG-2.load-balancer-logs", {"It": resource(kind)})
    wall = {"Wall": resource("AWS::WAFv2::WebACL")}
    log = {"Log": resource("AWS::WAFv2::LoggingConfiguration", {"ResourceArn": {"Fn::GetAtt": ["Wall", "Arn"]}})}
    assert passes("LOG-2.firewall-logs", wall | log)
    assert failed("LOG-2.firewall-logs", wall)
