"""What the gate asks of Step Functions and of the kill switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from mlops_runtime import aws

if TYPE_CHECKING:
    from retraining_gate.settings import Settings


def kill_switch(config: Settings) -> str:
    """Why the kill switch is on, or an empty text.

    A switch that is missing or says neither on nor off is on: nobody can rely on a switch that is not there.
    """
    name, client = config.kill_switch_parameter, aws.ssm()
    try:
        value = client.get_parameter(Name=name)["Parameter"]["Value"].strip().lower()
    except client.exceptions.ParameterNotFound:
        return f"{name} does not exist, which counts as on: create it with the value off"
    if value == "off":
        return ""
    return f"{name} is on" if value == "on" else f"{name} is {value!r}, which counts as on: write on or off"


def start(config: Settings, name: str, execution_input: str) -> None:
    """Start the train workflow under `name`; an execution of that name that exists already is the one meant."""
    client = aws.stepfunctions()
    try:
        client.start_execution(stateMachineArn=config.train_state_machine_arn, name=name, input=execution_input)
    except client.exceptions.ExecutionAlreadyExists:
        return


def status_of(execution: str) -> str:
    """What Step Functions says of the holder of the slot; empty when it knows no such execution.

    A look that was throttled counts as running: in a storm of triggers the slot stays taken, and the next one looks.
    """
    client = aws.stepfunctions()
    try:
        return client.describe_execution(executionArn=execution)["status"]
    except client.exceptions.ExecutionDoesNotExist:
        return ""
    except ClientError as error:
        if aws.error_code(error) == "ThrottlingException":
            return "RUNNING"
        raise
