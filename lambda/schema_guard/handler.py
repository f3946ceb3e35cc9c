"""Landed file in, verdict out: accepted, rejected with a reason, or duplicate of an earlier file."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Literal

from mlops_runtime import aws, layout
from mlops_runtime.ledger import Ledger
from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint
from schema_guard.logic import Finding, inspect
from schema_guard.settings import Settings, settings

CHUNK_BYTES = 1024 * 1024


class Landed(Frozen):
    """An object in the landing zone; `execution` is the ingest execution that looks at it."""

    bucket: str
    key: str
    version_id: str | None
    execution: str


class Verdict(Frozen):
    """`raw_key` is where an accepted file goes; `reason_code` is empty then."""

    verdict: Literal["accepted", "rejected", "duplicate"]
    dataset: str
    reason_code: str
    reason: str
    content_sha256: str
    rows: int
    source_uri: str
    raw_key: str


@entrypoint(Landed)
def handler(event: Landed) -> Verdict:
    """Check one landed file."""
    verdict = judge(event, settings())
    count(f"Files{verdict.verdict.capitalize()}")
    return verdict


def judge(event: Landed, config: Settings) -> Verdict:
    """Stream the file once, then claim its content in the ledger."""
    uri = str(layout.S3Uri(event.bucket, event.key))
    folder = event.key.split("/")[1] if event.key.count("/") >= 2 else ""
    if event.key.split("/")[0] != config.workload or folder not in config.sources:
        known = ", ".join(f"{config.workload}/{name}/" for name in config.sources)
        finding = Finding(code="unknown_source", reason=f"no source has this folder; expected one of: {known}")
        return _verdict("rejected", folder, uri, finding)
    finding = _read(event, config, folder)
    if finding.code:
        return _verdict("rejected", folder, uri, finding)
    ledger = Ledger(aws.dynamodb(), config.ledger_table, config.workload, folder)
    earlier = ledger.claim(finding.content_sha256, execution=event.execution, source_uri=uri, now=int(time.time()))
    if earlier is not None:
        reason = f"same content as {earlier.source_uri} ({earlier.status})"
        finding = finding.model_copy(update={"code": "duplicate_file", "reason": reason})
        return _verdict("duplicate", folder, uri, finding)
    return _verdict("accepted", folder, uri, finding, layout.raw(config.workload, folder, finding.content_sha256))


def _read(event: Landed, config: Settings, folder: str) -> Finding:
    version = {"VersionId": event.version_id} if event.version_id else {}
    response = aws.s3().get_object(Bucket=event.bucket, Key=event.key, **version)  # type: ignore[arg-type]
    with closing(response["Body"]) as body:
        if response["ContentLength"] > config.max_file_bytes:
            size, limit = response["ContentLength"], config.max_file_bytes
            return Finding(code="too_large", reason=f"{size} bytes, allowed {limit}: split the file before landing it")
        return inspect(body.iter_chunks(CHUNK_BYTES), config.sources[folder])


def _verdict(
    verdict: Literal["accepted", "rejected", "duplicate"], dataset: str, uri: str, finding: Finding, raw_key: str = ""
) -> Verdict:
    return Verdict(
        verdict=verdict,
        dataset=dataset,
        reason_code=finding.code,
        reason=finding.reason,
        content_sha256=finding.content_sha256,
        rows=finding.rows,
        source_uri=uri,
        raw_key=raw_key,
    )
