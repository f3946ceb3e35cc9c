"""What no workload can mean, though every field of it is right by itself."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import yaml

from stacks.config import load_workload
from stacks.config.source import FEATURE_TYPES, ColumnType
from stacks.config.workload import SOURCES_BYTES
from tests.unit.config_files import REMOVED, Change, Edit, only_line

FILE = "workloads/flight-delays/workload.yaml"
ROW = "smoke-1,480,2,UA,EWR,ORD,719,55.0,60.0,10.0,0.0,1015.0,10.0"
FLIGHTS, LABELS = "sources.flights", "sources.labels"
MORE = {
    "columns": [
        {"name": "flight_id", "type": "string"},
        {"name": "event_time", "type": "timestamp"},
        {"name": "seats", "type": "int"},
    ],
    "key": "flight_id",
    "event_time": "event_time",
    "quality_rules": ["RowCount > 0"],
}


def more(**changes: Any) -> Change:
    """A third source, whose only feature `seats` the smoke test sends too."""
    return {"sources.more": {**MORE, **changes}, "smoke_payload": f"{ROW},150"}


def third(**changes: Any) -> Change:
    """A third source with another third column."""
    return more(columns=[*MORE["columns"][:2], {"name": "seats", "type": "int", **changes}])


CASES: dict[str, tuple[Change, str]] = {
    "partition of the curated table": (
        {f"{FLIGHTS}.columns.3.name": "month"},
        f"{FLIGHTS}.columns.3.name: got 'month'; use another name: the curated table is partitioned by a column of its",
    ),
    "partition of the staged table": (
        {f"{LABELS}.columns.2.name": "file"},
        f"{LABELS}.columns.2.name: got 'file'; use another name: the staged table is partitioned by a column of its",
    ),
    "the label is the key": (
        {f"{LABELS}.key": "late"},
        "label.column: got 'late'; name another column: this one is the key of labels",
    ),
    "the key is the time": (
        {f"{LABELS}.key": "event_time"},
        f"{LABELS}.key: got 'event_time'; name another column than event_time: records of the same moment are not one",
    ),
    "keys that cannot be joined": (
        {f"{FLIGHTS}.columns.0.type": "bigint"},
        f"{FLIGHTS}.key: got 'flight_id'; name a column of type string, not bigint: records are joined with {LABELS}",
    ),
    "a key that may be empty": (
        {f"{FLIGHTS}.columns.0.required": False},
        f"{FLIGHTS}.columns.0.required: got false; remove it: flight_id is the key, which every record has",
    ),
    "a time that may be empty": (
        {f"{LABELS}.columns.1.required": False},
        f"{LABELS}.columns.1.required: got false; remove it: event_time is the event_time, which every record has",
    ),
    "a label that may be empty": (
        {f"{LABELS}.columns.2.required": False},
        f"{LABELS}.columns.2.required: got false; remove it: late is the label, and a record without it",
    ),
    "the label among the features": (
        third(name="late"),
        "sources.more.columns.2.name: got 'late'; use another name, or remove it: the label has this one, and no model",
    ),
    "the same feature twice": (
        third(name="temp"),
        "sources.more.columns.2.name: got 'temp'; use another name: source flights has a feature of this one",
    ),
    "a feature that the monitor does not know": (
        {f"{FLIGHTS}.columns.4.type": "timestamp"},
        f"{FLIGHTS}.columns.4.type: got 'timestamp'; use one of string, int, bigint, double, boolean, the types",
    ),
    "too many hyperparameters": (
        {"training.hyperparameters": {f"p{number}": number for number in range(101)}},
        "training.hyperparameters: got {p0: 0, p1: 1,",
    ),
    "a long hyperparameter": (
        {"training.hyperparameters.note": "x" * 2501},
        f"training.hyperparameters.note: got '{'x' * 76}...; give one line of at most 2500 characters, which is what",
    ),
    "a hyperparameter of two lines": (
        {"training.hyperparameters.note": "a\nb"},
        r"training.hyperparameters.note: got 'a\nb'; give one line of at most 2500 characters",
    ),
    "no number for a hyperparameter": (
        {"training.hyperparameters.eta": math.nan},
        "training.hyperparameters.eta: got .nan; give a text or a number",
    ),
    "an endless hyperparameter": (
        {"training.hyperparameters.eta": -math.inf},
        "training.hyperparameters.eta: got -.inf; give a text or a number",
    ),
    "a smoke test without key": (
        {"smoke_payload": ROW.removeprefix("smoke-1")},
        f"smoke_payload: got '{ROW.removeprefix('smoke-1')}'; begin with a key: the answer names its record by it",
    ),
    "a text for a number": (
        {"smoke_payload": ROW.replace("719", "far")},
        f"smoke_payload: got '{ROW.replace('719', 'far')}'; give a number for distance, not 'far'",
    ),
    "nothing for a number": (
        {"smoke_payload": ROW.replace("719", "")},
        f"smoke_payload: got '{ROW.replace('719', '')}'; give a number for distance, not ''",
    ),
    "no finite number": (
        {"smoke_payload": ROW.replace("55.0", "nan")},
        f"smoke_payload: got '{ROW.replace('55.0', 'nan')}'; give a number or nothing for temp, not 'nan'",
    ),
    "two rows": (
        {"smoke_payload": "a,1\nb,2"},
        r"smoke_payload: got 'a,1\nb,2'; give one row of 13 values, not 2 rows",
    ),
    "an open quote": (
        {"smoke_payload": f'"{ROW}'},
        f"""smoke_payload: got '"{ROW}'; give one row of CSV: unexpected end""",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_nonsense_gives_one_line(edit: Edit, case: str) -> None:
    changes, expected = CASES[case]
    path = edit(FILE, changes)
    line = only_line(lambda: load_workload(path))
    assert line.startswith(f"{path}: {expected}"), line


@pytest.mark.parametrize(
    "changes",
    [
        more(),
        more(columns=[*MORE["columns"], {"name": "sold_at", "type": "timestamp"}], event_time="sold_at")
        | {"sources.more.columns.1": {"name": "price", "type": "double"}, "smoke_payload": f"{ROW},9.5,150"},
        {f"{LABELS}.columns.2.type": "boolean"},
        {f"{FLIGHTS}.columns.3.type": "boolean"},
        {"smoke_payload": ROW.replace("UA", '"United, Air"')},
        {"smoke_payload": ROW.replace("55.0", "")},
        {"training.hyperparameters": {f"p{number}": "x" * 2500 for number in range(100)}},
        {"retraining": REMOVED},
    ],
)
def test_what_means_something_is_taken(edit: Edit, changes: Change) -> None:
    assert load_workload(edit(FILE, changes)).name == "flight-delays"


def test_features_have_the_types_that_the_monitor_knows(monitor: SimpleNamespace) -> None:
    assert set(FEATURE_TYPES) == set(monitor.settings.KINDS) & set(get_args(ColumnType))


def test_more_columns_than_a_function_can_be_told_are_refused(repository: Path) -> None:
    path = repository / FILE
    data = yaml.safe_load(path.read_text())
    columns = data["sources"]["flights"]["columns"]
    while len(str(columns)) < 2 * SOURCES_BYTES:
        columns.append({"name": f"feature_{len(columns)}", "type": "double"})
    data["smoke_payload"] = ",".join(["1"] * (len(columns) - 1))
    path.write_text(yaml.safe_dump(data))
    line = only_line(lambda: load_workload(path))
    assert line.startswith(f"{path}: sources: got {len(columns) + 3}; use fewer columns or shorter names")
