"""Staged and checked file in, curated partitions out. Doing it twice changes nothing and counts once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mlops_runtime import aws, layout
from mlops_runtime.documents import read_json
from mlops_runtime.errors import StagedDataInvalid
from mlops_runtime.layout import S3Uri
from mlops_runtime.ledger import Ledger, Publication
from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint
from publish_snapshot import logic
from publish_snapshot.catalog import add_partitions
from publish_snapshot.settings import Settings, settings

if TYPE_CHECKING:
    from publish_snapshot.logic import Summary


class Checked(Frozen):
    """A staged file that passed its quality rules."""

    dataset: str
    content_sha256: str
    source_uri: str


class Published(Frozen):
    """What the file added to the curated table."""

    snapshot_id: str
    rows: int
    rows_quarantined: int
    months: list[str]
    curated_prefix: str
    warnings: list[str]


@entrypoint(Checked)
def handler(event: Checked) -> Published:
    """Copy the parts, register the partitions, then mark and count the file in one transaction."""
    config = settings()
    sha256, dataset = event.content_sha256, event.dataset
    meta = S3Uri(config.raw_bucket, layout.staged_meta(config.workload, dataset, sha256))
    summary = logic.read_summary(read_json(meta, StagedDataInvalid), str(meta))
    copies = logic.copies(summary, workload=config.workload, dataset=dataset, sha256=sha256)
    for copy in copies:
        source = {"Bucket": config.raw_bucket, "Key": copy.source_key}
        aws.s3().copy_object(CopySource=source, Bucket=config.curated_bucket, Key=copy.target_key)  # type: ignore[arg-type]
    months = sorted(copy.month for copy in copies)
    add_partitions(aws.glue(), config.glue_database, layout.table(config.workload, dataset), months)
    if _record(event, config, summary):
        count("RowsPublished", summary.rows)
    prefix = S3Uri(config.curated_bucket, layout.curated_prefix(config.workload, dataset))
    return Published(
        snapshot_id=logic.snapshot_id(dataset, sha256),
        rows=summary.rows,
        rows_quarantined=summary.rows_quarantined,
        months=months,
        curated_prefix=str(prefix),
        warnings=summary.warnings,
    )


def _record(event: Checked, config: Settings, summary: Summary) -> bool:
    raw = layout.raw(config.workload, event.dataset, event.content_sha256)
    labelled = config.sources[event.dataset].label is not None
    publication = Publication(
        source_uri=event.source_uri,
        landing_key=S3Uri.parse(event.source_uri).key,
        months={part.month: part.rows for part in summary.parts},
        training_rows=summary.rows if labelled else 0,
        rows_quarantined=summary.rows_quarantined,
        size=aws.s3().head_object(Bucket=config.raw_bucket, Key=raw)["ContentLength"],
    )
    ledger = Ledger(aws.dynamodb(), config.ledger_table, config.workload, event.dataset)
    return ledger.publish(event.content_sha256, publication, gate_table=config.gate_table, now=int(time.time()))
