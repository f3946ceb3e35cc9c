"""CloudFormation custom resource: removes the endpoint on Delete, answers at once on Create and Update."""

from __future__ import annotations

import time
import urllib.request
from typing import TYPE_CHECKING

from endpoint_teardown.logic import Request, answer
from endpoint_teardown.removal import remove_all
from endpoint_teardown.settings import settings
from mlops_runtime.observability import logger, parse

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Kept free of the function's time for telling CloudFormation how it went.
RESERVE_SECONDS = 15
ANSWER_TIMEOUT_SECONDS = 10


def handler(event: dict[str, object], context: LambdaContext) -> None:
    """Handle one request; whatever happens CloudFormation gets an answer, or the stack would hang for an hour."""
    request = parse(Request, event)
    failure, physical_id = "", request.logical_resource_id
    try:
        config = settings()
        physical_id = f"{config.endpoint}-teardown"
        if request.request_type == "Delete":
            seconds = context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
            remove_all(config, deadline=time.monotonic() + seconds)
    except Exception as error:
        logger.exception("teardown failed")
        failure = f"{type(error).__name__}: {error}"
    _send(request.response_url, answer(request, physical_id=physical_id, failure=failure))


def _send(url: str, body: bytes) -> None:
    """PUT to the presigned URL, which allows no content type."""
    sending = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    with urllib.request.urlopen(sending, timeout=ANSWER_TIMEOUT_SECONDS) as response:  # noqa: S310
        logger.info("answered", extra={"status": response.status})
