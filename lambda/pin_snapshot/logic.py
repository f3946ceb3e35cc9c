"""Which curated objects belong to a snapshot, and how it is written down."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

from mlops_runtime import layout
from mlops_runtime.errors import NoLabelledData, SnapshotInvalid
from mlops_runtime.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


class PinnedObject(Frozen):
    """One curated object as it was when the run began."""

    key: str
    version_id: str
    etag: str
    size: int
    rows: int


class Snapshot(Frozen):
    """All pinned objects of a run; `snapshot_id` identifies their content, not the run."""

    snapshot_id: str
    bucket: str
    months: list[str]
    sources: dict[str, list[PinnedObject]]

    def rows(self) -> dict[str, int]:
        """Rows per source."""
        return {source: sum(item.rows for item in items) for source, items in self.sources.items()}


def months_needed(labelled_months: Collection[str], days: int) -> list[str]:
    """Months that hold the `days` days up to the newest label, newest last.

    The newest label lies somewhere in the newest labelled month, so the reach is counted from that month's first day.

    Raises:
        NoLabelledData: There is no labelled month.
    """
    if not labelled_months:
        raise NoLabelledData("no curated labels: land and publish a file of a source with a label first")
    newest = max(labelled_months)
    last = date.fromisoformat(f"{newest}-01")
    first = (last - timedelta(days=days)).replace(day=1)
    months = []
    while first <= last:
        months.append(f"{first:%Y-%m}")
        first = (first + timedelta(days=32)).replace(day=1)
    return months


def rows_of(key: str, published: Mapping[str, Mapping[str, int]]) -> int | None:
    """Rows of a curated object by the ledger; None for an object whose file was never marked published."""
    sha256 = key.rsplit("/", 1)[-1].removesuffix(".parquet")
    months = published.get(sha256)
    return None if months is None else months.get(layout.month_of(key))


def pin(bucket: str, months: Sequence[str], sources: Mapping[str, Iterable[PinnedObject]]) -> Snapshot:
    """Order the objects and give the whole its identity.

    The identity covers keys (which carry the content hash of the landed file), rows and sizes, but no version ids:
    the same data pinned again is the same snapshot.

    Raises:
        SnapshotInvalid: A source has no object in these months.
    """
    ordered = {source: sorted(items, key=lambda item: item.key) for source, items in sorted(sources.items())}
    for source, items in ordered.items():
        if not items:
            raise SnapshotInvalid(f"source {source} has no curated rows in {months[0]} to {months[-1]}")
    content = [[source, item.key, item.rows, item.size] for source, items in ordered.items() for item in items]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return Snapshot(snapshot_id=digest, bucket=bucket, months=list(months), sources=ordered)
