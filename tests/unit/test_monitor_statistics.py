"""What the monitor's statistics promise, whatever the data."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import ks_2samp, mannwhitneyu

numbers = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=1, max_size=60)
words = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=60)


def described(monitor: SimpleNamespace, values: Any) -> dict[str, Any]:
    kind = "String" if isinstance(values[0], str) else "Fractional"
    feature: dict[str, Any] = monitor.describe.feature(monitor.describe.from_values("x", kind, values))
    return feature


def distance(monitor: SimpleNamespace, ours: Any, theirs: Any, method: str = "Simple") -> float:
    found = monitor.drift.distance(described(monitor, ours), described(monitor, theirs), method)
    assert found is not None
    return float(found)


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({}, "MONITOR_CONFIG is not set"),
        ({"MONITOR_CONFIG": '{"features": []}'}, "MONITOR_CONFIG or window not understood (KeyError('key'))"),
        ({"MONITOR_CONFIG_0": '{"features": [{"name": "x", "type": "blob"}]}'}, "KeyError('blob')"),
        ({"MONITOR_CONFIG": '{"features": [], "key": "k", "label": "l"}', "WINDOW_START": "noon"}, "'noon'"),
    ],
)
def test_settings_that_are_not_understood_are_named(
    monitor: SimpleNamespace, config: dict[str, str], line: str
) -> None:
    with pytest.raises(monitor.settings.InputError, match=re.escape(line)):
        monitor.settings.Settings.from_environment(config)


def test_settings_in_pieces_join_in_the_order_of_their_numbers(monitor: SimpleNamespace) -> None:
    text = '{"features": [{"name": "x", "type": "int"}], "key": "k", "label": "l", "thresholds": {"drift": 0.3}}'
    pieces = {f"MONITOR_CONFIG_{number}": text[number * 9 : number * 9 + 9] for number in range(12)}
    settings = monitor.settings.Settings.from_environment(pieces)
    assert (settings.features, settings.key, settings.thresholds.drift) == ({"x": "Integral"}, "k", 0.3)


@given(ours=numbers, theirs=numbers)
def test_distance_of_numbers_is_the_kolmogorov_smirnov_statistic(
    monitor: SimpleNamespace, ours: list[float], theirs: list[float]
) -> None:
    expected = ks_2samp(ours, theirs, method="asymp").statistic
    assert distance(monitor, ours, theirs) == pytest.approx(expected, abs=1e-12)


def test_sketch_of_many_values_is_exact_to_a_thousandth(monitor: SimpleNamespace) -> None:
    random = np.random.default_rng(0)
    ours, theirs = random.normal(0, 1, 70_001), random.normal(0.3, 1.2, 31_234)
    assert distance(monitor, ours, theirs) == pytest.approx(ks_2samp(ours, theirs).statistic, abs=1.5e-3)
    levels = described(monitor, ours)["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"]
    assert sum(len(level) * 2**height for height, level in enumerate(levels)) == len(ours)
    assert sum(map(len, levels)) < 2100


@pytest.mark.parametrize("size", [2048, 2049, 4100, 70_001, 131_071])
def test_no_rank_of_the_sketch_is_off_by_more_than_it_says(monitor: SimpleNamespace, size: int) -> None:
    ordered = np.arange(size, dtype=np.float64)
    ranks = monitor.sketch.cumulative(monitor.sketch.compact(ordered), ordered)
    assert np.abs(ranks - (ordered + 1) / size).max() < 0.0007


@given(values=st.one_of(numbers, words), seed=st.randoms(use_true_random=False))
def test_order_of_the_rows_makes_no_difference(monitor: SimpleNamespace, values: list[Any], seed: Any) -> None:
    shuffled = list(values)
    seed.shuffle(shuffled)
    assert described(monitor, shuffled) == described(monitor, values)
    assert distance(monitor, values, shuffled) == 0


@given(ours=words, theirs=words)
def test_distance_is_symmetric_and_between_zero_and_one(
    monitor: SimpleNamespace, ours: list[str], theirs: list[str]
) -> None:
    assert distance(monitor, ours, theirs) == distance(monitor, theirs, ours)
    assert 0 <= distance(monitor, ours, theirs) <= 1
    shares = [abs(ours.count(word) / len(ours) - theirs.count(word) / len(theirs)) for word in "abcd"]
    assert distance(monitor, ours, theirs) == pytest.approx(max(shares))


@given(values=numbers, shift=st.floats(0, 100), more=st.floats(0, 100))
def test_a_larger_shift_is_never_a_smaller_drift(
    monitor: SimpleNamespace, values: list[float], shift: float, more: float
) -> None:
    near = [value + shift for value in values]
    far = [value + shift + more for value in values]
    assert distance(monitor, values, near) <= distance(monitor, values, far) + 1e-12


@given(values=numbers)
def test_disjoint_samples_are_as_far_apart_as_can_be(monitor: SimpleNamespace, values: list[float]) -> None:
    assert distance(monitor, values, [value + 3e6 for value in values]) == 1


@pytest.mark.parametrize("size", [50, 500, 5000])
def test_two_samples_of_one_population_do_not_drift(monitor: SimpleNamespace, size: int) -> None:
    random = np.random.default_rng(size)
    for _ in range(10):
        assert distance(monitor, random.normal(size=size), random.normal(size=size), "Robust") < 0.02


@given(values=st.lists(st.one_of(st.none(), st.floats(-1e3, 1e3)), min_size=1))
def test_counts_and_buckets_add_up(monitor: SimpleNamespace, values: list[float | None]) -> None:
    feature = monitor.describe.feature(monitor.describe.from_values("x", "Fractional", values))
    common = monitor.describe.common(feature)
    assert common["num_present"] + common["num_missing"] == len(values)
    assume(common["num_present"])
    statistics = feature["numerical_statistics"]
    buckets = statistics["distribution"]["kll"]["buckets"]
    assert sum(bucket["count"] for bucket in buckets) == common["num_present"]
    assert statistics["min"] <= statistics["mean"] + 1e-9
    assert statistics["mean"] <= statistics["max"] + 1e-9


def test_a_feature_without_values_is_unknown_and_has_no_distance(monitor: SimpleNamespace) -> None:
    empty = monitor.describe.feature(monitor.describe.from_texts("x", "Fractional", ["", ""]))
    assert empty["inferred_type"] == "Unknown"
    assert monitor.drift.distance(described(monitor, [1.0]), empty) is None


def test_values_of_another_type_are_counted_apart(monitor: SimpleNamespace) -> None:
    column = monitor.describe.from_texts("x", "Integral", ["1", "2.0", "2.5", "two", "inf", ""])
    assert (list(column.present), column.mismatched, column.rows) == ([1.0, 2.0], 3, 6)


SPELT = {True: ("true", "True", "1", "1.0"), False: ("false", "FALSE", "0", "0.0")}
flags = st.lists(st.booleans(), min_size=1, max_size=40)


@given(values=flags, spelt=st.data())
def test_a_boolean_is_the_same_however_it_is_spelt(monitor: SimpleNamespace, values: list[bool], spelt: Any) -> None:
    describe = monitor.describe
    texts = [spelt.draw(st.sampled_from(SPELT[value])) for value in values]
    learnt = describe.feature(describe.from_values("x", "Boolean", values))
    assert learnt == describe.feature(describe.from_texts("x", "Boolean", texts))
    assert learnt == describe.feature(describe.from_values("x", "Boolean", [float(value) for value in values]))
    assert learnt["inferred_type"] == "String"


@given(values=st.lists(st.one_of(st.none(), st.integers(-(2**53), 2**53), st.floats(-1e100, 1e100)), max_size=40))
def test_values_and_the_texts_of_them_are_the_same(monitor: SimpleNamespace, values: list[float | None]) -> None:
    describe = monitor.describe
    for kind, given_values in (("Fractional", values), ("Integral", [v and int(v) for v in values])):
        texts = ["" if value is None else str(value) for value in given_values]
        learnt = describe.feature(describe.from_values("x", kind, given_values))
        assert learnt == describe.feature(describe.from_texts("x", kind, texts))


labelled = st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=2, max_size=80)


@given(rows=labelled)
def test_quality_agrees_with_scipy_and_is_empty_for_one_class(
    monitor: SimpleNamespace, rows: list[tuple[bool, int]]
) -> None:
    labels, scores = np.array([row[0] for row in rows]).astype(int), np.array([row[1] for row in rows]) / 10
    metrics = monitor.quality.metrics(labels, scores)
    ones, zeros = scores[labels == 1], scores[labels == 0]
    if not len(ones) or not len(zeros):
        assert metrics == {}
        return
    wins = mannwhitneyu(ones, zeros, method="asymptotic").statistic / (len(ones) * len(zeros))
    assert metrics["auc"]["value"] == pytest.approx(wins)
    assert metrics["recall"]["value"] + metrics["false_negative_rate"]["value"] == pytest.approx(1)
    matrix = metrics["confusion_matrix"]
    assert sum(count for row in matrix.values() for count in row.values()) == len(rows)


def test_quality_below_the_limit_is_a_violation_with_the_metrics_name(monitor: SimpleNamespace) -> None:
    limits = monitor.constraints.apply({"features": []}, {"features": []}, monitor.settings.Thresholds(auc=0.8))
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4])
    (found,) = monitor.quality.evaluate(limits, monitor.quality.metrics(labels, scores))
    assert found["constraint_check_type"] == "LessThanThreshold"
    assert found["metric_name"] == found["feature_name"] == "auc"
    assert "0.7500" in found["description"]
    assert monitor.quality.evaluate(limits, {}) == []


@pytest.mark.parametrize(
    ("column", "check"),
    [
        (("x", "Integral", ["1", "b", "3"]), "data_type_check"),
        (("x", "Integral", ["1", "", ""]), "completeness_check"),
        (("y", "String", ["a", "new", "new"]), "categorical_values_check"),
        (("b", "Boolean", ["true", "yes"]), "data_type_check"),
        (("z", "String", ["a"]), "extra_column_check"),
    ],
)
def test_each_check_finds_its_violation(monitor: SimpleNamespace, column: tuple[Any, ...], check: str) -> None:
    describe = monitor.describe
    base = [describe.from_values("x", "Integral", [1, 2, 3, 4]), describe.from_values("y", "String", ["a", "b"])]
    base.append(describe.from_values("b", "Boolean", [True, False, None, True]))
    limits = monitor.constraints.suggest(describe.statistics(base, 4), monitor.settings.Thresholds())
    current = {"x": describe.from_texts("x", "Integral", ["1", "2"]), "y": describe.from_texts("y", "String", ["a"])}
    current["b"] = describe.from_texts("b", "Boolean", ["true", "1"])
    clean = describe.statistics(current.values(), 2)
    assert monitor.constraints.evaluate(limits, clean, {"x": 0.1}) == []
    current[column[0]] = describe.from_texts(*column)
    found = monitor.constraints.evaluate(limits, describe.statistics(current.values(), 3), {})
    assert [(entry["feature_name"], entry["constraint_check_type"]) for entry in found] == [(column[0], check)]


def test_drift_and_missing_columns_are_violations_and_no_rows_are_none(monitor: SimpleNamespace) -> None:
    base = monitor.describe.statistics([monitor.describe.from_values("x", "Integral", [1])], 1)
    limits = monitor.constraints.suggest(base, monitor.settings.Thresholds(drift=0.2))
    (found,) = monitor.constraints.evaluate(limits, base, {"x": 0.3})
    assert found["description"] == "Baseline drift distance: 0.3000 exceeds threshold: 0.2"
    (found,) = monitor.constraints.evaluate(limits, monitor.describe.statistics([], 1), {})
    assert found["constraint_check_type"] == "missing_column_check"
    assert monitor.constraints.evaluate(limits, monitor.describe.statistics([], 0), {}) == []
