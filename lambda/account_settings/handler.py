"""CloudFormation custom resources `Custom::InspectorScans` and `Custom::MacieJob`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from account_settings import discovery, scanning
from mlops_runtime import aws
from mlops_runtime.custom_resource import Request, answer, send
from mlops_runtime.observability import logger, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

Weekday = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


class Scans(BaseModel):
    """Properties of `Custom::InspectorScans`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    setting: Literal["inspector-scans"] = Field(alias="Setting")
    resource_types: tuple[scanning.ResourceType, ...] = Field(alias="ResourceTypes")


class ClassificationJob(BaseModel):
    """Properties of `Custom::MacieJob`; CloudFormation sends every value as text."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    setting: Literal["macie-job"] = Field(alias="Setting")
    name: str = Field(alias="Name", min_length=1)
    account: str = Field(alias="Account", pattern=r"^\d{12}$")
    buckets: tuple[str, ...] = Field(alias="Buckets", min_length=1)
    weekday: Weekday = Field(alias="Weekday")
    sampling_percent: int = Field(alias="SamplingPercent", ge=1, le=100)


Setting = Annotated[Scans | ClassificationJob, Field(discriminator="setting")]


class Change(Request):
    """A request with the setting as it shall be, and as it was before an update."""

    properties: Setting = Field(alias="ResourceProperties")
    before: dict[str, object] = Field(default_factory=dict, alias="OldResourceProperties")


def handler(event: dict[str, object], context: LambdaContext) -> None:
    """Handle one request; whatever happens CloudFormation gets an answer, or the stack would hang for an hour."""
    request = parse(Request, event)
    failure = ""
    try:
        change = parse(Change, event)
        apply(change, seconds=lambda: context.get_remaining_time_in_millis() / 1000)
        logger.info("applied", extra={"setting": change.properties.setting, "request": change.request_type})
    except Exception as error:
        logger.exception("setting failed")
        failure = f"{type(error).__name__}: {error}"
    send(request.response_url, answer(request, physical_id=request.logical_resource_id, failure=failure))


def apply(change: Change, *, seconds: Callable[[], float]) -> None:
    """Make the account's setting what the stack says, as long as there are seconds; a stack that goes turns it off."""
    wanted, gone = change.properties, change.request_type == "Delete"
    if isinstance(wanted, Scans):
        before = TypeAdapter(Scans).validate_python(change.before).resource_types if change.before else ()
        scanning.change(
            aws.inspector2(),
            wanted=() if gone else wanted.resource_types,
            before=wanted.resource_types if gone else before,
            seconds=seconds,
        )
    elif gone:
        discovery.end(aws.macie2(), wanted.name)
    else:
        job = discovery.Job(
            name=wanted.name,
            account=wanted.account,
            buckets=wanted.buckets,
            weekday=wanted.weekday,
            sampling_percent=wanted.sampling_percent,
        )
        discovery.replace(aws.macie2(), job, token=change.request_id)
