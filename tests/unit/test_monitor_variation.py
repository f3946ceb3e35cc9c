"""A feature that moves by itself drifts only when it moves farther than it ever did in the training data."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

DAYS, ROWS_A_DAY = 90, 24


def settings(monitor: SimpleNamespace, days: int = 28, drift: float = 0.1) -> Any:
    return monitor.settings.Settings(
        features={"temp": "Fractional", "size": "Fractional"},
        key="id",
        label="late",
        thresholds=monitor.settings.Thresholds(drift=drift),
        window_days=days,
    )


def table(temp: Sequence[float], size: Sequence[float]) -> pa.Table:
    times = [datetime(2026, 1, 1) + timedelta(days=index / ROWS_A_DAY) for index in range(len(temp))]
    return pa.table({"temp": list(temp), "size": list(size), "event_time": pa.array(times, pa.timestamp("us"))})


def seasons(days: int = DAYS, start: int = 0) -> pa.Table:
    """A temperature that rises by a degree a day, and a size that knows no season."""
    random = np.random.default_rng(start)
    hours = days * ROWS_A_DAY
    temp = start + np.arange(hours) / ROWS_A_DAY + random.normal(0, 2, hours)
    return table(temp.tolist(), random.normal(0, 1, hours).tolist())


def describe(monitor: SimpleNamespace, rows: pa.Table, config: Any) -> Any:
    return monitor.describe.statistics(monitor.describe.columns(rows, config.features), rows.num_rows)


def baseline(monitor: SimpleNamespace, rows: pa.Table, config: Any) -> tuple[Any, Any, int]:
    statistics = describe(monitor, rows, config)
    windows = monitor.variation.learn(rows, statistics, config)
    return statistics, monitor.constraints.suggest(statistics, config.thresholds), windows


def drifted(monitor: SimpleNamespace, reference: Any, limits: Any, rows: pa.Table, config: Any) -> set[str]:
    current = describe(monitor, rows, config)
    known = {feature["name"]: feature for feature in reference["features"]}
    scores = {f["name"]: monitor.drift.distance(known[f["name"]], f) for f in current["features"]}
    found = monitor.constraints.evaluate(limits, current, scores)
    return {entry["feature_name"] for entry in found if entry["constraint_check_type"] == "baseline_drift_check"}


@pytest.mark.parametrize("days", [1, 7, 28])
def test_no_window_of_the_training_data_drifts(monitor: SimpleNamespace, days: int) -> None:
    rows, config = seasons(), settings(monitor, days)
    reference, limits, windows = baseline(monitor, rows, config)
    assert windows == (DAYS - 1) // days, "the oldest row is at midnight, the newest an hour before"
    newest = rows.num_rows
    for last in range(newest, newest - windows * days * ROWS_A_DAY, -days * ROWS_A_DAY):
        window = rows.slice(last - days * ROWS_A_DAY, days * ROWS_A_DAY)
        assert drifted(monitor, reference, limits, window, config) == set()


def test_a_window_unlike_all_of_them_drifts(monitor: SimpleNamespace) -> None:
    config = settings(monitor)
    reference, limits, _ = baseline(monitor, seasons(), config)
    assert drifted(monitor, reference, limits, seasons(28, start=DAYS), config) == {"temp"}


def test_only_a_feature_that_moves_has_a_threshold_of_its_own(monitor: SimpleNamespace) -> None:
    config = settings(monitor)
    reference, limits, _ = baseline(monitor, seasons(), config)
    temp, size = limits["features"]
    own = temp["monitoringConfigOverrides"]["distribution_constraints"]["comparison_threshold"]
    assert own == reference["features"][0]["variation"]["distance"]
    assert 0.1 < own < 1
    assert "monitoringConfigOverrides" not in size
    assert monitor.constraints.drift_threshold(limits, "temp") == own
    assert monitor.constraints.drift_threshold(limits, "size") == 0.1


@given(threshold=st.floats(0.01, 1.0))
def test_another_general_threshold_needs_no_new_baseline(monitor: SimpleNamespace, threshold: float) -> None:
    config = settings(monitor)
    reference, limits, _ = baseline(monitor, _ROWS, config)
    now = monitor.constraints.apply(limits, reference, monitor.settings.Thresholds(drift=threshold))
    for feature in reference["features"]:
        expected = max(threshold, feature["variation"]["distance"])
        assert monitor.constraints.drift_threshold(now, feature["name"]) == expected


_ROWS = seasons()


@pytest.mark.parametrize(("span", "windows"), [(27, 0), (30, 1)])
def test_rows_shorter_than_two_windows_teach_nothing(monitor: SimpleNamespace, span: int, windows: int) -> None:
    config = settings(monitor)
    reference, limits, found = baseline(monitor, seasons(span), config)
    assert found == windows
    assert not any("variation" in feature for feature in reference["features"])
    assert monitor.constraints.drift_threshold(limits, "temp") == 0.1


def test_a_gap_in_the_rows_is_no_window(monitor: SimpleNamespace) -> None:
    rows = pa.concat_tables([seasons(28), seasons(84).slice(56 * ROWS_A_DAY)])
    _, _, windows = baseline(monitor, rows, settings(monitor, 7))
    assert windows == 7, "four after the gap, three whole ones before it"


@pytest.mark.parametrize(
    ("times", "line"),
    [
        (pa.array([1, 2]), "needs the column 'event_time' with the time of each row"),
        (pa.array([None, None], pa.timestamp("us")), "holds no time"),
    ],
)
def test_rows_without_a_time_are_refused(monitor: SimpleNamespace, times: pa.Array, line: str) -> None:
    rows = pa.table({"temp": [1.0, 2.0], "size": [1.0, 2.0], "event_time": times})
    with pytest.raises(monitor.settings.InputError, match=line):
        baseline(monitor, rows, settings(monitor))


def test_a_window_shorter_than_a_day_is_refused(monitor: SimpleNamespace) -> None:
    config = '{"features": [], "key": "k", "label": "l", "window_days": 0}'
    with pytest.raises(monitor.settings.InputError, match="window_days must be at least 1"):
        monitor.settings.Settings.from_environment({"MONITOR_CONFIG": config})
