"""Does an answer keep the serving contract? Pure."""

from __future__ import annotations

import csv
import json
import math


def record_ids(payload: str) -> list[str]:
    """First column of each row of the request."""
    return [row[0] for row in csv.reader(payload.splitlines()) if row]


def complaint(payload: str, body: bytes, *, version: str, minimum: float, maximum: float) -> str:
    """What is wrong with the answer `body` to `payload`; empty when nothing is.

    Expected is one JSON line per row, in order: `record_id` as sent, `score` within the range, and the version of the
    model package that was deployed, so that an old container behind a new config is noticed.
    """
    try:
        lines = [json.loads(line) for line in body.decode().splitlines() if line.strip()]
    except ValueError as error:
        return f"the answer is not JSON lines: {error}; it begins {body[:80]!r}"
    ids = record_ids(payload)
    if len(lines) != len(ids):
        return f"sent {len(ids)} rows, got {len(lines)} answers"
    for number, (record_id, answer) in enumerate(zip(ids, lines, strict=True), start=1):
        problem = _complaint_about(answer, record_id, version, minimum, maximum)
        if problem:
            return f"answer {number}: {problem}"
    return ""


def _complaint_about(answer: object, record_id: str, version: str, minimum: float, maximum: float) -> str:
    if not isinstance(answer, dict):
        return f"expected an object, got {answer!r}"
    if answer.get("record_id") != record_id:
        return f"record_id must be {record_id!r}, got {answer.get('record_id')!r}"
    score = answer.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        return f"score must be a number, got {score!r}"
    if not minimum <= score <= maximum:
        return f"score must lie in [{minimum:g}, {maximum:g}], got {score!r}"
    if str(answer.get("model_package_version")) != version:
        return f"model_package_version must be {version}, got {answer.get('model_package_version')!r}"
    return ""
