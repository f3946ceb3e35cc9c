"""OPS-1 to OPS-3: alarms, dead letters, tags, budgets; and every rule of these families has a case."""

from pathlib import Path
from typing import Any

import pytest

from tests.compliance.pack.judging import DELETED, RULES, changed, failed, passes, resource
from tests.compliance.pack.ml_samples import TRAINING, calls, task, workflow

TOPIC = {"Ref": "Topic"}
QUEUE = {"Fn::GetAtt": ["Letters", "Arn"]}
TAGS = [{"Key": key, "Value": "x"} for key in ("mlops:owner", "mlops:environment", "mlops:cost-centre")]
CASES = Path(__file__).parent


def _alarm(metric: str, value: Any, **more: Any) -> dict[str, Any]:
    dimensions = [{"Name": "N", "Value": value}]
    return resource("AWS::CloudWatch::Alarm", {"MetricName": metric, "Dimensions": dimensions, **more})


LETTERS = {
    "Letters": resource("AWS::SQS::Queue", {"MessageRetentionPeriod": 1209600}),
    "Alarm": _alarm("ApproximateNumberOfMessagesVisible", {"Fn::GetAtt": ["Letters", "QueueName"]}),
    "Rule": resource("AWS::Events::Rule", {"Targets": [{"Id": "t", "Arn": "a", "DeadLetterConfig": {"Arn": QUEUE}}]}),
    "Daily": resource("AWS::Scheduler::Schedule", {"Target": {"Arn": "a", "DeadLetterConfig": {"Arn": QUEUE}}}),
    "Work": resource("AWS::SQS::Queue", {"RedrivePolicy": {"deadLetterTargetArn": QUEUE, "maxReceiveCount": 3}}),
    "Called": resource("AWS::Lambda::Function", {"DeadLetterConfig": {"TargetArn": QUEUE}}),
    "May": resource("AWS::Lambda::Permission", {"FunctionName": {"Ref": "Called"}, "Principal": "s3.amazonaws.com"}),
    "Source": resource(
        "AWS::Lambda::EventSourceMapping",
        {"EventSourceArn": "arn:aws:kinesis:::s", "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}},
    ),
    "Hook": resource("AWS::SNS::Subscription", {"Protocol": "https", "RedrivePolicy": {"deadLetterTargetArn": QUEUE}}),
}


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        ("target-dlq", "Rule.Properties.Targets.0.DeadLetterConfig", DELETED),
        ("target-dlq", "Daily.Properties.Target.DeadLetterConfig", DELETED),
        ("function-dlq", "Called.Properties.DeadLetterConfig", DELETED),
        ("source-on-failure", "Source.Properties.DestinationConfig", DELETED),
        ("subscription-dlq", "Hook.Properties.RedrivePolicy", DELETED),
        ("queue-redrive", "Work.Properties.RedrivePolicy", DELETED),
        ("dlq-retention", "Letters.Properties.MessageRetentionPeriod", 3600),
        ("dlq-retention", "Letters.Properties.MessageRetentionPeriod", DELETED),
        ("dlq-alarm", "Alarm", DELETED),
    ],
)
def test_what_cannot_be_delivered_is_kept_and_seen(rule: str, path: str, value: Any) -> None:
    assert passes(f"OPS-1.{rule}", LETTERS)
    assert failed(f"OPS-1.{rule}", changed(LETTERS, path, value))


@pytest.mark.parametrize(
    ("path", "value"), [("AlarmActions", DELETED), ("AlarmActions", []), ("ActionsEnabled", False)]
)
def test_an_alarm_that_tells_nobody_is_found(path: str, value: Any) -> None:
    good = {"MetricName": "Errors", "AlarmActions": [TOPIC], "ActionsEnabled": True}
    assert passes("OPS-1.alarm-acts", {"A": resource("AWS::CloudWatch::Alarm", good)})
    assert failed("OPS-1.alarm-acts", {"A": resource("AWS::CloudWatch::Alarm", changed(good, path, value))})


