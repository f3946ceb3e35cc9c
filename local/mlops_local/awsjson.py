"""AWS's JSON protocol for our own services: requests checked by the botocore model, answers cut to it."""

from __future__ import annotations

import asyncio
import base64
import contextvars
import json
import re
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.model import OperationModel

from .errors import LocalAwsError
from .runtime import Response, Runtime

CONTENT_TYPE = "application/x-amz-json-1.1"


class ServiceError(Exception):
    """An error a service answers with.

    Args:
        code: Error code as the real service gives it, for example `ValidationException`.
        message: The sentence the client sees.
        status: HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status

    def response(self) -> Response:
        """The error in the JSON protocol."""
        headers = {"Content-Type": CONTENT_TYPE, "x-amzn-errortype": self.code}
        body = {"__type": self.code, "message": self.message, "Message": self.message}
        return self.status, headers, json.dumps(body).encode()


@dataclass(frozen=True)
class Request:
    """One call: who (headers), what (operation) and its checked parameters."""

    headers: Mapping[str, str]
    operation: str
    parameters: dict[str, Any]


Operation = Callable[[Request], dict[str, Any]]


class JsonService:
    """Dispatches the operations of one service by its `X-Amz-Target` header.

    Args:
        runtime: The local AWS.
        service: boto3 name of the service, whose model is the contract.
        operations: Operation name to function; one that is not there is refused by its name.
        threads: Operations that may run at the same time; they call other local services over HTTP.
        invalid: Error code for parameters the model doesn't allow.
    """

    def __init__(
        self,
        runtime: Runtime,
        service: str,
        operations: Mapping[str, Operation],
        *,
        threads: int = 32,
        invalid: str = "ValidationException",
    ) -> None:
        self._invalid = invalid
        self._runtime, self._service, self._operations = runtime, service, dict(operations)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"local-{service}")

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """Answers one HTTP request without blocking the server's event loop."""
        if "x-amz-target" not in headers:
            raise LocalAwsError(f"the local AWS does not run {self._service} {method} {path}: leave it out locally")
        return await self.off_loop(self._answer, headers, body)

    async def off_loop(self, function: Callable[..., Response], *arguments: Any) -> Response:
        """Runs a blocking function on this service's threads, in the caller's context."""
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: context.run(function, *arguments))

    def model(self, operation: str) -> OperationModel:
        """The botocore model of an operation."""
        found: OperationModel = self._runtime.client(self._service).meta.service_model.operation_model(operation)
        return found

    def _answer(self, headers: dict[str, str], body: bytes) -> Response:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            return self.call(Request(headers, operation, json.loads(body or b"{}")))
        except ServiceError as error:
            return error.response()

    def call(self, request: Request) -> Response:
        """Checks the parameters, runs the operation, renders the answer."""
        if request.operation not in self._operations:
            raise LocalAwsError(f"the local AWS does not run {self._service} {request.operation}: leave it out locally")
        model = self.model(request.operation)
        problems = list(problems_of(model.input_shape, request.parameters, "")) if model.input_shape else []
        if problems:
            plural = "errors" if len(problems) > 1 else "error"
            message = f"{len(problems)} validation {plural} detected: " + "; ".join(problems)
            raise ServiceError(self._invalid, message)
        result = self._operations[request.operation](request)
        answer = render(model.output_shape, result) if model.output_shape else {}
        return 200, {"Content-Type": CONTENT_TYPE, "x-amzn-requestid": str(uuid.uuid4())}, json.dumps(answer).encode()


def problems_of(shape: Any, value: Any, path: str) -> list[str]:
    """What is wrong with a value by its shape, in the words of the real services; empty when nothing is."""
    kind = shape.type_name
    if kind == "structure":
        return _structure_problems(shape, value, path)
    if kind == "list" and isinstance(value, list):
        found = _size_problems(shape, value, len(value), path, "length")
        for index, item in enumerate(value, 1):
            found += problems_of(shape.member, item, f"{path}.{index}.member")
        return found
    if kind == "map" and isinstance(value, dict):
        found = _size_problems(shape, value, len(value), path, "length")
        for key, item in value.items():
            found += problems_of(shape.key, key, f"{path}.{key}") + problems_of(shape.value, item, f"{path}.{key}")
        return found
    return _scalar_problems(shape, value, path)


def _structure_problems(shape: Any, value: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [_problem(value, path, "Member must be a structure")]
    found = []
    for name in shape.required_members:
        if value.get(name) is None:
            found.append(_problem(None, _join(path, name), "Member must not be null"))
    for name, item in value.items():
        if name not in shape.members:
            found.append(f"Unknown parameter '{_join(path, name)}'")
        elif item is not None:
            found += problems_of(shape.members[name], item, _join(path, name))
    return found


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "blob": (str, bytes),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
    "list": (list,),
    "map": (dict,),
}


def _scalar_problems(shape: Any, value: Any, path: str) -> list[str]:
    kind = shape.type_name
    fits = isinstance(value, _TYPES[kind])
    if not fits or (isinstance(value, bool) and kind != "boolean"):
        return [_problem(value, path, f"Member must be of type {kind}")]
    if kind == "string":
        found = _size_problems(shape, value, len(value), path, "length")
        allowed = getattr(shape, "enum", None)
        if allowed and value not in allowed:
            found.append(_problem(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]"))
        pattern = shape.metadata.get("pattern")
        if pattern and not _matches(pattern, value):
            found.append(_problem(value, path, f"Member must satisfy regular expression pattern: {pattern}"))
        return found
    if kind in ("integer", "long", "float", "double"):
        return _size_problems(shape, value, value, path, "value")
    return []


def _size_problems(shape: Any, value: Any, size: float, path: str, word: str) -> list[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        return [_problem(value, path, f"Member must have {word} greater than or equal to {low}")]
    if high is not None and size > high:
        return [_problem(value, path, f"Member must have {word} less than or equal to {high}")]
    return []


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:  # a few patterns of the models use Java's own syntax; the real service has the last word there
        return True


def _problem(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str) -> str:
    field = name[:1].lower() + name[1:]
    return f"{path}.{field}" if path else field


def render(shape: Any, value: Any) -> Any:
    """A Python value as JSON of a shape: unknown members and nulls left out, times as epoch seconds."""
    kind = shape.type_name
    if kind == "structure":
        present = {name: value[name] for name in shape.members if value.get(name) is not None}
        return {name: render(shape.members[name], item) for name, item in present.items()}
    if kind == "list":
        return [render(shape.member, item) for item in value]
    if kind == "map":
        return {key: render(shape.value, item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.timestamp()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
