"""Metrics of monitored windows, as `monitor_report` writes them."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

_DAY = Duration.days(1)


@dataclass(frozen=True, kw_only=True)
class MonitorMetrics:
    """What the monitor measured, one value per window.

    Args:
        workload: Names the namespace `MLOps/<workload>`.
        environment_name: Dimension of every metric.
    """

    workload: str
    environment_name: str

    @property
    def namespace(self) -> str:
        """CloudWatch namespace of the workload."""
        return f"MLOps/{self.workload}"

    def metric_violations(self) -> cloudwatch.Metric:
        """Broken constraints of the worst window, per day."""
        return self._metric("ConstraintViolations", "Maximum")

    def metric_rows(self) -> cloudwatch.Metric:
        """Captured predictions of the largest window, per day: windows overlap, a sum would count many times."""
        return self._metric("PredictionRows", "Maximum")

    def metric_labelled_rows(self) -> cloudwatch.Metric:
        """Predictions of the largest window whose label was known, per day."""
        return self._metric("LabelledRows", "Maximum")

    def metric_quality(self, name: str) -> cloudwatch.Metric:
        """A quality metric of the worst window, per day; `name` as in the report (`auc`)."""
        return self._metric("ModelQuality", "Minimum", Metric=name)

    def search_drift(self) -> cloudwatch.MathExpression:
        """Distance to the baseline of every feature: a new feature appears without a new template."""
        search = (
            f'{{{self.namespace},Environment,Feature}} MetricName="FeatureDrift" Environment="{self.environment_name}"'
        )
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{search}', 'Maximum', {_DAY.to_seconds()})", label="", period=_DAY, using_metrics={}
        )

    def _metric(self, name: str, statistic: str, **dimensions: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=name,
            statistic=statistic,
            period=_DAY,
            dimensions_map={"Environment": self.environment_name, **dimensions},
        )
