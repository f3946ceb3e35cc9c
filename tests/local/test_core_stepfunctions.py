"""Tasks act as the state machine's role, and fail with the names a Catch on AWS would need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mlops_local.server import LocalAws
from tests.local import core

pytestmark = pytest.mark.local

CODE = """
class NoLabelledData(Exception):
    pass

def handler(event, context):
    if event.get("fail"):
        raise NoLabelledData("no label in " + event["fail"])
    return {"doubled": event.get("number", 0) * 2, "large": "x" * event.get("bytes", 0)}
"""
INVOKE = {"FunctionName": "${F}", "Payload": "{% $states.input %}"}
OUTCOME = {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Failed"}
FAILED = {"Type": "Pass", "End": True}


def resources(states: dict[str, Any], *statements: core.Template) -> core.Template:
    return {
        "FRole": core.role("lambda.amazonaws.com"),
        "F": core.function("FRole", CODE),
        "Role": core.role("states.amazonaws.com", core.allow("lambda:InvokeFunction", core.get("F")), *statements),
        "M": core.machine("Role", states, F=core.get("F")),
    }


@pytest.fixture(scope="module")
def invoking(aws: LocalAws) -> Iterator[str]:
    states = {
        "Call": core.task(
            "lambda:invoke",
            INVOKE,
            Output="{% $states.result.Payload %}",
            TimeoutSeconds=20,
            Retry=[{"ErrorEquals": ["NoLabelledData"], "MaxAttempts": 1}],
            Catch=[{"ErrorEquals": ["NoLabelledData"], "Output": "{% $states.errorOutput %}", "Next": "Failed"}],
        ),
        "Failed": FAILED,
    }
    with core.deployed(aws, "sfn-invoke", resources(states)) as outputs:
        yield outputs["M"]


def one_task(aws: LocalAws, name: str, resource: str, arguments: Any, *statements: core.Template) -> dict[str, Any]:
    """The output of a machine whose only Task catches everything."""
    states = {"Only": core.task(resource, arguments, Catch=[OUTCOME]), "Failed": FAILED}
    with core.deployed(aws, name, resources(states, *statements)) as outputs:
        done = core.execute(aws, outputs["M"])
    assert done["status"] == "SUCCEEDED", done
    answer: dict[str, Any] = json.loads(done["output"])
    return answer


def test_a_function_gets_the_payload_and_its_result_comes_back(aws: LocalAws, invoking: str) -> None:
    done = core.execute(aws, invoking, {"number": 21})
    assert json.loads(done["output"])["doubled"] == 42


def test_retry_and_catch_see_the_exception_class_of_a_function(aws: LocalAws, invoking: str) -> None:
    done = core.execute(aws, invoking, {"fail": "march"})
    output = json.loads(done["output"])
    assert output["Error"] == "NoLabelledData"
    assert json.loads(output["Cause"])["errorMessage"] == "no label in march"
    history = aws.client("stepfunctions").get_execution_history(executionArn=done["executionArn"])["events"]
    assert sum(event["type"] == "TaskFailed" for event in history) == 2


def test_a_result_above_256_kb_fails_the_execution(aws: LocalAws, invoking: str) -> None:
    done = core.execute(aws, invoking, {"bytes": 300_000})
    assert (done["status"], done["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_a_task_without_permission_is_denied_and_recorded(aws: LocalAws) -> None:
    answer = one_task(aws, "sfn-denied", "aws-sdk:ssm:getParameter", {"Name": "/secret"})
    assert answer["Error"] == "Ssm.SsmException"
    assert "is not authorized to perform: ssm:GetParameter" in answer["Cause"]
    usage = [json.loads(line) for line in (aws.home / "iam-usage.jsonl").read_text().splitlines()]
    denied = [entry for entry in usage if entry["action"] == "ssm:GetParameter" and not entry["allowed"]]
    assert [entry["resource"] for entry in denied] == ["arn:aws:ssm:us-east-1:000000000000:parameter/secret"]
    assert all(entry["role"].startswith("arn:aws:iam::000000000000:role/mlops/local/") for entry in denied)


def test_errors_carry_the_class_names_of_the_sdk(aws: LocalAws) -> None:
    answer = one_task(
        aws, "sfn-missing", "aws-sdk:ssm:getParameter", {"Name": "/nothing"}, core.allow("ssm:GetParameter", "*")
    )
    assert answer["Error"] == "Ssm.ParameterNotFoundException"


def test_results_of_camel_case_services_are_pascal_case(aws: LocalAws) -> None:
    answer = one_task(
        aws,
        "sfn-case",
        "aws-sdk:sfn:listStateMachines",
        {"MaxResults": 1},
        core.allow("states:ListStateMachines", "*"),
    )
    assert set(answer["StateMachines"][0]) >= {"StateMachineArn", "CreationDate"}
    assert isinstance(answer["StateMachines"][0]["CreationDate"], str)


@pytest.mark.parametrize(
    ("name", "resource", "arguments", "named"),
    [
        ("member", "aws-sdk:ssm:getParameter", {"Nme": "/x"}, "Nme"),
        ("operation", "aws-sdk:ssm:getParametre", {"Name": "/x"}, "getParametre"),
        ("service", "aws-sdk:smm:getParameter", {"Name": "/x"}, "smm"),
        ("integration", "elasticmapreduce:createCluster.sync", {}, "elasticmapreduce:createCluster.sync"),
    ],
)
def test_what_is_not_supported_fails_by_name(
    aws: LocalAws, name: str, resource: str, arguments: Any, named: str
) -> None:
    states = {"Only": core.task(resource, arguments, Catch=[OUTCOME]), "Failed": FAILED}
    with core.deployed(aws, f"sfn-unknown-{name}", resources(states)) as outputs:
        done = core.execute(aws, outputs["M"])
    # States.ALL does not catch it, as on AWS: it is the definition that is wrong.
    assert (done["status"], done["error"]) == ("FAILED", "States.Runtime")
    assert named in done["cause"]


def test_a_role_that_does_not_trust_step_functions_can_not_be_used(aws: LocalAws) -> None:
    states = {"Only": core.task("lambda:invoke", INVOKE)}
    made = resources(states)
    made["Role"] = core.role("lambda.amazonaws.com", core.allow("lambda:InvokeFunction", core.get("F")))
    with core.deployed(aws, "sfn-trust", made) as outputs:
        done = core.execute(aws, outputs["M"])
    assert done["status"] == "FAILED"
    assert "states.amazonaws.com can't assume" in done["cause"]


def test_the_boundary_limits_what_a_role_may_do(aws: LocalAws) -> None:
    states = {"Only": core.task("aws-sdk:ssm:getParameter", {"Name": "/nothing"}, Catch=[OUTCOME]), "Failed": FAILED}
    made = resources(states)
    document = {"Version": "2012-10-17", "Statement": [core.allow("lambda:*", "*")]}
    made["Boundary"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
    made["Role"] = core.role(
        "states.amazonaws.com", core.allow("ssm:GetParameter", "*"), PermissionsBoundary={"Ref": "Boundary"}
    )
    with core.deployed(aws, "sfn-boundary", made) as outputs:
        done = core.execute(aws, outputs["M"])
    assert "not authorized" in json.loads(done["output"])["Cause"]


def test_branches_keep_their_variables_to_themselves(aws: LocalAws) -> None:
    def branch(value: int) -> dict[str, Any]:
        assign = {"Type": "Pass", "Assign": {"mine": value}, "Next": "Wait"}
        wait = {"Type": "Wait", "Seconds": 1, "Next": "Read"}
        read = {"Type": "Pass", "Output": "{% $mine + $outer %}", "End": True}
        return {"StartAt": "Assign", "States": {"Assign": assign, "Wait": wait, "Read": read}}

    states = {
        "Outer": {"Type": "Pass", "Assign": {"outer": 100}, "Next": "Both"},
        "Both": {
            "Type": "Parallel",
            "Branches": [branch(1), branch(2)],
            "Output": {"sums": "{% $states.result %}"},
            "End": True,
        },
    }
    with core.deployed(aws, "sfn-scopes", resources(states)) as outputs:
        done = core.execute(aws, outputs["M"])
    assert json.loads(done["output"]) == {"sums": [101, 102]}


def each_item() -> dict[str, Any]:
    """A Map whose Task calls the function once per item; a failing one ends in a Fail state, as in the workflows."""
    call = core.task(
        "lambda:invoke",
        INVOKE,
        Output="{% $merge([$states.input, $states.result.Payload, {'outer': $outer}]) %}",
        TimeoutSeconds=20,
        Catch=[{"ErrorEquals": ["States.ALL"], "Output": "{% $states.input %}", "Next": "CallFailed"}],
        Next="Called",
    )
    failed = {"Type": "Fail", "Error": "Broken", "Cause": "{% 'Call: ' & $states.input.fail %}"}
    return {
        "Type": "Map",
        "Items": "{% $states.input.items %}",
        "MaxConcurrency": 2,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "Call",
            "States": {"Call": call, "Called": {"Type": "Succeed"}, "CallFailed": failed},
        },
        "Output": {"all": "{% $states.result %}"},
        "Assign": {"doubled": "{% [$states.result.doubled] %}"},
        "Catch": [OUTCOME],
        "Next": "Read",
    }


@pytest.fixture(scope="module")
def mapping(aws: LocalAws) -> Iterator[str]:
    states = {
        "Outer": {"Type": "Pass", "Assign": {"outer": 100}, "Next": "Each"},
        "Each": each_item(),
        "Read": {"Type": "Pass", "Output": "{% $merge([$states.input, {'doubled': $doubled}]) %}", "End": True},
        "Failed": FAILED,
    }
    with core.deployed(aws, "sfn-map", resources(states)) as outputs:
        yield outputs["M"]


def test_items_of_a_map_keep_their_order_and_see_the_variables_around(aws: LocalAws, mapping: str) -> None:
    done = core.execute(aws, mapping, {"items": [{"number": n} for n in (3, 1, 2)]})
    found = json.loads(done["output"])
    assert [(each["number"], each["doubled"], each["outer"]) for each in found["all"]] == [
        (3, 6, 100),
        (1, 2, 100),
        (2, 4, 100),
    ]
    assert found["doubled"] == [6, 2, 4]


def test_a_map_without_items_succeeds(aws: LocalAws, mapping: str) -> None:
    assert json.loads(core.execute(aws, mapping, {"items": []})["output"]) == {"all": [], "doubled": []}


def test_one_failing_item_fails_its_map(aws: LocalAws, mapping: str) -> None:
    done = core.execute(aws, mapping, {"items": [{"number": 1}, {"fail": "second"}]})
    assert json.loads(done["output"]) == {"Error": "Broken", "Cause": "Call: second"}
