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
        spec: Features, label, thresholds and the length of the window.
        compute: Of the monitoring job.
        schedule: EventBridge Scheduler expression, UTC: `cron(0 6 * * ? *)` every morning by default.
        metric: Quality metric, higher is better.
        minimum_quality: Alarm below this value of the metric.
        label_delay_days: Days until the label of a prediction may be expected. So far back the scheduled run measures
            quality beyond its window. 0 by default: labels arrive before the run.

    Raises:
        ValueError: The schedule is no expression of EventBridge Scheduler, or the delay is negative.
    """

    spec: MonitorSpec
    compute: JobCompute
    schedule: str = "cron(0 6 * * ? *)"
    metric: str
    minimum_quality: float
    label_delay_days: int = 0

    def __post_init__(self) -> None:
        if not _EXPRESSION.fullmatch(self.schedule):
            raise ValueError(f"schedule must be cron(...) or rate(...), got {self.schedule!r}")
        if self.label_delay_days < 0:
            raise ValueError(f"label_delay_days must be at least 0, got {self.label_delay_days}")


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
