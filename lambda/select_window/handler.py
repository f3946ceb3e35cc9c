"""Window in, manifests out; a window without captured object is no failure, it is no traffic."""

from __future__ import annotations

from datetime import UTC, datetime

from mlops_runtime import layout
from mlops_runtime.events import UtcInstant
from mlops_runtime.layout import S3Uri
from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint
from select_window import logic, store
from select_window.settings import settings


class Asked(Frozen):
    """The window to monitor; the days before today (UTC) when both bounds are left out."""

    execution: str
    window_start: UtcInstant | None = None
    window_end: UtcInstant | None = None


class Selected(Frozen):
    """Inputs of the monitoring job. The manifests are null when there was no traffic.

    Predictions from `labelled_from` on are judged by their labels, those of the window watched for drift too.
    """

    traffic: bool
    window_start: UtcInstant
    window_end: UtcInstant
    labelled_from: UtcInstant
    objects: int
    capture_manifest: str | None
    labels_manifest: str | None
    report_uri: str


@entrypoint(Asked)
def handler(event: Asked) -> Selected:
    """Choose the objects of one window and write them down for the monitoring job."""
    config = settings()
    window = logic.window(event.window_start, event.window_end, datetime.now(UTC), config.window_days)
    name = logic.execution_name(event.execution)
    report = S3Uri(config.artefacts_bucket, layout.monitoring_prefix(config.workload, name))
    begin = logic.labelled_from(window, config.label_delay_days, asked=event.window_start is not None)
    wide = logic.Window(begin, window.end)
    keys = store.captured(config, wide)
    capture_manifest = labels_manifest = None
    if keys:
        capture_manifest = store.write_capture(config, report, keys)
        labels_manifest = store.write_labels(report, *store.labels(config, wide))
    count("CapturedObjects", len(keys))
    return Selected(
        traffic=bool(keys),
        window_start=window.start,
        window_end=window.end,
        labelled_from=begin,
        objects=len(keys),
        capture_manifest=capture_manifest,
        labels_manifest=labels_manifest,
        report_uri=str(report),
    )
