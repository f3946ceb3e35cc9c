"""Metrics of a real-time endpoint, by its name: alarms and dashboards need no reference to the stack that made it."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from mlops_constructs.serving.rollout import VARIANT

_NAMESPACE = "AWS/SageMaker"


@dataclass(frozen=True, kw_only=True)
class EndpointMetrics:
    """What SageMaker measures about one endpoint.

    Args:
        endpoint_name: Name of the endpoint.
    """

    endpoint_name: str

    def metric_invocations(self, period: Duration | None = None) -> cloudwatch.Metric:
        """Requests, sum; per 5 minutes by default."""
        return self._metric("Invocations", "Sum", period)

    def metric_server_errors(self, period: Duration | None = None) -> cloudwatch.Metric:
        """Requests the model answered with 5xx, sum."""
        return self._metric("Invocation5XXErrors", "Sum", period)

    def metric_client_errors(self, period: Duration | None = None) -> cloudwatch.Metric:
        """Requests refused with 4xx, sum."""
        return self._metric("Invocation4XXErrors", "Sum", period)

    def metric_latency(self, period: Duration | None = None) -> cloudwatch.Metric:
        """The model's own time per request, 99th percentile, microseconds."""
        return self._metric("ModelLatency", "p99", period)

    def _metric(self, name: str, statistic: str, period: Duration | None) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=_NAMESPACE,
            metric_name=name,
            statistic=statistic,
            period=period or Duration.minutes(5),
            dimensions_map={"EndpointName": self.endpoint_name, "VariantName": VARIANT},
        )
