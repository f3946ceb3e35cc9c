"""Stack operations are answered when they are done, at most half a minute later.

The CDK CLI looks at a stack once when its request is answered and then every five seconds; a local deployment is done
in one or two. The operation itself, its states and events are the same.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from ..iam.resources import parameters

if TYPE_CHECKING:
    from ..runtime import Handler, Response, Runtime

OPERATIONS = frozenset({"ExecuteChangeSet", "DeleteStack"})
LONGEST_SECONDS = 30.0
_LOOK_SECONDS = 0.05


def register(runtime: Runtime) -> None:
    """Puts the wait around CloudFormation's handler."""
    from ministack import app

    app.SERVICE_HANDLERS["cloudformation"] = _completing(app.SERVICE_HANDLERS["cloudformation"])


def _completing(original: Handler) -> Handler:
    async def handler(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        answer: Response = await original(method, path, headers, body, query)
        request = parameters(headers, body, query)
        if request.get("Action") in OPERATIONS and answer[0] == 200:
            await _settled(str(request.get("StackName", "")))
        return answer

    return handler


async def _settled(stack: str) -> None:
    from ministack.services.cloudformation import _stacks

    name = stack.split("/")[1] if stack.startswith("arn:") else stack
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        await asyncio.sleep(_LOOK_SECONDS)  # first of all: a deletion shows itself only when its task begins
        found = _stacks.get(name)
        if found is None or not found["StackStatus"].endswith("_IN_PROGRESS"):
            return
