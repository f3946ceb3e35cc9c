"""WorkloadDashboard: one page that answers whether a workload is well."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from mlops_constructs.monitoring.metrics import MonitorMetrics
from mlops_constructs.orchestration.workflow import Workflow
from mlops_constructs.serving.metrics import EndpointMetrics

_HALF, _THIRD = 12, 8
_DAY = Duration.days(1)


class WorkloadDashboard(Construct):
    """A dashboard: endpoint traffic, latency and errors; drift and quality; outcomes of workflows.

    Args:
        name: Physical name, so that people can link to it.
        endpoint: Metrics of the endpoint.
        monitor: Metrics of the monitored windows.
        metric: Quality metric that is plotted.
        minimum_quality: Drawn as a line.
        drift_threshold: Drawn as a line: the threshold of features that have none of their own.
        workflows: Workflows by title; started, succeeded and failed executions are plotted for each.

    Attributes:
        dashboard: The `cloudwatch.Dashboard`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        endpoint: EndpointMetrics,
        monitor: MonitorMetrics,
        metric: str,
        minimum_quality: float,
        drift_threshold: float,
        workflows: dict[str, Workflow],
    ) -> None:
        super().__init__(scope, id)
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=name)
        self.dashboard.add_widgets(
            _graph("Requests", [endpoint.metric_invocations()], _THIRD),
            _graph("Latency of the model, p99 (µs)", [endpoint.metric_latency()], _THIRD),
            _graph("Errors", [endpoint.metric_server_errors(), endpoint.metric_client_errors()], _THIRD),
        )
        self.dashboard.add_widgets(
            _graph("Distance to the baseline by feature", [monitor.search_drift()], _HALF, line=drift_threshold),
            _graph(f"Quality: {metric}", [monitor.metric_quality(metric)], _HALF, line=minimum_quality),
        )
        self.dashboard.add_widgets(
            _graph("Monitored rows per window", [monitor.metric_rows(), monitor.metric_labelled_rows()], _HALF),
            _graph("Broken constraints", [monitor.metric_violations()], _HALF),
        )
        self.dashboard.add_widgets(*(_outcomes(title, workflow) for title, workflow in workflows.items()))


def _graph(
    title: str, metrics: list[cloudwatch.IMetric], width: int, line: float | None = None
) -> cloudwatch.GraphWidget:
    limits = None if line is None else [cloudwatch.HorizontalAnnotation(value=line, label="threshold")]
    return cloudwatch.GraphWidget(title=title, left=metrics, width=width, left_annotations=limits)


def _outcomes(title: str, workflow: Workflow) -> cloudwatch.GraphWidget:
    machine = workflow.state_machine
    executions = [
        machine.metric_started(period=_DAY, statistic="Sum"),
        machine.metric_succeeded(period=_DAY, statistic="Sum"),
        machine.metric_failed(period=_DAY, statistic="Sum"),
    ]
    return cloudwatch.GraphWidget(title=f"Executions: {title}", left=executions, width=_THIRD)
