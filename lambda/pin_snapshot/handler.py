"""Run id in, pinned dataset snapshot out. A redriven run gets the snapshot it pinned the first time."""

from __future__ import annotations

from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint
from pin_snapshot import logic, store
from pin_snapshot.settings import Settings, settings


class Run(Frozen):
    """`run_id` is the name of the train execution."""

    run_id: str


class Pinned(Frozen):
    """Manifests (S3 URIs) and rows by source."""

    snapshot_id: str
    manifests: dict[str, str]
    rows: dict[str, int]


@entrypoint(Run)
def handler(event: Run) -> Pinned:
    """Pin every source's published objects in the months the run needs."""
    config = settings()
    snapshot = store.earlier(config, event.run_id) or _pin(config)
    manifests = store.write(config, event.run_id, snapshot)
    count("SnapshotsPinned")
    return Pinned(snapshot_id=snapshot.snapshot_id, manifests=manifests, rows=snapshot.rows())


def _pin(config: Settings) -> logic.Snapshot:
    known = {source: store.published(config, source) for source in config.sources}
    labelled = {
        month
        for source, spec in config.sources.items()
        if spec.label is not None
        for counts in known[source].values()
        for month in counts
    }
    months = logic.months_needed(labelled, config.snapshot_days)
    found = {source: store.objects(config, source, months, known[source]) for source in config.sources}
    return logic.pin(config.curated_bucket, months, found)
