"""Endpoint and version in, passed or not out; the endpoint's own refusal is an answer, not a crash."""

from __future__ import annotations

import time
import uuid

from mlops_runtime import aws
from mlops_runtime.errors import EndpointUnavailable
from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint
from smoke_test.logic import complaint
from smoke_test.settings import settings


class Deployed(Frozen):
    """What should be serving; `version` is the model package version."""

    endpoint: str
    version: int | str


class Smoke(Frozen):
    """The test's answer; `latency_ms` is the whole call as a client sees it."""

    passed: bool
    reason: str
    latency_ms: float


@entrypoint(Deployed)
def handler(event: Deployed) -> Smoke:
    """Send the workload's known request once and check the answer."""
    config = settings()
    started = time.perf_counter()
    body, refusal = _invoke(event.endpoint, config.smoke_payload)
    latency_ms = round((time.perf_counter() - started) * 1000, 1)
    problem = refusal or complaint(
        config.smoke_payload,
        body,
        version=str(event.version),
        minimum=config.score_minimum,
        maximum=config.score_maximum,
    )
    count("SmokeFailed" if problem else "SmokePassed")
    reason = problem or f"{event.endpoint} answers as version {event.version}"
    return Smoke(passed=not problem, reason=reason, latency_ms=latency_ms)


def _invoke(endpoint: str, payload: str) -> tuple[bytes, str]:
    """The answer's body, or what the endpoint refused with. The inference id marks the call for the monitor."""
    client = aws.sagemaker_runtime()
    try:
        response = client.invoke_endpoint(
            EndpointName=endpoint,
            ContentType="text/csv",
            Accept="application/jsonlines",
            InferenceId=f"smoke-{uuid.uuid4()}",
            Body=payload.encode(),
        )
    except client.exceptions.ModelError as error:
        return b"", f"the model failed: {error}"
    except (client.exceptions.ServiceUnavailable, client.exceptions.InternalFailure) as error:
        raise EndpointUnavailable(f"{endpoint}: {error}") from None
    return response["Body"].read(), ""
