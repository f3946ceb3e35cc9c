"""Lands files as producers do and learns from the bus what the platform made of each."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mlops_local.demo.months import Month
from mlops_local.demo.observer import Observer
from mlops_local.demo.platform import Platform
from mlops_local.demo.result import FileOutcome


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file to land: `name` below the source's folder, its bytes, and what is wrong with it (None: nothing)."""

    name: str
    source: str
    content: bytes
    fault: str | None = None


@dataclass(frozen=True, kw_only=True)
class Produced:
    """A file the data producer made: where it lies, its source, month and number of rows."""

    path: Path
    source: str
    month: Month
    rows: int

    def upload(self) -> Upload:
        """The file as it is."""
        return Upload(name=self.path.name, source=self.source, content=self.path.read_bytes())


def produce(script: Path, folder: Path, months: Iterable[Month]) -> list[Produced]:
    """Cut months into the files a producer lands, with `prepare` of the workload's data/prepare.py.

    Args:
        script: the workload's data/prepare.py.
        folder: where to write.
        months: which months.

    Returns:
        The files in landing order.
    """
    spec = importlib.util.spec_from_file_location("workload_data_prepare", script)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{script} is not there: the workload's data/prepare.py cuts the flights into files")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    files = module.prepare(folder, [month.number for month in months])
    return [Produced(path=one.path, source=one.source, month=Month(one.month), rows=one.rows) for one in files]


def select(files: Iterable[Produced], source: str, months: Collection[Month]) -> list[Produced]:
    """Files of one source and some months, in landing order."""
    return [file for file in files if file.source == source and file.month in months]


def land(
    platform: Platform,
    observer: Observer,
    uploads: Sequence[Upload],
    *,
    concurrency: int = 6,
    timeout: float = 180,
) -> list[FileOutcome]:
    """Put files into the landing zone, several at a time, and wait for the platform's answer to each.

    Args:
        platform: where to.
        observer: hears the answers; its `month` is recorded with the outcome.
        uploads: what to land.
        concurrency: files on the way at a time.
        timeout: seconds to wait for one answer.

    Returns:
        One outcome per file, in the order given.

    Raises:
        NoEventError: the platform never answered for a file.
    """
    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="land") as pool:
        pending = [pool.submit(_land_one, platform, observer, one, timeout) for one in uploads]
        try:
            return [future.result() for future in pending]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _land_one(platform: Platform, observer: Observer, item: Upload, timeout: float) -> FileOutcome:
    bucket, key = platform.bucket("landing"), f"{platform.workload}/{item.source}/{item.name}"
    since = observer.position
    platform.client("s3").put_object(Bucket=bucket, Key=key, Body=item.content)
    uri = f"s3://{bucket}/{key}"
    event = observer.wait(
        lambda event: event.source == "mlops.data" and event.detail["source_uri"] == uri,
        what=f"answer for {item.name}",
        since=since,
        timeout=timeout,
    )
    detail, ready = event.detail, event.kind == "Dataset Ready"
    return FileOutcome(
        month=event.month,
        dataset=item.source,
        file=item.name,
        outcome="ready" if ready else "rejected",
        rows=detail["rows"] if ready else 0,
        rows_quarantined=detail["rows_quarantined"] if ready else 0,
        reason_code="" if ready else detail["reason_code"],
        reason="; ".join(detail["warnings"]) if ready else detail["reason"],
        quarantine_uri="" if ready else detail["quarantine_uri"],
        fault=item.fault,
    )
