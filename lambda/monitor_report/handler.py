"""Report files in, CloudWatch metrics and the event's detail out."""

from __future__ import annotations

from mlops_runtime import aws
from mlops_runtime.documents import read_json
from mlops_runtime.errors import ReportInvalid
from mlops_runtime.events import EVENTS, Detail, NoTraffic, UtcInstant, utc_now
from mlops_runtime.layout import S3Uri
from mlops_runtime.model import Frozen
from mlops_runtime.observability import entrypoint
from monitor_report import logic
from monitor_report.settings import Settings, settings

# PutMetricData takes at most this many at once.
_BATCH = 1000


class Reported(Frozen):
    """Where the monitoring job wrote its report, and what it was about."""

    report_uri: str
    window_start: UtcInstant
    window_end: UtcInstant
    model_package_arn: str
    execution: str


class Outcome(Frozen):
    """The event the workflow is to emit."""

    detail_type: logic.DetailType
    detail: dict[str, object]


@entrypoint(Reported)
def handler(event: Reported) -> Outcome:
    """Publish one window's metrics and word its event."""
    config = settings()
    prefix = S3Uri.parse(event.report_uri)
    violations = read_json(prefix / "constraint_violations.json", ReportInvalid)
    quality = read_json(prefix / "quality.json", ReportInvalid)
    report = logic.read_report(violations, quality, str(prefix))
    data = logic.metric_data(report, config.environment)
    for start in range(0, len(data), _BATCH):
        namespace = f"MLOps/{config.workload}"
        aws.cloudwatch().put_metric_data(Namespace=namespace, MetricData=data[start : start + _BATCH])
    detail = _detail(event, config, report)
    return Outcome(detail_type=report.detail_type, detail=detail.model_dump(mode="json"))


def _detail(event: Reported, config: Settings, report: logic.Report) -> Detail:
    head = {
        "workload": config.workload,
        "environment": config.environment,
        "execution": event.execution,
        "occurred_at": utc_now(),
        "window_start": event.window_start,
        "window_end": event.window_end,
    }
    model = EVENTS[("mlops.monitoring", report.detail_type)]
    if model is NoTraffic:
        return model.model_validate(head)
    body = {
        "rows": report.rows,
        "labelled_rows": report.labelled_rows,
        "violations": logic.fitting(report.violations, report.drift),
        "drift": report.drift,
        "quality": report.quality,
        "report_uri": event.report_uri,
        "model_package_arn": event.model_package_arn,
    }
    return model.model_validate({**head, **body})
