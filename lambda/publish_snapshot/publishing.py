"""One file at a time enters the curated table, although many are on their way.

Nothing is locked. A file takes the next place among the published ones only if it knows all files before that place
and shares no key with those its rows were not compared with; when another was quicker, it looks at that one first.
Taking the place is the commit and comes last: copies, partitions and whatever has to be removed come before it.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_runtime import aws, layout
from mlops_runtime.curated import remove_parts
from mlops_runtime.documents import open_object
from mlops_runtime.errors import Transient
from mlops_runtime.layout import S3Uri
from mlops_runtime.ledger_rows import Publication
from mlops_runtime.observability import count
from publish_snapshot import logic
from publish_snapshot.catalog import add_partitions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mlops_runtime.ledger import Ledger
    from mlops_runtime.ledger_rows import PublishedFile
    from publish_snapshot.logic import Summary
    from publish_snapshot.settings import Settings

# Each lost round means that another file was published, and the curating job bounds how many are on their way.
ATTEMPTS = 50
_CHUNK_BYTES = 8 * 8192


@dataclass(frozen=True)
class Publisher:
    """Publishes one staged file, the content `sha256` claimed by `execution`, which landed as `landing_key`."""

    config: Settings
    ledger: Ledger
    sha256: str
    execution: str
    landing_key: str
    summary: Summary

    def publish(self) -> bool:
        """Whether the file is published, by this call or before; False when it has to be curated again.

        Raises:
            Transient: Other files were quicker at every attempt.
            ClaimLost: The content belongs to another execution by now.
        """
        publication, known, copied = self._publication(), self.summary.compared_up_to, False
        for _ in range(ATTEMPTS):
            newer = list(self.ledger.published(after=known))
            if any(file.sha256 == self.sha256 for file in newer):
                return True
            if any(self._shares_keys(file) for file in newer):
                self._remove()  # whoever lists the bucket would see these rows until they are curated again
                return False
            known += len(newer)
            if not copied:
                self._copy()
                copied = True
            if self._take(known + 1, publication):
                return True
        raise Transient(f"other files of {self.ledger.source} were quicker {ATTEMPTS} times")

    def _shares_keys(self, other: PublishedFile) -> bool:
        if other.last_key < self.summary.first_key or self.summary.last_key < other.first_key:
            return False
        try:
            return logic.share(self._keys(self.sha256), self._keys(other.sha256))
        except FileNotFoundError:
            return True  # keys nobody knows may be any; the curating job then compares the rows themselves

    def _keys(self, sha256: str) -> Iterator[int]:
        key = layout.staged_keys(self.config.workload, self.ledger.source, sha256)
        with closing(open_object(S3Uri(self.config.raw_bucket, key))) as body:
            while chunk := body.read(_CHUNK_BYTES):
                yield from memoryview(chunk).cast("Q")

    def _copy(self) -> None:
        config, dataset = self.config, self.ledger.source
        months = sorted(part.month for part in self.summary.parts)
        self._remove(keep=months)  # an attempt that came to nothing may have left the part of another month
        for copy in logic.copies(self.summary, workload=config.workload, dataset=dataset, sha256=self.sha256):
            source = {"Bucket": config.raw_bucket, "Key": copy.source_key}
            aws.s3().copy_object(CopySource=source, Bucket=config.curated_bucket, Key=copy.target_key)  # type: ignore[arg-type]
        add_partitions(aws.glue(), config.glue_database, layout.table(config.workload, dataset), months)

    def _remove(self, *, keep: Collection[str] = ()) -> None:
        config = self.config
        remove_parts(aws.s3(), config.curated_bucket, config.workload, self.ledger.source, self.sha256, keep=keep)

    def _take(self, place: int, publication: Publication) -> bool:
        taken = self.ledger.publish(
            self.sha256,
            publication,
            execution=self.execution,
            place=place,
            gate_table=self.config.gate_table,
            now=int(time.time()),
        )
        if taken:
            count("RowsPublished", sum(publication.months.values()))
        return taken

    def _publication(self) -> Publication:
        config, source, summary = self.config, self.ledger.source, self.summary
        raw = layout.raw(config.workload, source, self.sha256)
        return Publication(
            months={part.month: part.rows for part in summary.parts},
            first_key=summary.first_key,
            last_key=summary.last_key,
            training_rows=summary.rows if config.sources[source].label is not None else 0,
            rows_quarantined=summary.rows_quarantined,
            size=aws.s3().head_object(Bucket=config.raw_bucket, Key=raw)["ContentLength"],
            landing_key=self.landing_key,
        )
