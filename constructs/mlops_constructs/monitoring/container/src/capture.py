"""Reads SageMaker data capture: one JSON line per invocation, which may hold many rows.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from settings import Settings, parse_time


class UnreadableError(ValueError):
    """A captured line does not hold what an invocation leaves."""


UNREADABLE = (UnreadableError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(kw_only=True)
class Captured:
    """The predictions of a window, column by column, in the order in which they were read.

    Predictions before the window whose labels came late are here too, without their features: they are judged, but no
    drift is sought in them a second time.

    Attributes:
        record_id: Id of each record.
        inference_time: When it was scored.
        inference_id: The id the client gave the invocation, if any.
        version: Version of the model package that scored it.
        score: The score, 0 to 1.
        features: The texts of every feature, of the window alone; empty is missing.
        rows: Predictions of the window.
        lines: Captured lines read, of any time.
        unreadable: What was wrong with each line that could not be used.
        narrow: Rows with too few values.
        wide: Rows with too many values.
    """

    record_id: list[str] = field(default_factory=list)
    inference_time: list[datetime] = field(default_factory=list)
    inference_id: list[str | None] = field(default_factory=list)
    version: list[str] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    features: dict[str, list[str]] = field(default_factory=dict)
    rows: int = 0
    lines: int = 0
    unreadable: list[str] = field(default_factory=list)
    narrow: int = 0
    wide: int = 0


def read(folder: Path, settings: Settings) -> Captured:
    """Reads every `.jsonl` file below the folder and keeps what falls into the window.

    A line that cannot be read is counted with its reason and left out: one broken record must not hide the others.
    """
    captured = Captured(features={name: [] for name in settings.features})
    for path in sorted(folder.rglob("*.jsonl")):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if not line.strip():
                continue
            captured.lines += 1
            try:
                _add(captured, line, settings)
            except UNREADABLE as error:
                captured.unreadable.append(f"{path.name}:{number}: {type(error).__name__}: {str(error)[:120]}")
    return captured


def _add(captured: Captured, line: str, settings: Settings) -> None:
    event = json.loads(line)
    meta = event["eventMetadata"]
    moment = parse_time(meta["inferenceTime"])
    inference_id = meta.get("inferenceId")
    if not settings.judges(moment) or settings.ignores(inference_id):
        return
    watched = settings.contains(moment)
    try:
        rows = list(_rows(event["captureData"]))  # the whole line is checked before any of it is taken
    except UNREADABLE:
        if watched:
            raise
        return  # the window it belongs to has told of it
    for row, answer in rows:
        if settings.ignores(row[0]):
            continue
        captured.record_id.append(row[0])
        captured.inference_time.append(moment)
        captured.inference_id.append(inference_id)
        captured.version.append(str(answer.get("model_package_version", "")))
        captured.score.append(float(answer["score"]))
        if watched:
            captured.rows += 1
            _add_features(captured, row[1:])


def _add_features(captured: Captured, values: Sequence[str]) -> None:
    missing = len(captured.features) - len(values)
    captured.narrow += missing > 0
    captured.wide += missing < 0
    padded = [*values, *[""] * max(missing, 0)]
    for texts, value in zip(captured.features.values(), padded, strict=False):
        texts.append(value)


def _rows(data: Mapping[str, Any]) -> Iterator[tuple[list[str], Mapping[str, Any]]]:
    rows = [row for row in csv.reader(io.StringIO(_text(data["endpointInput"]))) if row]
    answers = [json.loads(text) for text in _text(data["endpointOutput"]).splitlines() if text.strip()]
    if len(rows) != len(answers):
        raise UnreadableError(f"{len(rows)} rows went in, {len(answers)} answers came out")
    for row, answer in zip(rows, answers, strict=True):
        if row[0] != answer["record_id"]:
            raise UnreadableError(f"the answer for {row[0]!r} is of {answer['record_id']!r}")
        if not 0 <= float(answer["score"]) <= 1:
            raise UnreadableError(f"score {answer['score']!r} of {row[0]!r} is not between 0 and 1")
        yield row, answer


def _text(part: Mapping[str, Any]) -> str:
    text: str = part["data"]
    return base64.b64decode(text, validate=True).decode() if part.get("encoding") == "BASE64" else text
