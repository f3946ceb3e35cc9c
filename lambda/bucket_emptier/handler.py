"""CloudFormation custom resource: deletes every object version on Delete, answers at once on Create and Update."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from bucket_emptier.removal import remove_all_versions
from mlops_runtime import aws
from mlops_runtime.custom_resource import Request, answer, send
from mlops_runtime.observability import logger, parse

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Kept free of the function's time for telling CloudFormation how it went.
RESERVE_SECONDS = 15


class Properties(BaseModel):
    """Properties of the custom resource."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    bucket: str = Field(alias="BucketName", min_length=3)


class Emptying(Request):
    """A request to empty one bucket."""

    properties: Properties = Field(alias="ResourceProperties")


def handler(event: dict[str, object], context: LambdaContext) -> None:
    """Handle one request; whatever happens CloudFormation gets an answer, or the stack would hang for an hour."""
    request = parse(Request, event)
    failure, physical_id = "", request.logical_resource_id
    try:
        bucket = parse(Emptying, event).properties.bucket
        physical_id = f"empty-{bucket}"
        if request.request_type == "Delete":
            seconds = context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
            removed = remove_all_versions(aws.s3(), bucket, deadline=time.monotonic() + seconds)
            logger.info("emptied", extra={"bucket": bucket, "versions": removed})
    except Exception as error:
        logger.exception("emptying failed")
        failure = f"{type(error).__name__}: {error}"
    send(request.response_url, answer(request, physical_id=physical_id, failure=failure))
