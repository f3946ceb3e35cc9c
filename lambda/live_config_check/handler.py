"""Endpoint and expected configuration in, live or not out. Needs no environment."""

from __future__ import annotations

from live_config_check.logic import Live, compare
from mlops_runtime import aws
from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint


class Expected(Frozen):
    """What a deployment meant to achieve."""

    endpoint: str
    expected_endpoint_config: str


@entrypoint(Expected)
def handler(event: Expected) -> Live:
    """Ask SageMaker what is live."""
    described = aws.sagemaker().describe_endpoint(EndpointName=event.endpoint)
    live = compare(
        endpoint=event.endpoint,
        expected=event.expected_endpoint_config,
        status=described["EndpointStatus"],
        actual=described.get("EndpointConfigName", ""),
        failure=described.get("FailureReason", ""),
        pending="PendingDeploymentSummary" in described,
    )
    count("LiveConfigAsExpected" if live.live else "LiveConfigOther")
    return live