def test_alarms_need_a_listener_in_production() -> None:
    heard = {
        "Topic": resource("AWS::SNS::Topic"),
        "Alarm": _alarm("Errors", "x", AlarmActions=[TOPIC]),
        "Person": resource(
            "AWS::SNS::Subscription", {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": "a@b.example"}
        ),
    }
    assert passes("OPS-1.alarm-heard", heard)
    assert failed("OPS-1.alarm-heard", changed(heard, "Person", DELETED)) == {("Topic", "")}
    assert not failed("OPS-1.alarm-heard", changed(heard, "Person", DELETED), stage="dev")


def test_workflows_have_alarms_on_failure_and_on_timeout() -> None:
    watched = {
        "M": calls("sagemaker:createTrainingJob.sync", TRAINING),
        "Failed": _alarm("ExecutionsFailed", {"Ref": "M"}),
        "Late": _alarm("ExecutionsTimedOut", {"Ref": "M"}),
    }
    assert passes("OPS-1.workflow-alarm", watched)
    assert failed("OPS-1.workflow-alarm", changed(watched, "Late", DELETED)) == {("M", "ExecutionsTimedOut")}
    assert failed("OPS-1.workflow-alarm", changed(watched, "Failed.Properties.Dimensions", []))


def test_failure_events_have_a_listener() -> None:
    rule = {"EventPattern": {"detail-type": ["Training Failed"]}, "Targets": [{"Id": "t", "Arn": "a"}]}
    machine = calls("sagemaker:createTrainingJob.sync", TRAINING)
    assert passes("OPS-1.failure-event-heard", {"M": machine, "R": resource("AWS::Events::Rule", rule)})
    for path, value in (("State", "DISABLED"), ("Targets", []), ("EventPattern.detail-type", ["Model Registered"])):
        deaf = resource("AWS::Events::Rule", changed(rule, path, value))
        assert failed("OPS-1.failure-event-heard", {"M": machine, "R": deaf}) == {("M", "Training Failed")}


def test_endpoints_have_alarms_on_errors_and_latency() -> None:
    deploy = workflow({"Go": task("sagemaker:createEndpoint", {"EndpointName": "e"}, Next="Done")})
    both = {"D": deploy, "E": _alarm("Invocation5XXErrors", "e"), "L": _alarm("ModelLatency", "e")}
    assert passes("OPS-1.endpoint-alarm", both)
    assert failed("OPS-1.endpoint-alarm", changed(both, "L", DELETED)) == {("D", "Go:ModelLatency")}


def test_what_trains_is_under_a_budget_somebody_reads() -> None:
    notice = {"Notification": {"Threshold": 80}, "Subscribers": [{"Address": "a@b.example"}]}
    spend = {
        "M": calls("sagemaker:createTrainingJob.sync", TRAINING),
        "B": resource("AWS::Budgets::Budget", {"Budget": {}, "NotificationsWithSubscribers": [notice]}),
    }
    assert passes("OPS-3.budget", spend)
    quiet = changed(spend, "B.Properties.NotificationsWithSubscribers.0.Subscribers", [])
    assert failed("OPS-3.budget", quiet) == {("B", ""), ("M", "environment")}
    assert failed("OPS-3.budget", changed(spend, "B", DELETED)) == {("M", "environment")}


def test_cost_anomalies_reach_somebody() -> None:
    for arn in ({"Ref": "M"}, {"Fn::GetAtt": ["M", "MonitorArn"]}):
        found = {
            "M": resource("AWS::CE::AnomalyMonitor"),
            "S": resource(
                "AWS::CE::AnomalySubscription", {"MonitorArnList": [arn], "Subscribers": [{"Type": "EMAIL"}]}
            ),
        }
        assert passes("OPS-3.anomaly-heard", found), arn
        assert failed("OPS-3.anomaly-heard", changed(found, "S.Properties.Subscribers", []))
        assert failed("OPS-3.anomaly-heard", changed(found, "S", DELETED)) == {("M", "")}


@pytest.mark.parametrize("position", range(len(TAGS)))
def test_a_resource_nobody_owns_is_found(position: int) -> None:
    missing = changed(TAGS, str(position), DELETED)
    as_map = {tag["Key"]: tag["Value"] for tag in TAGS}
    good = {"B": resource("AWS::S3::Bucket", {"Tags": TAGS}), "J": resource("AWS::Glue::Job", {"Tags": as_map})}
    assert passes("OPS-2.owner-tags", good)
    assert failed("OPS-2.owner-tags", {"B": resource("AWS::S3::Bucket", {"Tags": missing})}) == {("B", "")}
    assert failed("OPS-2.owner-tags", {"B": resource("AWS::S3::Bucket")}) == {("B", "")}


def test_a_resource_of_another_workload_in_the_stack_is_found() -> None:
    def bucket(name: str) -> dict[str, Any]:
        return resource("AWS::S3::Bucket", {"Tags": [{"Key": "mlops:workload", "Value": name}]})

    assert passes("OPS-2.workload-tag", {"A": bucket("flights"), "B": bucket("flights")})
    odd = {"A": bucket("flights"), "B": bucket("flights"), "C": resource("AWS::S3::Bucket")}
    assert failed("OPS-2.workload-tag", odd) == {("C", "")}


def test_every_rule_on_ml_and_operations_has_a_case() -> None:
    cases = "\n".join(path.read_text() for path in CASES.glob("test_*.py"))
    named = {rule for rule in RULES if rule.startswith(("ML-", "OPS-")) and rule not in cases}
    # Some parametrized cases leave the control out of the name.
    assert not {rule for rule in named if f'"{rule.partition(".")[2]}"' not in cases}
