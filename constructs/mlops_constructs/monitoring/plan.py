"""When and with what a workload is monitored, and where its data lie."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aws_cdk import aws_s3 as s3

from mlops_constructs.monitoring.spec import MonitorSpec
from mlops_constructs.training.jobs import JobCompute

_EXPRESSION = re.compile(r"(cron|rate)\(.+\)")


@dataclass(frozen=True, kw_only=True)
class MonitorPlan:
    """How a workload is watched.

    Args:
        spec: Features, label and thresholds.
        compute: Of the monitoring job.
        schedule: EventBridge Scheduler expression, UTC: `cron(0 6 * * ? *)` every morning by default.
        metric: Quality metric, higher is better.
        minimum_quality: Alarm below this value of the metric.

    Raises:
        ValueError: The schedule is no expression of EventBridge Scheduler.
    """

    spec: MonitorSpec
    compute: JobCompute
    schedule: str = "cron(0 6 * * ? *)"
    metric: str
    minimum_quality: float

    def __post_init__(self) -> None:
        if not _EXPRESSION.fullmatch(self.schedule):
            raise ValueError(f"schedule must be cron(...) or rate(...), got {self.schedule!r}")


@dataclass(frozen=True, kw_only=True)
class MonitorData:
    """Where monitoring reads and writes.

    Args:
        capture: Bucket of captured requests and responses; `<workload>/<endpoint>/` is read.
        curated: Bucket of published rows; the label source is read.
        artefacts: Bucket of baselines and reports; `<workload>/monitoring/` is written.
        label_source: Name of the source that brings labels.
        sources_json: The sources' schemas (`datalake.dataset.sources_json`).
    """

    capture: s3.IBucket
    curated: s3.IBucket
    artefacts: s3.IBucket
    label_source: str
    sources_json: str
