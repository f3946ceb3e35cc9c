"""Logger and counters of all functions, configured once, and the decorator every handler wears.

There is no Powertools Tracer: active tracing on the functions and state machines already records every
invocation, and the X-Ray SDK's import alone would lengthen each cold start.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from pydantic import BaseModel, ValidationError

from mlops_runtime.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out", bound=BaseModel)
Payload = dict[str, object]

NAMESPACE = "MLOps/Functions"

logger = Logger()


def count(name: str, value: float = 1) -> None:
    """Write one CloudWatch metric of the running function as a log line (EMF): no API call, no shared state."""
    with single_metric(name=name, unit=MetricUnit.Count, value=value, namespace=NAMESPACE) as metric:
        metric.add_dimension("service", logger.service)


def entrypoint(model: type[In]) -> Callable[[Callable[[In], Out]], Callable[[Payload, LambdaContext], Payload]]:
    """Make a Lambda handler of a function from one model to another.

    The event is validated against `model`, the outcome is logged with the request id, and the result is returned as
    plain JSON.

    Raises:
        InvalidInput: The event does not fit `model`; one line names the fields.
    """

    def decorate(function: Callable[[In], Out]) -> Callable[[Payload, LambdaContext], Payload]:
        @functools.wraps(function)
        def handler(event: Payload, context: LambdaContext) -> Payload:
            logger.append_keys(request_id=context.aws_request_id, function_name=context.function_name)
            try:
                result: Payload = function(parse(model, event)).model_dump(mode="json")
            except Exception:
                logger.exception("failed")
                raise
            logger.info("done", extra={"result": result})
            return result

        return handler

    return decorate


def parse(model: type[In], event: object) -> In:
    """Validate an event.

    Raises:
        InvalidInput: One line naming each wrong field.
    """
    try:
        return model.model_validate(event)
    except ValidationError as error:
        complaints = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'event'}: {item['msg']}" for item in error.errors()
        )
        raise InvalidInput(f"{model.__name__}: {complaints}") from None
