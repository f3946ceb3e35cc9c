"""Every request is somebody's, and passes only with every permission it needs."""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import get_session

from mlops_local.server import LocalAws
from tests.local import core
from tests.local.ml import allow

pytestmark = pytest.mark.local
COUNTER = itertools.count()
PREFIX = "arn:aws:iam::000000000000"


def client(aws: LocalAws, service: str, key: str, secret: str, token: str | None = None, **config: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(s3={"addressing_style": "path"}, **config),
    )


class Caller:
    """A role that may do what its statements say, and somebody who has assumed it."""

    def __init__(self, aws: LocalAws, *statements: dict[str, Any]) -> None:
        self._aws, name = aws, f"caller-{next(COUNTER)}"
        trust = {"Effect": "Allow", "Principal": {"AWS": f"{PREFIX}:root"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
            aws.client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
        self._given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]

    def client(self, service: str, **config: Any) -> Any:
        given = self._given
        return client(
            self._aws, service, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], **config
        )


# -- who asks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/lambda-code/f"),
        ("GET", "/_ministack/sqs/messages"),
        ("GET", "/_localstack/health"),
        ("GET", "/health"),
    ],
)
def test_the_emulators_own_addresses_are_not_served(aws: LocalAws, method: str, path: str) -> None:
    aws.client("ssm").put_parameter(Name="/kept", Value="1", Type="String", Overwrite=True)
    request = urllib.request.Request(f"{aws.endpoint_url}{path}", data=b"" if method == "POST" else None, method=method)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(request)
    assert aws.client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "1"


def test_a_bucket_may_be_called_nearly_like_them(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="health-data")
    s3.put_object(Bucket="health-data", Key="k", Body=b"1")
    assert s3.get_object(Bucket="health-data", Key="k")["Body"].read() == b"1"


@pytest.mark.parametrize("service", ["s3", "sqs", "dynamodb", "iam"])
def test_a_request_without_a_signature_is_refused(aws: LocalAws, service: str) -> None:
    unsigned = client(aws, service, "test", "test", signature_version=UNSIGNED)
    operations = {"s3": "list_buckets", "sqs": "list_queues", "dynamodb": "list_tables", "iam": "list_roles"}
    with pytest.raises(ClientError, match="MissingAuthenticationToken"):
        getattr(unsigned, operations[service])()


@pytest.mark.parametrize("version", [{}, {"signature_version": "s3v4"}])
def test_a_presigned_address_needs_no_other_signature(aws: LocalAws, version: dict[str, str]) -> None:
    s3 = client(aws, "s3", "test", "test", **version)
    s3.create_bucket(Bucket="iam-presigned")
    s3.put_object(Bucket="iam-presigned", Key="k", Body=b"text")
    address = s3.generate_presigned_url("get_object", Params={"Bucket": "iam-presigned", "Key": "k"})
    assert urllib.request.urlopen(address).read() == b"text"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address.replace("Signature=", "Signature=0"))


@pytest.mark.parametrize("service", ["sts", "s3", "sagemaker"])
def test_the_root_needs_its_secret(aws: LocalAws, service: str) -> None:
    operations = {"sts": "get_caller_identity", "s3": "list_buckets", "sagemaker": "list_models"}
    getattr(client(aws, service, "test", "test"), operations[service])()
    for key in ("test", "000000000000"):
        with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidSignatureException"):
            getattr(client(aws, service, key, "guessed"), operations[service])()


# -- what is asked for ------------------------------------------------------------------------------------------


def lambda_operations() -> Iterator[tuple[str, dict[str, Any]]]:
    model = get_session().get_service_model("lambda")
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        members = shape.members if shape else {}
        given = {member: "x" for member in members if members[member].serialization.get("location") == "uri"}
        yield name, given


def test_no_operation_of_lambda_is_served_without_its_permission(aws: LocalAws) -> None:
    functions = Caller(aws).client("lambda", parameter_validation=False)
    passed = []
    for name, given in lambda_operations():
        try:
            functions._make_api_call(name, given)
        except ClientError as error:
            if error.response["Error"]["Code"] == "AccessDeniedException":
                continue
            passed.append(f"{name}: {error}")
            continue
        passed.append(name)
    assert not passed


def test_a_function_is_invoked_as_a_stream_with_the_permission_to_invoke(aws: LocalAws) -> None:
    made = {"Role": core.role("lambda.amazonaws.com"), "F": core.function("Role", "def handler(e, c):\n    return 1\n")}
    with core.deployed(aws, "iam-stream", made) as outputs:
        name = outputs["F"]
        allowed = Caller(
            aws, allow("lambda:InvokeFunction", on=f"arn:aws:lambda:us-east-1:000000000000:function:{name}")
        )
        events = allowed.client("lambda").invoke_with_response_stream(FunctionName=name)["EventStream"]
        assert b"1" in b"".join(event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event)


def test_a_request_nobody_knows_is_denied(aws: LocalAws) -> None:
    functions = Caller(aws, allow("lambda:GetFunction")).client("lambda")
    functions.meta.events.register("before-call.lambda", lambda params, **_: params.update(url=f"{aws.endpoint_url}/x"))
    with pytest.raises(ClientError, match=r"AccessDenied.*lambda:GET /x"):
        functions.get_function(FunctionName="f")


