"""Keys, functions, rules and schedules get exactly what the template grants."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops_local.server import LocalAws
from tests.local import core

pytestmark = pytest.mark.local

READ = """
import boto3

def handler(event, context):
    body = boto3.client("s3").get_object(Bucket=event["bucket"], Key="x")["Body"]
    return body.read().decode()
"""


def reading(*statements: core.Template) -> core.Template:
    objects = {"Fn::Sub": "${Bucket.Arn}/*"}
    return {
        "Key": core.key(),
        "Bucket": core.bucket(),
        "Role": core.role("lambda.amazonaws.com", core.allow("s3:GetObject", objects), *statements),
        "F": core.function("Role", READ),
    }


def read(aws: LocalAws, outputs: dict[str, str]) -> dict[str, Any]:
    s3 = aws.client("s3")
    s3.put_object(Bucket=outputs["Bucket"], Key="x", Body=b"text")
    answer = aws.client("lambda").invoke(
        FunctionName=outputs["F"], Payload=json.dumps({"bucket": outputs["Bucket"]}).encode()
    )
    s3.delete_object(Bucket=outputs["Bucket"], Key="x")
    return {"error": answer.get("FunctionError"), "payload": json.loads(answer["Payload"].read())}


def test_an_object_can_not_be_read_without_its_key(aws: LocalAws) -> None:
    with core.deployed(aws, "iam-no-key", reading()) as outputs:
        answer = read(aws, outputs)
    assert answer["error"] == "Unhandled"
    assert "kms:Decrypt" in answer["payload"]["errorMessage"]


def test_an_object_is_read_with_its_key(aws: LocalAws) -> None:
    via_s3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    statement = core.allow("kms:Decrypt", core.get("Key"), Condition=via_s3)
    with core.deployed(aws, "iam-key", reading(statement)) as outputs:
        assert read(aws, outputs) == {"error": None, "payload": "text"}


@pytest.mark.parametrize(("pattern", "error"), [("role/team/*", None), ("role/other/*", "Unhandled")])
def test_a_key_policy_knows_the_role_behind_a_session_by_its_path(
    aws: LocalAws, pattern: str, error: str | None
) -> None:
    made = reading(core.allow("kms:Decrypt", core.get("Key")))
    made["Role"]["Properties"]["Path"] = "/team/"
    (use,) = made["Key"]["Properties"]["KeyPolicy"]["Statement"]
    use["Condition"] = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::000000000000:{pattern}"}}
    with core.deployed(aws, "iam-key-path", made) as outputs:
        assert read(aws, outputs)["error"] == error


def test_a_bucket_that_demands_tls_is_reachable(aws: LocalAws) -> None:
    made = reading(core.allow("kms:Decrypt", core.get("Key")))
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = {"Version": "2012-10-17", "Statement": [deny]}
    made["Policy"] = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": document},
    }
    with core.deployed(aws, "iam-tls", made) as outputs:
        assert read(aws, outputs)["payload"] == "text"


def rule(**target: Any) -> core.Template:
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": [{"Ref": "AWS::StackName"}]},
            "Targets": [{"Id": "T", "DeadLetterConfig": {"Arn": core.get("Dead")}, **target}],
        },
    }


def queue_policy(queue: str) -> core.Template:
    source = {"ArnEquals": {"aws:SourceArn": core.get("Rule")}}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": core.get(queue),
        "Condition": source,
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": queue}], "PolicyDocument": document}}


def put(aws: LocalAws, source: str) -> None:
    entry = {"Source": source, "DetailType": "Test", "Detail": json.dumps({"a": 1})}
    assert aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def received(aws: LocalAws, queue_url: str) -> dict[str, Any]:
    sqs = aws.client("sqs")

    def message() -> Any:
        answer = sqs.receive_message(QueueUrl=queue_url, MessageAttributeNames=["All"])
        return answer.get("Messages")

    found: dict[str, Any] = core.wait_for("a message", message)[0]
    return found


QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}
PASS = {"Only": {"Type": "Pass", "End": True}}


def test_a_rule_starts_an_execution_with_its_role(aws: LocalAws) -> None:
    made = {
        "MRole": core.role("states.amazonaws.com"),
        "M": core.machine("MRole", PASS),
        "RRole": core.role("events.amazonaws.com", core.allow("states:StartExecution", {"Ref": "M"})),
        "Dead": QUEUE,
        "Rule": rule(Arn={"Ref": "M"}, RoleArn=core.get("RRole")),
        "DeadPolicy": queue_policy("Dead"),
    }
    with core.deployed(aws, "iam-rule", made) as outputs:
        put(aws, "iam-rule")
        states = aws.client("stepfunctions")
        core.wait_for("an execution", lambda: states.list_executions(stateMachineArn=outputs["M"])["executions"])


def test_a_rule_without_permission_ends_in_the_dead_letter_queue(aws: LocalAws) -> None:
    made = {
        "MRole": core.role("states.amazonaws.com"),
        "M": core.machine("MRole", PASS),
        "RRole": core.role("events.amazonaws.com", core.allow("states:StopExecution", {"Ref": "M"})),
        "Dead": QUEUE,
        "Rule": rule(Arn={"Ref": "M"}, RoleArn=core.get("RRole")),
        "DeadPolicy": queue_policy("Dead"),
    }
    with core.deployed(aws, "iam-rule-denied", made) as outputs:
        put(aws, "iam-rule-denied")
        message = received(aws, outputs["Dead"])
    assert json.loads(message["Body"])["detail"] == {"a": 1}
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert "states:StartExecution" in attributes["ERROR_MESSAGE"]
    assert attributes["TARGET_ARN"] == outputs["M"]


def test_a_rule_sends_to_a_queue_only_if_the_queue_lets_it(aws: LocalAws) -> None:
    made = {"Dead": QUEUE, "Queue": QUEUE, "Rule": rule(Arn=core.get("Queue")), "DeadPolicy": queue_policy("Dead")}
    with core.deployed(aws, "iam-queue", made) as outputs:
        put(aws, "iam-queue")
        refused = received(aws, outputs["Dead"])
        assert "does not let events.amazonaws.com" in refused["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
        core.change(aws, "update", "iam-queue", core.template({**made, "QueuePolicy": queue_policy("Queue")}))
        put(aws, "iam-queue")
        assert json.loads(received(aws, outputs["Queue"])["Body"])["source"] == "iam-queue"


def test_a_topic_is_not_told_for_whom_a_rule_publishes(aws: LocalAws) -> None:
    def made(operator: str) -> core.Template:
        let = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": {"Ref": "Topic"}}
        account = {operator: {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
        statement = {**let, "Action": "sns:Publish", "Condition": account}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        forwarded = queue_policy("Queue")
        (allowed,) = forwarded["Properties"]["PolicyDocument"]["Statement"]
        allowed["Principal"] = {"Service": "sns.amazonaws.com"}
        allowed["Condition"] = {"ArnEquals": {"aws:SourceArn": {"Ref": "Topic"}}}
        return {
            "Dead": QUEUE,
            "DeadPolicy": queue_policy("Dead"),
            "Queue": QUEUE,
            "QueuePolicy": forwarded,
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
            "TopicPolicy": {
                "Type": "AWS::SNS::TopicPolicy",
                "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": document},
            },
            "Subscription": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": core.get("Queue")},
            },
            "Rule": rule(Arn={"Ref": "Topic"}),
        }

    with core.deployed(aws, "iam-topic", made("StringEquals")) as outputs:
        put(aws, "iam-topic")
        refused = received(aws, outputs["Dead"])
        assert "does not let events.amazonaws.com" in refused["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
        core.change(aws, "update", "iam-topic", core.template(made("StringEqualsIfExists")))
        put(aws, "iam-topic")
        message = json.loads(json.loads(received(aws, outputs["Queue"])["Body"])["Message"])
        assert message["source"] == "iam-topic"


def test_a_function_that_was_not_opened_to_the_rule_is_not_invoked(aws: LocalAws) -> None:
    made = {
        "Role": core.role("lambda.amazonaws.com"),
        "F": core.function("Role", "def handler(event, context):\n    return 1\n"),
        "Dead": QUEUE,
        "Rule": rule(Arn=core.get("F")),
        "DeadPolicy": queue_policy("Dead"),
    }
    with core.deployed(aws, "iam-function", made) as outputs:
        put(aws, "iam-function")
        message = received(aws, outputs["Dead"])["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    assert "lambda:InvokeFunction" in message


def test_metrics_may_be_limited_to_a_namespace(aws: LocalAws) -> None:
    code = """
