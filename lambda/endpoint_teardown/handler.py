"""CloudFormation custom resource: removes the endpoint on Delete, answers at once on Create and Update."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from endpoint_teardown.removal import remove_all
from endpoint_teardown.settings import settings
from mlops_runtime.custom_resource import Request, answer, send
from mlops_runtime.observability import logger, parse

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Kept free of the function's time for telling CloudFormation how it went.
RESERVE_SECONDS = 15


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
    send(request.response_url, answer(request, physical_id=physical_id, failure=failure))
