"""Staged and checked file in, curated partitions out. Doing it twice changes nothing and counts once."""

from __future__ import annotations

from mlops_runtime import aws, layout
from mlops_runtime.documents import read_json
from mlops_runtime.errors import StagedDataInvalid
from mlops_runtime.layout import S3Uri
from mlops_runtime.ledger import Ledger
from mlops_runtime.model import Frozen
from mlops_runtime.observability import entrypoint
from publish_snapshot import logic
from publish_snapshot.publishing import Publisher
from publish_snapshot.settings import settings


class Checked(Frozen):
    """A staged file that passed its quality rules; `execution` holds the claim on its content."""

    dataset: str
    content_sha256: str
    source_uri: str
    execution: str


class Published(Frozen):
    """What the file added to the curated table. An `outdated` one added nothing: it has to be curated again."""

    outdated: bool
    snapshot_id: str
    rows: int
    rows_quarantined: int
    months: list[str]
    curated_prefix: str
    warnings: list[str]


@entrypoint(Checked)
def handler(event: Checked) -> Published:
    """Publish the file, unless rows with its keys were published since it was curated."""
    config = settings()
    sha256, dataset = event.content_sha256, event.dataset
    meta = S3Uri(config.raw_bucket, layout.staged_meta(config.workload, dataset, sha256))
    summary = logic.read_summary(read_json(meta, StagedDataInvalid), str(meta))
    ledger = Ledger(aws.dynamodb(), config.ledger_table, config.workload, dataset)
    landing_key = S3Uri.parse(event.source_uri).key
    published = Publisher(config, ledger, sha256, event.execution, landing_key, summary).publish()
    return Published(
        outdated=not published,
        snapshot_id=logic.snapshot_id(dataset, sha256),
        rows=summary.rows,
        rows_quarantined=summary.rows_quarantined,
        months=sorted(part.month for part in summary.parts),
        curated_prefix=str(S3Uri(config.curated_bucket, layout.curated_prefix(config.workload, dataset))),
        warnings=summary.warnings,
    )