@pytest.mark.parametrize("operation", ["get_parameters", "delete_parameters"])
def test_every_parameter_a_request_names_must_be_allowed(aws: LocalAws, operation: str) -> None:
    ssm = aws.client("ssm")
    for name in ("/iam/a", "/iam/b"):
        ssm.put_parameter(Name=name, Value=name, Type="String", Overwrite=True)
    action = "ssm:" + operation.title().replace("_", "")
    caller = Caller(aws, allow(action, on="arn:aws:ssm:us-east-1:000000000000:parameter/iam/a")).client("ssm")
    with pytest.raises(ClientError, match=r"AccessDenied.*parameter/iam/b"):
        getattr(caller, operation)(Names=["/iam/a", "/iam/b"])
    assert ssm.get_parameter(Name="/iam/a")
    assert getattr(caller, operation)(Names=["/iam/a"])


def test_every_alarm_a_request_names_must_be_allowed(aws: LocalAws) -> None:
    alarm = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:iam-a"
    caller = Caller(aws, allow("cloudwatch:DeleteAlarms", on=alarm)).client("cloudwatch")
    caller.delete_alarms(AlarmNames=["iam-a"])
    with pytest.raises(ClientError, match="AccessDenied"):
        caller.delete_alarms(AlarmNames=["iam-a", "iam-b"])


@pytest.mark.parametrize(
    ("extra", "action"),
    [({"Tagging": "a=b"}, "s3:PutObjectTagging"), ({"ACL": "bucket-owner-full-control"}, "s3:PutObjectAcl")],
)
def test_an_object_is_put_with_more_only_with_the_permission_for_more(
    aws: LocalAws, extra: dict[str, str], action: str
) -> None:
    aws.client("s3").create_bucket(Bucket="iam-put")
    objects = "arn:aws:s3:::iam-put/*"
    plain = Caller(aws, allow("s3:PutObject", on=objects)).client("s3")
    plain.put_object(Bucket="iam-put", Key="k", Body=b"1")
    with pytest.raises(ClientError, match=f"AccessDenied.*{action}"):
        plain.put_object(Bucket="iam-put", Key="k", Body=b"2", **extra)
    more = Caller(aws, allow("s3:PutObject", action, on=objects)).client("s3")
    more.put_object(Bucket="iam-put", Key="k", Body=b"3", **extra)


# -- passing a role ---------------------------------------------------------------------------------------------

ROLE = f"{PREFIX}:role/passed"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
DEFINITION = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
TARGET = {"Arn": MACHINE, "RoleArn": ROLE}
SCHEDULE = {
    "Name": "s",
    "ScheduleExpression": "rate(1 day)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": TARGET,
}
CODE = {"ZipFile": b"x"}
PASSING = [
    ("stepfunctions", "create_state_machine", {"name": "m", "definition": DEFINITION, "roleArn": ROLE}),
    ("stepfunctions", "update_state_machine", {"stateMachineArn": MACHINE, "roleArn": ROLE}),
    (
        "lambda",
        "create_function",
        {"FunctionName": "f", "Role": ROLE, "Code": CODE, "Runtime": "python3.13", "Handler": "i.h"},
    ),
    ("lambda", "update_function_configuration", {"FunctionName": "f", "Role": ROLE}),
    ("scheduler", "create_schedule", SCHEDULE),
    ("scheduler", "update_schedule", SCHEDULE),
    ("events", "put_rule", {"Name": "r", "EventPattern": "{}", "RoleArn": ROLE}),
    ("events", "put_targets", {"Rule": "r", "Targets": [{"Id": "0", "Arn": MACHINE}, {"Id": "1", **TARGET}]}),
    (
        "logs",
        "put_subscription_filter",
        {"logGroupName": "g", "filterName": "f", "filterPattern": "", "destinationArn": MACHINE, "roleArn": ROLE},
    ),
    (
        "ec2",
        "create_flow_logs",
        {
            "ResourceIds": ["vpc-1"],
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "LogGroupName": "g",
            "DeliverLogsPermissionArn": ROLE,
        },
    ),
    ("cloudformation", "create_stack", {"StackName": "s", "TemplateBody": "{}", "RoleARN": ROLE}),
    (
        "cloudformation",
        "create_change_set",
        {"StackName": "s", "ChangeSetName": "c", "TemplateBody": "{}", "RoleARN": ROLE},
    ),
]
PRINCIPALS = {
    "stepfunctions": "states.amazonaws.com",
    "ec2": "vpc-flow-logs.amazonaws.com",
}


@pytest.mark.parametrize(("service", "operation", "arguments"), PASSING, ids=[case[1] for case in PASSING])
def test_a_role_is_handed_over_only_with_the_permission_to_pass_it_there(
    aws: LocalAws, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    def attempt(*statements: dict[str, Any]) -> str:
        caller = Caller(aws, *statements).client(service)
        try:
            getattr(caller, operation)(**arguments)
        except ClientError as error:
            return str(error)
        return ""

    def passing(principal: str) -> dict[str, Any]:
        statement = allow("iam:PassRole", on=ROLE)
        return {**statement, "Condition": {"StringEquals": {"iam:PassedToService": principal}}}

    everything = allow(f"{PRINCIPALS.get(service, service).partition('.')[0] if service != 'ec2' else 'ec2'}:*")
    assert f"iam:PassRole on resource: {ROLE}" in attempt(everything)
    assert "iam:PassRole" in attempt(everything, passing("sagemaker.amazonaws.com"))
    # Whatever else may be wrong with the request, such as a rule that is not there.
    assert "iam:PassRole" not in attempt(everything, passing(PRINCIPALS.get(service, f"{service}.amazonaws.com")))
