"""The landing files cut from the public flights data."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest
import yaml

WORKLOAD = Path(__file__).parents[2] / "workloads" / "flight-delays"


@pytest.fixture(scope="module")
def prepare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prepare_flights", WORKLOAD / "data" / "prepare.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def year(prepare: ModuleType) -> pa.Table:
    table: pa.Table = prepare.build_table()
    return table


@pytest.fixture(scope="module")
def february(prepare: ModuleType, year: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "build_table", lambda: year)  # the year is built once for all tests
        files: list[Any] = prepare.prepare(tmp_path_factory.mktemp("landing"), [2])
    return files


def test_a_year_has_every_flight_that_arrived_once(year: pa.Table) -> None:
    assert year.num_rows == 327_346
    assert pc.count_distinct(year["flight_id"]).as_py() == year.num_rows
    times = year["event_time"].to_numpy()
    assert (times[:-1] <= times[1:]).all()


def test_real_data_lies_inside_the_workloads_own_ranges(year: pa.Table) -> None:
    rules = yaml.safe_load((WORKLOAD / "workload.yaml").read_text())["sources"]["flights"]["quality_rules"]
    ranges = [
        found.groups() for rule in rules if (found := re.match(r'ColumnValues "(\w+)" between (\S+) and (\S+)', rule))
    ]
    assert len(ranges) == 9
    for name, low, high in ranges:
        extremes = pc.min_max(year[name])
        assert float(low) < extremes["min"].as_py() <= extremes["max"].as_py() < float(high), name


def test_a_flights_file_spans_at_most_seven_days(february: list[Any]) -> None:
    flights = [file for file in february if file.source == "flights"]
    assert [file.week for file in flights] == [1, 2, 3, 4]
    for file in flights:
        days = {row["event_time"].date() for row in pyarrow.csv.read_csv(file.path).select(["event_time"]).to_pylist()}
        assert (max(days) - min(days)).days < 7


def test_flights_and_labels_of_a_month_are_the_same_flights(february: list[Any]) -> None:
    keys = {
        source: [
            key
            for file in february
            if file.source == source
            for key in pyarrow.csv.read_csv(file.path)["flight_id"].to_pylist()
        ]
        for source in ("flights", "labels")
    }
    assert keys["flights"] == keys["labels"]
    assert len(keys["flights"]) == sum(file.rows for file in february if file.source == "flights")


def test_a_month_outside_the_data_is_refused(prepare: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="months must lie between 1 and 12"):
        prepare.prepare(tmp_path, [12, 13])
