"""What the capture and curated zones hold for a window."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mlops_runtime import aws, layout
from mlops_runtime.documents import manifest, write_json
from mlops_runtime.layout import S3Uri
from select_window.logic import FLUSH_ALLOWANCE, label_months

if TYPE_CHECKING:
    from collections.abc import Iterator

    from select_window.logic import Window
    from select_window.settings import Settings

_NOTE = b"No label is known yet. SageMaker refuses an input without any object, so here is one.\n"


def captured(config: Settings, window: Window) -> list[str]:
    """Keys of the captured objects that can hold a record of the window, oldest first."""
    where = (config.workload, config.endpoint, config.variant)
    first = layout.capture_hour(*where, window.start)
    last = layout.capture_hour(*where, window.end + FLUSH_ALLOWANCE - timedelta(microseconds=1))
    # From the first hour on, not hour by hour: four weeks have 672, mostly without traffic.
    pages = (
        aws.s3()
        .get_paginator("list_objects_v2")
        .paginate(
            Bucket=config.capture_bucket,
            Prefix=f"{layout.capture_prefix(config.workload, config.endpoint)}{config.variant}/",
            StartAfter=first,
        )
    )
    keys = []
    for item in (item for page in pages for item in page.get("Contents", [])):
        if not item["Key"].startswith(last) and item["Key"] > last:
            break
        if window.may_hold(item["LastModified"]):
            keys.append(item["Key"])
    return keys


def labels(config: Settings, window: Window) -> tuple[S3Uri, list[str]]:
    """Root and keys of the label objects to join with; no keys while no label is curated."""
    source = next((name for name, spec in config.sources.items() if spec.label is not None), None)
    root = S3Uri(config.curated_bucket, layout.curated_prefix(config.workload, source or ""))
    if source is None:
        return root, []
    present = {layout.month_of(prefix) for prefix in _folders(root)}
    months = label_months(window, present, config.label_months)
    return root, [key for month in months for key in _keys(config, source, month)]


def write_capture(config: Settings, report: S3Uri, keys: list[str]) -> str:
    """Write the manifest of captured objects; returns its URI."""
    uri = report / "input/capture.manifest"
    root = S3Uri(config.capture_bucket, layout.capture_prefix(config.workload, config.endpoint))
    write_json(uri, manifest(root, keys))
    return str(uri)


def write_labels(report: S3Uri, root: S3Uri, keys: list[str]) -> str:
    """Write the manifest of label objects; returns its URI. Without labels it names a note, not nothing."""
    if not keys:
        note = report / "input/labels/no-labels.txt"
        aws.s3().put_object(Bucket=note.bucket, Key=note.key, Body=_NOTE)
        root, keys = S3Uri(note.bucket, note.key.removesuffix("no-labels.txt")), [note.key]
    uri = report / "input/labels.manifest"
    write_json(uri, manifest(root, keys))
    return str(uri)


def _folders(root: S3Uri) -> Iterator[str]:
    pages = aws.s3().get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=root.bucket, Prefix=f"{root.key}month=", Delimiter="/"):
        yield from (folder["Prefix"] for folder in page.get("CommonPrefixes", []))


def _keys(config: Settings, source: str, month: str) -> Iterator[str]:
    prefix = layout.curated_month(config.workload, source, month)
    for page in aws.s3().get_paginator("list_objects_v2").paginate(Bucket=config.curated_bucket, Prefix=prefix):
        yield from (item["Key"] for item in page.get("Contents", []))
