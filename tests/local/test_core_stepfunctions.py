"""Tasks act as the state machine's role, and fail with the names a Catch on AWS would need."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops_local.server import LocalAws
from tests.local import core
from tests.local.ml import events_queue, received

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


def test_a_redrive_is_refused_by_name(aws: LocalAws, invoking: str) -> None:
    done = core.execute(aws, invoking, {"bytes": 300_000})
    with pytest.raises(ClientError, match="RedriveExecution"):
        aws.client("stepfunctions").redrive_execution(executionArn=done["executionArn"])


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


def limited(resources: core.Template, seconds: int) -> core.Template:
    """The template with a TimeoutSeconds in its machine's definition, and alarms on how its executions end."""
    properties = resources["M"]["Properties"]
    body = {**json.loads(properties["DefinitionString"]), "TimeoutSeconds": seconds}
    machine = {**resources["M"], "Properties": {**properties, "DefinitionString": json.dumps(body)}}
    alarms = {
        name: {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "AWS/States",
                "MetricName": metric,
                "Dimensions": [{"Name": "StateMachineArn", "Value": {"Ref": "M"}}],
                "Statistic": "Sum",
                "Period": 300,
                "EvaluationPeriods": 1,
                "Threshold": 1,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "TreatMissingData": "notBreaching",
            },
        }
        for name, metric in (("TimedOut", "ExecutionsTimedOut"), ("Broken", "ExecutionsFailed"))
    }
    return {**resources, "M": machine, **alarms}


def in_alarm(aws: LocalAws, *names: str) -> set[str]:
    found = aws.client("cloudwatch").describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    return {alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM"}


def test_an_execution_that_runs_too_long_times_out_with_event_and_alarm(aws: LocalAws) -> None:
    """Its Task would be retried, and its failure caught: neither keeps a machine alive that is out of time."""
    slow = CODE.replace(
        "def handler(event, context):", "def handler(event, context):\n    import time; time.sleep(2.5)"
    )
    states = {
        "Slow": core.task("lambda:invoke", INVOKE, Catch=[OUTCOME], Next="Marked"),
        "Marked": core.task("aws-sdk:ssm:putParameter", {"Name": "/marked", "Value": "1", "Type": "String"}),
        "Failed": FAILED,
    }
    made = limited(resources(states, core.allow("ssm:PutParameter", "*")), seconds=1)
    made["F"] = core.function("FRole", slow)
    url = events_queue(aws, "sfn-timeout", "aws.states")
    with core.deployed(aws, "sfn-timeout", made) as outputs:
        done = core.execute(aws, outputs["M"])
        assert (done["status"], done["error"]) == ("TIMED_OUT", "States.Timeout")
        arn = done["executionArn"]

        def told(found: list[dict[str, Any]]) -> bool:
            return any(
                event["detail"]["executionArn"] == arn and event["detail"]["status"] == "TIMED_OUT" for event in found
            )

        (event,) = [each for each in received(aws, url, told) if each["detail"]["status"] == "TIMED_OUT"]
        assert event["detail-type"] == "Step Functions Execution Status Change"
        alarms = (outputs["TimedOut"], outputs["Broken"])
        core.wait_for("the alarm", lambda: in_alarm(aws, *alarms))
        time.sleep(3)  # the function has come back by now
        assert in_alarm(aws, *alarms) == {outputs["TimedOut"]}
        client = aws.client("stepfunctions")
        assert client.describe_execution(executionArn=arn)["status"] == "TIMED_OUT"
        assert client.get_execution_history(executionArn=arn)["events"][-1]["type"] == "ExecutionTimedOut"
        with pytest.raises(ClientError, match="ParameterNotFound"):
            aws.client("ssm").get_parameter(Name="/marked")


def test_pauses_that_are_left_out_count_for_the_timeout(aws: LocalAws) -> None:
    """Two days of waiting pass at once here, but not for a machine that may run for one."""
    states = {
        "First": {"Type": "Wait", "Seconds": 80_000, "Next": "Second"},
        "Second": {"Type": "Wait", "Seconds": 80_000, "Next": "Done"},
        "Done": {"Type": "Succeed"},
    }
    with core.deployed(aws, "sfn-days", limited(resources(states), seconds=86_400)) as outputs:
        done = core.execute(aws, outputs["M"])
        assert (done["status"], done["error"]) == ("TIMED_OUT", "States.Timeout")
        history = aws.client("stepfunctions").get_execution_history(executionArn=done["executionArn"])["events"]
        assert "SucceedStateEntered" not in {event["type"] for event in history}
    with core.deployed(aws, "sfn-days-enough", limited(resources(states), seconds=172_800)) as outputs:
        assert core.execute(aws, outputs["M"])["status"] == "SUCCEEDED"


def test_a_stopped_execution_stays_stopped_and_its_job_is_stopped_with_it(aws: LocalAws) -> None:
    """A nested execution that would wait for hours, if somebody had not stopped the outer one."""
    slow = CODE.replace("def handler(event, context):", "def handler(event, context):\n    import time; time.sleep(1)")
    again = core.task("lambda:invoke", INVOKE, Next="Wait")
    inner = {"Again": again, "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Again"}}
    made = resources(inner)
    made["F"] = core.function("FRole", slow)
    start = {"StateMachineArn": "${Inner}", "Input": {}}
    outer = {"Run": core.task("states:startExecution.sync:2", start)}
    made["OuterRole"] = core.role("states.amazonaws.com", core.allow("states:*", "*"))
    made["Outer"] = core.machine("OuterRole", outer, Inner={"Ref": "M"})
    client = aws.client("stepfunctions")
    with core.deployed(aws, "sfn-stopped", made) as outputs:
        arn = client.start_execution(stateMachineArn=outputs["Outer"])["executionArn"]

        def running() -> Any:
            return client.list_executions(stateMachineArn=outputs["M"], statusFilter="RUNNING")["executions"]

        core.wait_for("the inner execution", running)
        client.stop_execution(executionArn=arn, error="Enough", cause="a person")
        core.wait_for("the end of the inner execution", lambda: not running())
        time.sleep(1)
        done = client.describe_execution(executionArn=arn)
        assert (done["status"], done["error"]) == ("ABORTED", "Enough")
