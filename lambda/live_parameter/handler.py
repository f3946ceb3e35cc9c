"""CloudFormation custom resource `Custom::LiveParameter`: makes a parameter, removes it, and never writes it again.

An `AWS::SSM::Parameter` is written with the template's value whenever CloudFormation updates the resource, be it for a
tag: a kill switch that a person turned on would be off again.

The physical id says whose the parameter is: its name when it was made here, `found:<name>` when somebody had made it
before, anything else when nothing came of it. Only what was made here is deleted: the rollback of a deployment deletes
what it created, and a switch that a person had turned on must outlive that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from mlops_runtime import aws
from mlops_runtime.custom_resource import Request, answer, send
from mlops_runtime.errors import InvalidInput
from mlops_runtime.observability import logger, parse

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


_FOUND = "found:"


class Properties(BaseModel):
    """Properties of the custom resource."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(alias="Name", pattern="^/")
    first_value: str = Field(alias="FirstValue", min_length=1)
    description: str = Field(alias="Description")


class Making(Request):
    """A request about one parameter."""

    properties: Properties = Field(alias="ResourceProperties")


def handler(event: dict[str, object], context: LambdaContext) -> None:
    """Handle one request; whatever happens CloudFormation gets an answer, or the stack would hang for an hour."""
    logger.append_keys(request_id=context.aws_request_id)
    request = parse(Request, event)
    failure, physical_id = "", request.logical_resource_id
    try:
        if request.request_type == "Create":
            physical_id = _make(parse(Making, event).properties)
        elif request.request_type == "Update":
            _check_name(request.physical_resource_id, parse(Making, event).properties)
        elif request.physical_resource_id.startswith("/"):
            _remove(request.physical_resource_id)
    except Exception as error:
        logger.exception("failed")
        failure = f"{type(error).__name__}: {error}"
    send(request.response_url, answer(request, physical_id=physical_id, failure=failure))


def _make(parameter: Properties) -> str:
    """Write the first value, unless there is one, and return the physical id.

    A person may have been first, or CloudFormation asks twice. What it asks for twice counts as found and outlives the
    stack: better a switch too many than one too few.
    """
    client = aws.ssm()
    try:
        client.put_parameter(
            Name=parameter.name, Value=parameter.first_value, Description=parameter.description, Type="String"
        )
    except client.exceptions.ParameterAlreadyExists:
        logger.info("it was there and keeps its value", extra={"parameter": parameter.name})
        return _FOUND + parameter.name
    return parameter.name


def _check_name(physical_id: str, parameter: Properties) -> None:
    name = physical_id.removeprefix(_FOUND)
    if name != parameter.name:
        raise InvalidInput(
            f"{name} cannot become {parameter.name}, its value would be lost: delete the stack and deploy it anew"
        )


def _remove(name: str) -> None:
    client = aws.ssm()
    try:
        client.delete_parameter(Name=name)
    except client.exceptions.ParameterNotFound:
        logger.info("it was gone", extra={"parameter": name})
