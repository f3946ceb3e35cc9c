"""Scores flights the way an application would: CSV batches over HTTPS with boto3, up to 1000 flights each."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlops_local.demo.months import Month
from mlops_local.demo.platform import Platform

BATCH_ROWS = 1000
INFERENCE_PREFIX = "replay-"
_CONCURRENT_REQUESTS = 2


class ScoringError(RuntimeError):
    """The endpoint answered something else than one valid score per flight sent."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What one month's scoring was: wall-clock window (ISO 8601 UTC), flights scored, requests made."""

    window_start: str
    window_end: str
    flights: int
    requests: int


def rows_of(paths: Iterable[Path]) -> Iterator[str]:
    """Request rows `flight_id,<features>` from flights files: everything but the event time, in file order."""
    for path in paths:
        with path.open(newline="") as stream:
            reader = csv.reader(stream)
            time_column = next(reader).index("event_time")
            for row in reader:
                yield ",".join([*row[:time_column], *row[time_column + 1 :]])


def batches(rows: Iterable[str], size: int = BATCH_ROWS) -> Iterator[list[str]]:
    """Cut rows into lists of `size`, the last one shorter; nothing for no rows.

    Example:
        >>> list(batches(["a", "b", "c"], 2))
        [['a', 'b'], ['c']]
    """
    batch: list[str] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def score_month(platform: Platform, month: Month, paths: Sequence[Path]) -> Traffic:
    """Send a month's flights through the endpoint.

    Raises:
        ScoringError: an answer lacks a flight, has one twice, or a score outside 0-1.
    """
    window_start = datetime.now(UTC)
    requests = list(enumerate(batches(rows_of(paths))))
    with ThreadPoolExecutor(max_workers=_CONCURRENT_REQUESTS, thread_name_prefix="score") as pool:
        counts = list(
            pool.map(lambda item: _invoke(platform, f"{INFERENCE_PREFIX}{month}-{item[0]:04d}", item[1]), requests)
        )
    start, end = window(window_start, datetime.now(UTC))
    return Traffic(window_start=start, window_end=end, flights=sum(counts), requests=len(requests))


def window(start: datetime, end: datetime) -> tuple[str, str]:
    """The smallest half-open window of whole seconds that holds everything from `start` to `end`.

    SageMaker stamps captured requests with whole seconds, cut off: the request made at 12:00:00.9 says 12:00:00.
    """
    first, last = start.replace(microsecond=0), end.replace(microsecond=0) + timedelta(seconds=1)
    return _text(first), _text(last)


def _invoke(platform: Platform, inference_id: str, batch: Sequence[str]) -> int:
    answer = platform.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=platform.endpoint,
        ContentType="text/csv",
        Accept="application/jsonlines",
        InferenceId=inference_id,
        Body="\n".join(batch).encode(),
    )
    check_answer(batch, answer["Body"].read().decode(), inference_id)
    return len(batch)


def check_answer(batch: Sequence[str], body: str, inference_id: str) -> None:
    """One valid score came back per row sent, in the same order.

    Raises:
        ScoringError: otherwise.
    """
    answers = [json.loads(line) for line in body.splitlines() if line.strip()]
    sent = [row.split(",", 1)[0] for row in batch]
    if [answer.get("record_id") for answer in answers] != sent:
        raise ScoringError(
            f"{inference_id}: sent {len(sent)} flights, got answers for {len(answers)} or in another order"
        )
    wrong = [answer for answer in answers if not 0.0 <= float(answer["score"]) <= 1.0]
    if wrong:
        raise ScoringError(f"{inference_id}: scores must lie between 0 and 1, got {wrong[0]}")


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
