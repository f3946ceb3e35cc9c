"""Where a refused file goes and what is written beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_runtime import layout

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN_SOURCE = "unknown-source"
# None takes anything from what training could learn: a duplicate is curated already, a stray file is nobody's.
NOT_MISSED = frozenset({"duplicate_file", "nothing_new", "unknown_source"})


def destination(workload: str, dataset: str, identity: str, landing_key: str) -> str:
    """Key in the quarantine zone: by content where it is known, else by object version; the name is kept."""
    return layout.quarantine_prefix(workload, dataset or UNKNOWN_SOURCE, identity) + landing_key.rsplit("/", 1)[-1]


def identity(content_sha256: str, version_id: str | None) -> str:
    """What distinguishes this refused file from others of its name."""
    return content_sha256 or version_id or "unversioned"


def reason_document(
    *, source_uri: str, version_id: str | None, code: str, reason: str, sha256: str, size: int, execution: str
) -> Mapping[str, str | int | None]:
    """The content of `reason.json`."""
    return {
        "schema_version": "1",
        "source_uri": source_uri,
        "version_id": version_id,
        "reason_code": code,
        "reason": reason,
        "content_sha256": sha256,
        "bytes": size,
        "execution": execution,
    }
