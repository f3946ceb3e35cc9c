"""What the curated zone and the ledger hold, and the written snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from mlops_runtime import aws, layout
from mlops_runtime.documents import manifest, read_json, write_json
from mlops_runtime.errors import SnapshotInvalid
from mlops_runtime.layout import S3Uri
from mlops_runtime.ledger import Ledger
from pin_snapshot import logic
from pin_snapshot.logic import PinnedObject, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pin_snapshot.settings import Settings

Published = dict[str, "Mapping[str, int]"]


def published(config: Settings, source: str) -> Published:
    """Rows by month of every published file, by its content hash."""
    ledger = Ledger(aws.dynamodb(), config.ledger_table, config.workload, source)
    return {file.sha256: file.months for file in ledger.published()}


def objects(config: Settings, source: str, months: Sequence[str], known: Published) -> Iterator[PinnedObject]:
    """The newest versions of a source's published objects in these months."""
    pages = aws.s3().get_paginator("list_object_versions")
    for month in months:
        prefix = layout.curated_month(config.workload, source, month)
        for page in pages.paginate(Bucket=config.curated_bucket, Prefix=prefix):
            for version in page.get("Versions", []):
                rows = logic.rows_of(version["Key"], known)
                if version["IsLatest"] and rows is not None:
                    yield PinnedObject(
                        key=version["Key"],
                        version_id=version["VersionId"],
                        etag=version["ETag"].strip('"'),
                        size=version["Size"],
                        rows=rows,
                    )


def earlier(config: Settings, run_id: str) -> Snapshot | None:
    """What this run pinned before it was redriven, if anything."""
    uri = S3Uri(config.artefacts_bucket, layout.snapshot_document(config.workload, run_id))
    listed = aws.s3().list_objects_v2(Bucket=uri.bucket, Prefix=uri.key, MaxKeys=1)
    if not listed.get("KeyCount"):
        return None
    try:
        return Snapshot.model_validate(read_json(uri, SnapshotInvalid))
    except ValidationError as error:
        raise SnapshotInvalid(f"{uri}: {error.errors()[0]['msg']}") from None


def write(config: Settings, run_id: str, snapshot: Snapshot) -> dict[str, str]:
    """Write the manifests, then the document (its presence says that the snapshot is complete).

    Returns the manifests' URIs by source.
    """
    manifests = {}
    for source, items in snapshot.sources.items():
        uri = S3Uri(config.artefacts_bucket, layout.snapshot_manifest(config.workload, run_id, source))
        prefix = layout.curated_prefix(config.workload, source)
        write_json(uri, manifest(S3Uri(snapshot.bucket, prefix), [item.key for item in items]))
        manifests[source] = str(uri)
    document = S3Uri(config.artefacts_bucket, layout.snapshot_document(config.workload, run_id))
    write_json(document, snapshot.model_dump(mode="json"))
    return manifests
