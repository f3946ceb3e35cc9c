"""Refused file in, its place in the quarantine zone out."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from mlops_runtime import aws, layout
from mlops_runtime.curated import remove_parts
from mlops_runtime.ledger import Ledger
from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint
from quarantine import logic
from quarantine.settings import Settings, settings

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CopySourceTypeDef


class Refused(Frozen):
    """A file that does not enter the platform, and why. `content_sha256` may be empty when it was never read."""

    bucket: str
    key: str
    version_id: str | None
    dataset: str
    reason_code: str
    reason: str
    content_sha256: str
    execution: str


class Quarantined(Frozen):
    """Where the refused file lies now. One that is `published` was not refused and lies nowhere."""

    published: bool
    quarantine_uri: str


@entrypoint(Refused)
def handler(event: Refused) -> Quarantined:
    """Copy the file, write the reason, give up its claim. Doing it twice changes nothing.

    What this execution has published is published, whatever failed since: such a file is left alone.
    """
    config = settings()
    ledger = Ledger(aws.dynamodb(), config.ledger_table, config.workload, event.dataset)
    # First of all: from here on nobody publishes the file, so the answer holds.
    withdrawn = bool(event.content_sha256) and ledger.withdraw(event.content_sha256, execution=event.execution)
    if not withdrawn and _published(event, ledger):
        return Quarantined(published=True, quarantine_uri="")
    source_uri = str(layout.S3Uri(event.bucket, event.key))
    identity = logic.identity(event.content_sha256, event.version_id)
    target = layout.S3Uri(
        config.quarantine_bucket, logic.destination(config.workload, event.dataset, identity, event.key)
    )
    size = _copy(event, target)
    _write_reason(event, target, source_uri, size)
    if withdrawn:
        _give_up(event, ledger, config)
    if event.dataset and event.reason_code not in logic.NOT_MISSED:
        ledger.refuse(event.key, size=size, gate_table=config.gate_table, now=int(time.time()))
    count("FilesQuarantined")
    return Quarantined(published=False, quarantine_uri=str(target))


def _published(event: Refused, ledger: Ledger) -> bool:
    entry = ledger.get(event.content_sha256) if event.content_sha256 else None
    return entry is not None and (entry.status, entry.execution) == ("published", event.execution)


def _give_up(event: Refused, ledger: Ledger, config: Settings) -> None:
    """Remove what publishing left when it failed midway, then forget the claim: the content may land again."""
    remove_parts(aws.s3(), config.curated_bucket, config.workload, event.dataset, event.content_sha256)
    ledger.release(event.content_sha256, execution=event.execution)


def _copy(event: Refused, target: layout.S3Uri) -> int:
    """Managed copy, so files above 5 GB (refused as too large) are kept as well; returns the size in bytes."""
    source: CopySourceTypeDef = {"Bucket": event.bucket, "Key": event.key}
    if event.version_id:
        source["VersionId"] = event.version_id
    size = aws.s3().head_object(**source)["ContentLength"]
    aws.s3().copy(source, target.bucket, target.key)
    return size


def _write_reason(event: Refused, target: layout.S3Uri, source_uri: str, size: int) -> None:
    document = logic.reason_document(
        source_uri=source_uri,
        version_id=event.version_id,
        code=event.reason_code,
        reason=event.reason,
        sha256=event.content_sha256,
        size=size,
        execution=event.execution,
    )
    aws.s3().put_object(
        Bucket=target.bucket,
        Key=f"{target.key.rsplit('/', 1)[0]}/reason.json",
        Body=json.dumps(document, indent=2).encode(),
        ContentType="application/json",
    )
