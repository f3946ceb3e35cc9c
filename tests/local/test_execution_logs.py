"""What a state machine logs is its history: all of it, its errors or how it ended; with its data or without."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops_local.server import LocalAws
from mlops_local.stepfunctions.logs import is_logged, message
from tests.local import core

pytestmark = pytest.mark.local
TROUBLE = "a queue that is not there"
STATES = {
    "Secret": {"Type": "Pass", "Output": {"word": "sesame"}, "Next": "Send"},
    "Send": core.task(
        "aws-sdk:sqs:sendMessage",
        {"QueueUrl": "http://127.0.0.1/000000000000/none", "MessageBody": "sesame"},
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Over"}],
    ),
    "Over": {"Type": "Fail", "Error": "NoQueue", "Cause": TROUBLE},
}
ERRORS = ["TaskFailed", "FailStateEntered", "ExecutionFailed"]


def logged(aws: LocalAws, name: str, **logging: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The events an execution logged once it had ended, and its history."""
    machine = core.machine("Role", STATES)
    destination = {"CloudWatchLogsLogGroup": {"LogGroupArn": core.get("Group")}}
    machine["Properties"]["LoggingConfiguration"] = {"Destinations": [destination], **logging}
    made = {
        "Role": core.role("states.amazonaws.com", core.allow("sqs:SendMessage", "*")),
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
        "M": machine,
    }
    logs, states = aws.client("logs"), aws.client("stepfunctions")
    with core.deployed(aws, name, made) as outputs:
        execution = core.execute(aws, outputs["M"], {"given": "sesame"})

        def found() -> Any:
            events = logs.filter_log_events(logGroupName=outputs["Group"])["events"]
            lines = [json.loads(event["message"]) for event in events]
            return lines if any(line["type"] == "ExecutionFailed" for line in lines) else None

        lines: list[dict[str, Any]] = core.wait_for("the end of the execution in its log", found)
        stream = logs.describe_log_streams(logGroupName=outputs["Group"])["logStreams"][0]["logStreamName"]
        assert stream.startswith(f"states/{outputs['M'].rpartition(':')[2]}/")
        assert {line["execution_arn"] for line in lines} == {execution["executionArn"]}
        return lines, states.get_execution_history(executionArn=execution["executionArn"])["events"]


def test_everything_is_logged_in_order_and_with_data(aws: LocalAws) -> None:
    lines, history = logged(aws, "logs-all", Level="ALL", IncludeExecutionData=True)
    assert [(line["id"], line["type"]) for line in lines] == [(str(event["id"]), event["type"]) for event in history]
    assert lines[0]["type"] == "ExecutionStarted"
    assert json.loads(lines[0]["details"]["input"]) == {"given": "sesame"}
    assert lines[0]["details"]["inputDetails"] == {"truncated": False}
    assert lines[-1]["details"] == {"error": "NoQueue", "cause": TROUBLE}


def test_without_data_no_input_and_no_output_is_logged(aws: LocalAws) -> None:
    lines, history = logged(aws, "logs-bare", Level="ALL", IncludeExecutionData=False)
    assert len(lines) == len(history)
    assert "sesame" not in json.dumps(lines)


@pytest.mark.parametrize(("level", "types"), [("ERROR", ERRORS), ("FATAL", ["ExecutionFailed"])])
def test_a_level_logs_its_events_only(aws: LocalAws, level: str, types: list[str]) -> None:
    lines, _ = logged(aws, f"logs-{level.lower()}", Level=level, IncludeExecutionData=True)
    assert [line["type"] for line in lines] == types


def test_a_log_group_that_does_not_exist_is_refused(aws: LocalAws) -> None:
    made = {"Role": core.role("states.amazonaws.com"), "M": core.machine("Role", STATES)}
    with core.deployed(aws, "logs-nowhere", made) as outputs:
        states = aws.client("stepfunctions")
        nowhere = {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:nowhere:*"}}
        with pytest.raises(ClientError, match="InvalidLoggingConfiguration"):
            states.update_state_machine(
                stateMachineArn=outputs["M"], loggingConfiguration={"level": "ALL", "destinations": [nowhere]}
            )
        machine = states.describe_state_machine(stateMachineArn=outputs["M"])
        assert machine["loggingConfiguration"]["level"] == "OFF"


def test_a_long_text_is_cut_and_says_so() -> None:
    event = {"id": 2, "type": "PassStateEntered", "stateEnteredEventDetails": {"name": "A", "input": "ü" * 200_000}}
    details = json.loads(message("arn", event, 1, with_data=True))["details"]
    assert len(details["input"].encode()) == 248 * 1024
    assert details["inputDetails"] == {"truncated": True}


@pytest.mark.parametrize("level", ["ERROR", "FATAL"])
@pytest.mark.parametrize("event", ["ExecutionAborted", "ExecutionTimedOut"])
def test_every_bad_end_is_logged(level: str, event: str) -> None:
    assert is_logged(level, event)
    assert not is_logged(level, "ExecutionSucceeded")
