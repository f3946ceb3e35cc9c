"""Where everything lies in S3: pure functions from identities to keys, one bucket per zone.

Keys carry identity (content hash, execution name, month of the event), never the wall clock of the writer,
so a redriven execution writes to the same place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])\Z")
_PARTITION = re.compile(r"/month=(\d{4}-\d{2})/")


@dataclass(frozen=True)
class S3Uri:
    """An object or prefix in S3, spelt `s3://bucket/key`."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> S3Uri:
        """Read `s3://bucket/key`.

        Raises:
            ValueError: The text is not an S3 URI with a key.
        """
        match = re.fullmatch(r"s3://([^/]+)/(.+)", uri)
        if match is None:
            raise ValueError(f"expected s3://bucket/key, got {uri!r}")
        return cls(match[1], match[2])

    def __truediv__(self, name: str) -> S3Uri:
        return S3Uri(self.bucket, f"{self.key.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class LandedFile:
    """What a landing key says: whose file, of which source."""

    workload: str
    source: str
    file_name: str

    @classmethod
    def parse(cls, key: str) -> LandedFile:
        """Read `<workload>/<source>/<any file name>`.

        Raises:
            ValueError: The key has no source folder.
        """
        parts = key.split("/", 2)
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"expected <workload>/<source>/<file name>, got {key!r}")
        return cls(*parts)


def raw(workload: str, source: str, sha256: str) -> str:
    """Raw zone: the accepted file, byte for byte."""
    return f"{workload}/{source}/{_checked_sha256(sha256)}.csv"


def staged_prefix(workload: str, source: str, sha256: str) -> str:
    """Raw zone: the file as Parquet parts, before its quality is known."""
    return f"staged/{workload}/{source}/file={_checked_sha256(sha256)}/"


def staged_meta(workload: str, source: str, sha256: str) -> str:
    """Raw zone: what the curating job says about the staged parts."""
    return f"staged-meta/{workload}/{source}/{_checked_sha256(sha256)}.json"


def staged_keys(workload: str, source: str, sha256: str) -> str:
    """Raw zone: which keys a file's rows have, as sorted 64-bit hashes. The curating job puts it beside the meta."""
    return f"staged-meta/{workload}/{source}/{_checked_sha256(sha256)}.keys"


def curated_prefix(workload: str, source: str) -> str:
    """Curated zone: root of the source's table."""
    return f"{workload}/{source}/"


def curated_month(workload: str, source: str, month: str) -> str:
    """Curated zone: one Hive partition. `month` is YYYY-MM of the event time."""
    if not _MONTH.match(month):
        raise ValueError(f"month must be YYYY-MM, got {month!r}")
    return f"{curated_prefix(workload, source)}month={month}/"


def curated(workload: str, source: str, month: str, sha256: str) -> str:
    """Curated zone: the rows of one landed file that fall into one month."""
    return f"{curated_month(workload, source, month)}{_checked_sha256(sha256)}.parquet"


def month_of(key: str) -> str:
    """The `month=` partition a curated key lies in.

    Raises:
        ValueError: The key lies in no month partition.
    """
    match = _PARTITION.search(key)
    if match is None:
        raise ValueError(f"no month= partition in {key!r}")
    return match[1]


def quarantine_prefix(workload: str, source: str, identity: str) -> str:
    """Quarantine zone: one refused file and its `reason.json`. `identity` is its SHA-256 or object version."""
    return f"{workload}/{source}/{identity}/"


def run(workload: str, run_id: str) -> str:
    """Artefacts: everything of one training run; `run_id` is the train execution's name."""
    return f"{workload}/runs/{run_id}/"


def snapshot_manifest(workload: str, run_id: str, source: str) -> str:
    """Artefacts: SageMaker manifest of one source's pinned objects."""
    return f"{run(workload, run_id)}snapshot/{source}.manifest"


def snapshot_document(workload: str, run_id: str) -> str:
    """Artefacts: the pinned objects of all sources with versions, etags and rows."""
    return f"{run(workload, run_id)}snapshot/snapshot.json"


def monitoring_prefix(workload: str, execution_name: str) -> str:
    """Artefacts: one monitoring report."""
    return f"{workload}/monitoring/{execution_name}/"


def capture_prefix(workload: str, endpoint: str) -> str:
    """Capture zone: root of one endpoint's captured invocations, above the variant."""
    return f"{workload}/{endpoint}/"


def capture_hour(workload: str, endpoint: str, variant: str, moment: datetime) -> str:
    """Capture zone: the folder of the hour of a moment in UTC. Folders sort as their hours do."""
    return f"{capture_prefix(workload, endpoint)}{variant}/{moment:%Y/%m/%d/%H}/"


def table(workload: str, source: str) -> str:
    """Glue table of a source's curated rows; its staged sibling has the suffix `_staged`."""
    return f"{workload}_{source}".replace("-", "_")


def _checked_sha256(sha256: str) -> str:
    if not _SHA256.match(sha256):
        raise ValueError(f"expected 64 lower-case hex digits of a SHA-256, got {sha256!r}")
    return sha256
