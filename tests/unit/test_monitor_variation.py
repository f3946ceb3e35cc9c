"""A feature that moves by itself drifts only when it moves farther than it ever did in the training data."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

DAYS, ROWS_A_DAY = 90, 24
FIRST = datetime(2026, 1, 1)


def settings(monitor: SimpleNamespace, days: int = 28, drift: float = 0.1, **window: datetime) -> Any:
    return monitor.settings.Settings(
        features={"temp": "Fractional", "size": "Fractional", "wind": "String"},
        key="id",
        label="late",
        thresholds=monitor.settings.Thresholds(drift=drift),
        window_days=days,
        **window,
    )


def seasons(days: int = DAYS, start: int = 0, first: datetime = FIRST) -> pa.Table:
    """A temperature that rises by a degree a day, a wind that turns every other week, and a size without season."""
    random = np.random.default_rng(start)
    hours = np.arange(days * ROWS_A_DAY)
    day = start + hours / ROWS_A_DAY
    missing = random.random(len(hours)) < 0.05
    columns = {
        "temp": [
            None if gone else value for gone, value in zip(missing, day + random.normal(0, 2, len(hours)), strict=True)
        ],
        "size": random.normal(0, 1, len(hours)).tolist(),
        "wind": np.where(random.random(len(hours)) < 0.5 + 0.4 * np.sin(day / 7), "west", "east").tolist(),
    }
    times = [first + timedelta(days=index / ROWS_A_DAY) for index in hours.tolist()]
    return pa.table({**columns, "event_time": pa.array(times, pa.timestamp("us"))})


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
@pytest.mark.parametrize("first", [FIRST, FIRST + timedelta(hours=15)])
def test_no_run_of_whole_days_of_the_training_data_drifts(monitor: SimpleNamespace, days: int, first: datetime) -> None:
    rows, config = seasons(first=first), settings(monitor, days, drift=0.001)
    reference, limits, windows = baseline(monitor, rows, config)
    dates = [moment.date() for moment in rows["event_time"].to_pylist()]
    span = (dates[-1] - dates[0]).days + 1
    assert windows == span - days + 1
    for start in range(windows):
        inside = [start <= (date - dates[0]).days < start + days for date in dates]
        assert drifted(monitor, reference, limits, rows.filter(pa.array(inside)), config) == set()


def test_the_learnt_distance_is_hardly_more_than_the_farthest_window_is_away(monitor: SimpleNamespace) -> None:
    rows, config = seasons(), settings(monitor)
    reference, _, windows = baseline(monitor, rows, config)
    for feature in reference["features"]:
        away = []
        for start in range(windows):
            window = rows.slice(start * ROWS_A_DAY, 28 * ROWS_A_DAY)
            (column,) = monitor.describe.columns(window, {feature["name"]: config.features[feature["name"]]})
            away.append(monitor.drift.distance(feature, monitor.describe.feature(column)))
        assert max(away) <= feature["variation"]["distance"] <= max(away) + 2 * monitor.variation.ROUNDING


def test_a_window_unlike_all_of_them_drifts(monitor: SimpleNamespace) -> None:
    config = settings(monitor)
    reference, limits, _ = baseline(monitor, seasons(), config)
    assert drifted(monitor, reference, limits, seasons(28, start=DAYS), config) == {"temp"}


def test_days_that_knew_one_wind_only_drift(monitor: SimpleNamespace) -> None:
    config = settings(monitor)
    reference, limits, _ = baseline(monitor, seasons(), config)
    calm = seasons(28, start=40)
    calm = calm.set_column(2, "wind", pa.array(["west"] * calm.num_rows))
    assert drifted(monitor, reference, limits, calm, config) == {"wind"}


def test_only_a_feature_that_moves_has_a_threshold_of_its_own(monitor: SimpleNamespace) -> None:
    config = settings(monitor)
    reference, limits, _ = baseline(monitor, seasons(), config)
    temp, size, _ = limits["features"]
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


@pytest.mark.parametrize(("span", "windows"), [(55, 0), (56, 29)])
def test_rows_shorter_than_two_windows_teach_nothing(monitor: SimpleNamespace, span: int, windows: int) -> None:
    config = settings(monitor)
    reference, limits, found = baseline(monitor, seasons(span), config)
    assert found == windows
    assert any("variation" in feature for feature in reference["features"]) == bool(windows)
    assert (monitor.constraints.drift_threshold(limits, "temp") > 0.1) == bool(windows)


def test_days_without_rows_are_counted_and_windows_of_them_are_none(monitor: SimpleNamespace) -> None:
    rows = pa.concat_tables([seasons(28), seasons(84).slice(56 * ROWS_A_DAY)])
    reference, _, _ = baseline(monitor, rows, settings(monitor, 30))
    assert {feature["variation"]["fewest_days"] for feature in reference["features"]} == {2}


def test_a_new_endpoint_is_not_judged_until_its_traffic_is_as_long_as_the_windows(monitor: SimpleNamespace) -> None:
    reference, _, _ = baseline(monitor, seasons(), settings(monitor))
    scheduled = settings(monitor, start=datetime(2026, 5, 1), end=datetime(2026, 5, 29))
    assert not monitor.variation.comparable(reference, 27, scheduled)
    assert monitor.variation.comparable(reference, 28, scheduled)
    asked_for = settings(monitor, start=datetime(2026, 5, 1), end=datetime(2026, 5, 2))
    assert monitor.variation.comparable(reference, 1, asked_for)
    untaught, _, _ = baseline(monitor, seasons(30), settings(monitor))
    assert monitor.variation.comparable(untaught, 1, scheduled)


@pytest.mark.parametrize("kind", ["string", "boolean"])
def test_columns_without_a_value_and_truths_are_features_too(monitor: SimpleNamespace, kind: str) -> None:
    rows = seasons()
    values = [None] * rows.num_rows if kind == "string" else [index % 2 == 0 for index in range(rows.num_rows)]
    rows = rows.set_column(2, "wind", pa.array(values, pa.string() if kind == "string" else pa.bool_()))
    reference, _, _ = baseline(monitor, rows, settings(monitor))
    (wind,) = [feature for feature in reference["features"] if feature["name"] == "wind"]
    assert ("variation" in wind) == (kind == "boolean")


@pytest.mark.parametrize(
    ("times", "line"),
    [
        (pa.array([1, 2]), "needs the column 'event_time' with the time of each row"),
        (pa.array([None, None], pa.timestamp("us")), "holds no time"),
    ],
)
def test_rows_without_a_time_are_refused(monitor: SimpleNamespace, times: pa.Array, line: str) -> None:
    rows = pa.table({"temp": [1.0, 2.0], "size": [1.0, 2.0], "wind": ["a", "b"], "event_time": times})
    with pytest.raises(monitor.settings.InputError, match=line):
        baseline(monitor, rows, settings(monitor))


def test_a_window_shorter_than_a_day_is_refused(monitor: SimpleNamespace) -> None:
    config = '{"features": [], "key": "k", "label": "l", "window_days": 0}'
    with pytest.raises(monitor.settings.InputError, match="window_days must be at least 1"):
        monitor.settings.Settings.from_environment({"MONITOR_CONFIG": config})
