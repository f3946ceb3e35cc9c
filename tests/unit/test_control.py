"""The kill switch: what the function may do, and what keeps its records."""

import json
import os
from typing import Any

import pytest

os.environ["CDK_VALIDATION"] = "false"

import aws_cdk as cdk
from aws_cdk import assertions
from aws_cdk import aws_iam as iam

from mlops_constructs.control import PlatformControl
from mlops_constructs.control.access import NAMES
from mlops_constructs.datalake.zone import AccessLogBucket
from mlops_constructs.governance.alerts import AlertTopic
from mlops_constructs.governance.keys import Keys
from mlops_constructs.orchestration.bus import PlatformBus
from mlops_constructs.retraining.gate import kill_switch_parameter_name
from mlops_constructs.serving.freeze import ALLOWED, ATTACHED, detached_parameter_name, freeze_parameter_name
from platform_control import logic


def made(retain: bool = True, *, granted: bool = False) -> assertions.Template:
    environment = cdk.Environment(account="111111111111", region="eu-west-1")
    stack = cdk.Stack(cdk.App(), "Control", env=environment)
    keys = Keys(stack, "Keys")
    control = PlatformControl(
        stack,
        "Control",
        environment_name="test",
        bus=PlatformBus(stack, "Bus", name="mlops-test", encryption_key=keys.data),
        encryption_key=keys.secrets,
        evidence_key=keys.evidence,
        models_key=keys.models,
        log_key=keys.logs,
        access_log_bucket=AccessLogBucket(stack, "Logs"),
        alarm_topic=AlertTopic(stack, "Alerts", encryption_key=keys.data),
        retain=retain,
    )
    if granted:
        control.grant_use(
            *(iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal()) for name in ("OnCall", "Steward"))
        )
    return assertions.Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> assertions.Template:
    return made()


def statements(template: assertions.Template) -> list[dict[str, Any]]:
    (policy,) = [p for name, p in template.find_resources("AWS::IAM::Policy").items() if "Function" in name]
    found: list[dict[str, Any]] = policy["Properties"]["PolicyDocument"]["Statement"]
    return found


def on(template: assertions.Template, action: str) -> str:
    return json.dumps([s["Resource"] for s in statements(template) if action in s["Action"]])


def test_people_call_it_by_its_name(template: assertions.Template) -> None:
    (function,) = template.find_resources("AWS::Lambda::Function").values()
    assert function["Properties"]["FunctionName"] == "mlops-test-control"


def test_whoever_is_granted_use_may_invoke_the_function_and_nothing_else() -> None:
    template = made(granted=True)
    (function,) = template.find_resources("AWS::Lambda::Function")
    policies = template.find_resources("AWS::IAM::Policy")
    for role in ("OnCall", "Steward"):
        (policy,) = [each["Properties"] for name, each in policies.items() if name.startswith(role)]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert [each["Ref"][: len(role)] for each in policy["Roles"]] == [role]
        assert statement == {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": {"Fn::GetAtt": [function, "Arn"]},
        }


def test_it_writes_the_three_switches_of_its_environment_and_no_other_parameter(
    template: assertions.Template,
) -> None:
    written = on(template, "ssm:PutParameter")
    for name in NAMES:
        assert f"parameter/mlops/test/*/{name}" in written
    assert written.count("parameter/") == 3


def test_it_deletes_endpoints_of_its_environment_only(template: assertions.Template) -> None:
    assert on(template, "sagemaker:DeleteEndpoint").count("111111111111:endpoint/*-test") == 1
    assert "*" not in on(template, "sagemaker:DeleteEndpoint").replace("endpoint/*-test", "")
    assert on(template, "sagemaker:CreateEndpoint").count("-test") == 2


def test_it_reads_and_gives_tags_of_endpoints_of_its_environment_only(template: assertions.Template) -> None:
    for action in ("sagemaker:ListTags", "sagemaker:AddTags"):
        assert on(template, action).count("arn:") == 1
        assert on(template, action).count("111111111111:endpoint/*-test") == 1


def test_a_record_is_written_and_never_deleted(template: assertions.Template) -> None:
    allowed = {a for s in statements(template) if s["Effect"] == "Allow" for a in _list(s["Action"])}
    assert {a for a in allowed if a.startswith("s3:")} == {"s3:PutObject", "s3:AbortMultipartUpload"}
    (bucket,) = [b for n, b in template.find_resources("AWS::S3::Bucket").items() if "Records" in n]
    lock = bucket["Properties"]["ObjectLockConfiguration"]
    assert bucket["Properties"]["ObjectLockEnabled"] is True
    assert lock["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 365}
    assert bucket["DeletionPolicy"] == "Retain"


def test_records_that_are_to_go_with_their_stack_are_not_locked() -> None:
    (bucket,) = [b for n, b in made(retain=False).find_resources("AWS::S3::Bucket").items() if "Records" in n]
    assert "ObjectLockConfiguration" not in bucket["Properties"]


def test_a_command_that_fails_wakes_a_person(template: assertions.Template) -> None:
    alarms = template.find_resources("AWS::CloudWatch::Alarm")
    (alarm,) = [a for name, a in alarms.items() if "FailedAlarm" in name]
    assert alarm["Properties"]["MetricName"] == "Errors"
    assert alarm["Properties"]["AlarmActions"]


def test_the_function_turns_the_switches_that_gate_and_deployment_read() -> None:
    names = {
        kill_switch_parameter_name("w", "e"): logic.KILL_SWITCH,
        freeze_parameter_name("w", "e"): logic.PROMOTION_FREEZE,
        detached_parameter_name("w", "e"): logic.DETACHED_ENDPOINT,
    }
    assert {name: f"/mlops/e/w/{switch}" for name, switch in names.items()} == {name: name for name in names}
    assert set(NAMES) == set(logic.SWITCHES)
    assert (ALLOWED, ATTACHED) == (logic.OFF, logic.NONE)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
