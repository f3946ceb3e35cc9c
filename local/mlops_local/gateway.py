"""How a service of this package gets its requests: the emulator routes by credential scope, we answer."""

from __future__ import annotations

import json
import logging
from typing import Any

from .errors import AccessDenied, LocalAwsError
from .runtime import Handler, Response

logger = logging.getLogger("mlops_local")

JSON = "application/x-amz-json-1.1"


def serve(name: str, handler: Handler) -> None:
    """Routes requests signed for the service `name` to a handler, and renders what it raises."""
    from ministack import app
    from ministack.core import iam_actions, router

    async def guarded(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        try:
            return await handler(method, path, headers, body, query)
        except AccessDenied as denied:
            return error(400, denied.code, denied.message)
        except LocalAwsError as failure:
            # 4xx on purpose: clients retry 5xx, and what is unsupported stays unsupported.
            return error(400, "NotImplementedException", str(failure))
        except Exception as failure:
            logger.exception("%s failed on %s %s", name, method, path)
            return error(500, "InternalFailure", f"{type(failure).__name__}: {failure}")

    app.SERVICE_HANDLERS[name] = guarded
    # The emulator would read every service model there is, nine seconds long, to learn that the name is AWS's.
    router._KNOWN_AWS_SERVICE_NAMES = (router._KNOWN_AWS_SERVICE_NAMES or _service_names()) | {name}
    # From here on the emulator only authenticates the service's requests: the handler knows the resources.
    iam_actions.SERVICE_TO_IAM_NAMESPACE.pop(name, None)


def _service_names() -> frozenset[str]:
    import botocore.session

    return frozenset(botocore.session.get_session().get_available_services())


def error(status: int, code: str, message: str) -> Response:
    """An error as JSON protocols carry it; REST-JSON clients read the header, JSON-RPC clients the body."""
    body = json.dumps({"__type": code, "message": message, "Message": message}).encode()
    return status, {"Content-Type": JSON, "x-amzn-errortype": code}, body
