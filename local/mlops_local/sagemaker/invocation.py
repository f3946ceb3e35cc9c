"""InvokeEndpoint: routing to a model server, errors as SageMaker gives them, metrics and capture."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping
from urllib.parse import unquote

from ..errors import LocalAwsError
from ..runtime import Response
from .account import Account
from .capture import Capture, Payload
from .endpoint import Endpoint
from .endpoints import Endpoints
from .metrics import EndpointMetrics
from .servers import Fleet, ModelResponse, ModelServer

MAX_BODY_BYTES = 25 * 1024 * 1024
_PATH = re.compile(r"/endpoints/([^/]+)/invocations/?$")
_OTHERS = {
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}
_PREFIX = "x-amzn-sagemaker-"
_PASSED_ON = ("content-type", "accept", f"{_PREFIX}custom-attributes", f"{_PREFIX}inference-id")
_REFUSED = ("target-model", "target-container-hostname", "inference-component", "session-id", "enable-explanations")


class Invocations:
    """The data plane of endpoints."""

    def __init__(self, account: Account, endpoints: Endpoints) -> None:
        self._account, self._endpoints = account, endpoints
        self.capture = Capture(account.runtime)
        self.metrics = EndpointMetrics(account.runtime)

    @staticmethod
    def matches(path: str) -> bool:
        """Whether a request path is InvokeEndpoint's."""
        return _PATH.match(path) is not None

    @staticmethod
    def refuse_others(path: str) -> None:
        """Refuses the other ways to invoke an endpoint.

        Raises:
            LocalAwsError: naming the operation.
        """
        operation = _OTHERS.get(path.rstrip("/").rpartition("/")[2])
        if operation:
            raise LocalAwsError(f"the local AWS does not run sagemaker-runtime {operation}: use InvokeEndpoint locally")

    def invoke(self, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answers one InvokeEndpoint request."""
        started = time.perf_counter()
        match = _PATH.match(path)
        name = unquote(match.group(1)) if match else ""
        self._account.runtime.authorize(headers, "sagemaker:InvokeEndpoint", self._account.arn("endpoint", name))
        refused = [header for header in _REFUSED if headers.get(_PREFIX + header)]
        if refused:
            return _error(400, "ValidationError", f"the local AWS does not support {', '.join(refused)}")
        if len(body) > MAX_BODY_BYTES:
            return _error(413, "ValidationError", f"Request body of {len(body)} bytes is over {MAX_BODY_BYTES} bytes")
        endpoint = self._endpoints.get(name)
        if endpoint is None or endpoint.blue is None:
            return _error(
                400, "ValidationError", f"Endpoint {name} of account {self._account.runtime.account} not found."
            )
        variant = headers.get(f"{_PREFIX}target-variant", "")
        chosen = endpoint.pick(variant)
        if chosen is None:
            return _error(400, "ValidationError", f"Variant {variant} not found for endpoint {name}.")
        server, fleet = chosen
        answer = self._ask(server, headers, body)
        if answer.status == 0 and not server.alive and (again := endpoint.pick(variant)) and again[0] is not server:
            server, fleet = again  # the fleet was replaced between choosing and asking
            answer = self._ask(server, headers, body)
        return self._finish(endpoint, server, fleet, headers, body, answer, started)

    def _ask(self, server: ModelServer, headers: Mapping[str, str], body: bytes) -> ModelResponse:
        return server.invoke(body, {name: headers[name] for name in _PASSED_ON if headers.get(name)})

    def _finish(
        self,
        endpoint: Endpoint,
        server: ModelServer,
        fleet: Fleet,
        headers: Mapping[str, str],
        body: bytes,
        answer: ModelResponse,
        started: float,
    ) -> Response:
        name, variant = endpoint.record["EndpointName"], server.variant["VariantName"]
        self._count(name, variant, fleet, answer, time.perf_counter() - started)
        if not 200 <= answer.status < 300:
            return self._model_error(server, answer)
        event_id = str(uuid.uuid4())
        self.capture.record(
            name,
            server,
            fleet.config.get("DataCaptureConfig"),
            Payload(headers.get("content-type", "application/octet-stream"), body),
            Payload(answer.content_type, answer.body),
            headers.get(f"{_PREFIX}inference-id", ""),
            event_id,
        )
        out = {"Content-Type": answer.content_type, "x-Amzn-Invoked-Production-Variant": variant}
        if answer.custom_attributes:
            out["X-Amzn-SageMaker-Custom-Attributes"] = answer.custom_attributes
        return 200, {**out, "x-amzn-RequestId": event_id}, answer.body

    def _count(self, name: str, variant: str, fleet: Fleet, answer: ModelResponse, seconds: float) -> None:
        values = {
            "Invocations": 1.0,
            "Invocation4XXErrors": float(400 <= answer.status < 500),
            "Invocation5XXErrors": float(answer.status >= 500 or answer.status == 0),
            "ModelLatency": answer.seconds * 1e6,
            "OverheadLatency": max(0.0, seconds - answer.seconds) * 1e6,
        }
        self.metrics.record(name, variant, fleet.config["EndpointConfigName"], values)

    def _model_error(self, server: ModelServer, answer: ModelResponse) -> Response:
        status, text = answer.status or 500, answer.body.decode("utf-8", errors="replace")[:8192]
        kind = "client" if 400 <= status < 500 else "server"
        group = server.log_group
        runtime = self._account.runtime
        message = (
            f'Received {kind} error ({status}) from primary with message "{text}". '
            f"See the log group {group} in account {runtime.account} for more information."
        )
        stream = f"arn:aws:logs:{runtime.region}:{runtime.account}:log-group:{group}"
        extra = {"OriginalStatusCode": status, "OriginalMessage": text, "LogStreamArn": stream}
        return _error(424, "ModelError", message, extra)


def _error(status: int, code: str, message: str, extra: Mapping[str, object] | None = None) -> Response:
    body = json.dumps({"Message": message, "message": message, **(extra or {})}).encode()
    return status, {"Content-Type": "application/json", "x-amzn-ErrorType": code}, body