import boto3

def handler(event, context):
    boto3.client("cloudwatch").put_metric_data(Namespace=event["n"], MetricData=[{"MetricName": "m", "Value": 1}])
"""
    limited = {"StringEquals": {"cloudwatch:namespace": "MLOps/flights"}}
    made = {
        "Role": core.role("lambda.amazonaws.com", core.allow("cloudwatch:PutMetricData", "*", Condition=limited)),
        "F": core.function("Role", code),
    }
    with core.deployed(aws, "iam-namespace", made) as outputs:
        for namespace, error in (("MLOps/flights", None), ("MLOps/other", "Unhandled")):
            payload = json.dumps({"n": namespace}).encode()
            answer = aws.client("lambda").invoke(FunctionName=outputs["F"], Payload=payload)
            assert answer.get("FunctionError") == error


def test_an_unknown_layer_fails_the_stack_by_name(aws: LocalAws) -> None:
    layer = "arn:aws:lambda:us-east-1:123456789012:layer:Mystery:3"
    made = {
        "Role": core.role("lambda.amazonaws.com"),
        "F": core.function("Role", "def handler(event, context): pass", Layers=[layer]),
    }
    with pytest.raises(AssertionError, match="Mystery"):
        core.change(aws, "create", "iam-layer", core.template(made))


def test_the_public_powertools_layer_is_there(aws: LocalAws) -> None:
    layer = "arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-arm64:18"
    code = "from aws_lambda_powertools import Logger\ndef handler(event, context):\n    return Logger.__name__\n"
    made = {"Role": core.role("lambda.amazonaws.com"), "F": core.function("Role", code, Layers=[layer])}
    with core.deployed(aws, "iam-powertools", made) as outputs:
        answer = aws.client("lambda").invoke(FunctionName=outputs["F"])
    assert json.loads(answer["Payload"].read()) == "Logger"


def test_a_request_with_a_foreign_key_is_refused(aws: LocalAws) -> None:
    import boto3

    stranger = boto3.client(
        "ssm",
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="x",
    )
    with pytest.raises(ClientError, match="security token"):
        stranger.get_parameter(Name="/x")


LIST_ALL = core.allow("s3:ListBucket", core.get("Bucket"))
LIST_BELOW = {**LIST_ALL, "Condition": {"StringLike": {"s3:prefix": "x*"}}}


@pytest.mark.parametrize(("listing", "code"), [(LIST_ALL, "NoSuchKey"), (LIST_BELOW, "AccessDenied")])
def test_only_who_may_list_the_bucket_hears_that_an_object_is_not_there(
    aws: LocalAws, listing: core.Template, code: str
) -> None:
    with core.deployed(aws, "iam-absent", reading(listing)) as outputs:
        answer = aws.client("lambda").invoke(
            FunctionName=outputs["F"], Payload=json.dumps({"bucket": outputs["Bucket"]}).encode()
        )
        assert f"({code})" in json.loads(answer["Payload"].read())["errorMessage"]
        with pytest.raises(aws.client("s3").exceptions.NoSuchKey):
            aws.client("s3").get_object(Bucket=outputs["Bucket"], Key="x")
