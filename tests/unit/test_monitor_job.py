"""The monitor as SageMaker starts it, and its files held against Model Monitor's documented schemas."""

import base64
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel, ConfigDict

MONITOR = Path(__file__).parents[2] / "constructs" / "mlops_constructs" / "monitoring" / "container" / "src"
CONFIG = {
    "features": [
        {"name": "size", "type": "double"},
        {"name": "count", "type": "int"},
        {"name": "kind", "type": "string"},
    ],
    "label": "late",
    "key": "flight_id",
    "thresholds": {"drift": 0.2, "auc": 0.9, "missing": None},
    "window_days": 40,
}
WINDOW = {"WINDOW_START": "2026-05-01T00:00:00Z", "WINDOW_END": "2026-06-01T00:00:00Z"}


class Strict(BaseModel):
    """A documented object: every key known, every type exact."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Common(Strict):
    num_present: int
    num_missing: int


class Bucket(Strict):
    lower_bound: float
    upper_bound: float
    count: int


class Sketch(Strict):
    parameters: dict[Literal["c", "k"], float]
    data: list[list[float]]


class Kll(Strict):
    buckets: list[Bucket]
    sketch: Sketch


class NumericalDistribution(Strict):
    kll: Kll


class Numerical(Strict):
    common: Common
    mean: float
    sum: float
    std_dev: float
    min: float
    max: float
    distribution: NumericalDistribution


class Category(Strict):
    value: str
    count: int


class StringStatistics(Strict):
    common: Common
    distinct_count: int
    distribution: dict[Literal["categorical"], dict[Literal["buckets"], list[Category]]]


class Drift(Strict):
    """Ours: the schema leaves room for further statistics of a feature."""

    distance: float
    threshold: float
    method: Literal["Simple", "Robust"]


class Variation(Strict):
    """Ours too: what the feature moves by itself."""

    distance: float
    windows: int
    window_days: int
    fewest_days: int


class FeatureStatistics(Strict):
    name: str
    inferred_type: Literal["Fractional", "Integral", "String", "Unknown"]
    numerical_statistics: Numerical | None = None
    string_statistics: StringStatistics | None = None
    drift: Drift | None = None
    variation: Variation | None = None
    num_mismatched: int | None = None


class Statistics(Strict):
    version: Literal[0]
    dataset: dict[Literal["item_count"], int]
    features: list[FeatureStatistics]


class Overrides(Strict):
    distribution_constraints: dict[
        Literal["comparison_threshold", "categorical_comparison_threshold"],
        float,
    ]


class FeatureConstraints(Strict):
    name: str
    inferred_type: Literal["Fractional", "Integral", "String", "Unknown"]
    completeness: float
    num_constraints: dict[Literal["is_non_negative"], bool] | None = None
    string_constraints: dict[Literal["domains"], list[str]] | None = None
    monitoringConfigOverrides: Overrides | None = None  # noqa: N815 (the documented name)


class Distribution(Strict):
    perform_comparison: Literal["Enabled", "Disabled"]
    comparison_threshold: float
    comparison_method: Literal["Simple", "Robust"]
    categorical_comparison_threshold: float
    categorical_drift_method: Literal["LInfinity", "ChiSquared"]


class MonitoringConfig(Strict):
    evaluate_constraints: Literal["Enabled", "Disabled"]
    emit_metrics: Literal["Enabled", "Disabled"]
    datatype_check_threshold: float
    domain_content_threshold: float
    distribution_constraints: Distribution


class Limit(Strict):
    threshold: float
    comparison_operator: Literal["LessThanThreshold", "GreaterThanThreshold"]


class Constraints(Strict):
    version: Literal[0]
    features: list[FeatureConstraints]
    monitoring_config: MonitoringConfig
    binary_classification_constraints: dict[str, Limit] | None = None


class Violation(Strict):
    feature_name: str
    constraint_check_type: Literal[
        "data_type_check",
        "completeness_check",
        "baseline_drift_check",
        "missing_column_check",
        "extra_column_check",
        "categorical_values_check",
        "LessThanThreshold",
    ]
    description: str
    metric_name: str | None = None


class Violations(Strict):
    violations: list[Violation]


def start(home: Path, command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(MONITOR / "monitor.py"), command],
        env={**os.environ, "OPT_ML": str(home), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def pieces(config: dict[str, Any]) -> dict[str, str]:
    text = json.dumps(config)
    return {f"MONITOR_CONFIG_{at // 100}": text[at : at + 100] for at in range(0, len(text), 100)}


def event(rows: list[tuple[str, str, float]], moment: str, *, encoded: bool = False, **meta: str) -> str:
    """One captured invocation of (record id, features, score) rows."""
    parts = {
        "endpointInput": "".join(f"{key},{features}\n" for key, features, _ in rows),
        "endpointOutput": "".join(
            json.dumps({"record_id": key, "score": score, "model_package_version": "4"}) + "\n"
            for key, _, score in rows
        ),
    }
    data = {
        name: {"data": base64.b64encode(text.encode()).decode(), "encoding": "BASE64"}
        if encoded
        else {"data": text, "encoding": "CSV" if name == "endpointInput" else "JSON"}
        for name, text in parts.items()
    }
    return json.dumps(
        {"captureData": data, "eventMetadata": {"eventId": "e", "inferenceTime": moment, **meta}, "eventVersion": "0"}
    )


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("baseline")
    folder = home / "processing" / "input" / "dataset"
    folder.mkdir(parents=True)
    rows = 500
    columns = {
        "flight_id": [f"t{row}" for row in range(rows)],
        "size": [float(row) if row % 10 else None for row in range(rows)],
        "count": [row % 7 for row in range(rows)],
        "kind": ["ab"[row % 2] for row in range(rows)],
        # A hundred days, in an order that has nothing to do with the sizes: every window is like the whole.
        "event_time": [datetime(2026, 1, 1) + timedelta(hours=4.8 * (row * 7 % rows)) for row in range(rows)],
    }
    pq.write_table(pa.table(columns), folder / "data.parquet")
    done = start(home, "baseline", **pieces(CONFIG))
    assert done.returncode == 0, done.stderr
    assert "61 windows of 40 days; thresholds of their own: none" in done.stdout
    return home / "processing" / "output" / "baseline"


@pytest.fixture(scope="module")
def report(baseline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month of traffic whose sizes have moved up, with everything that goes wrong in one."""
    home = tmp_path_factory.mktemp("run")
    inputs = home / "processing" / "input"
    hour = inputs / "capture" / "flight-delays-local" / "main" / "2026" / "05" / "02" / "10"
    hour.mkdir(parents=True)
    moved = [(f"r{row}", f"{row + 400},{row % 7},{'ab'[row % 2]}", (row % 10) / 10) for row in range(400)]
    lines = [
        event(moved[:200], "2026-05-02T10:00:00Z", inferenceId="replay-1"),
        event(moved[200:], "2026-05-31T23:59:59.5Z", encoded=True),
        event([("late", "1,1,a", 0.5)], "2026-06-01T00:00:00Z"),  # the window's end is exclusive
        event([("early", "1,1,a", 0.5)], "2026-04-30T23:59:59Z"),
        event([("r-smoke", "1,1,a", 0.5)], "2026-05-03T00:00:00Z", inferenceId="smoke-1"),
        event([("smoke-2", "1,1,a", 0.5)], "2026-05-03T00:00:00Z"),
        "",
        '{"captureData": {"endpointInput"',
        event([("x", "1,1,a", 1.5)], "2026-05-03T00:00:00Z"),
        event([("x", "1,1,a", 0.5)], "2026-05-03T00:00:00Z").replace('\\"x\\"', '\\"y\\"'),
        json.dumps({"eventMetadata": {"inferenceTime": "2026-05-03T00:00:00Z"}}),
    ]
    (hour / "a.jsonl").write_text("\n".join(lines))
    labels = inputs / "labels" / "month=2026-05"
    labels.mkdir(parents=True)
    keys = [f"r{row}" for row in range(300)]
    truth = pa.table(
        {"flight_id": keys, "event_time": ["2026-05-02T08:00:00"] * 300, "late": [row % 2 for row in range(300)]}
    )
    pq.write_table(pa.concat_tables([truth, truth[:5]]), labels / "one.parquet")
    contradiction = truth[299:].set_column(2, "late", pa.array([0]))
    pq.write_table(contradiction, labels / "two.parquet")
    (inputs / "labels" / "no-labels.txt").write_text("")
    (inputs / "baseline").symlink_to(baseline)
    done = start(home, "run", MONITOR_CONFIG=json.dumps(CONFIG), **WINDOW)
    assert done.returncode == 0, done.stderr
    return home / "processing" / "output" / "report"


def load(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def test_files_have_model_monitors_schemas(baseline: Path, report: Path) -> None:
    for folder in (baseline, report):
        Statistics.model_validate(load(folder, "statistics.json"))
        Constraints.model_validate(load(folder, "constraints.json"))
    Violations.model_validate(load(report, "constraint_violations.json"))


def test_baseline_describes_the_training_data(baseline: Path) -> None:
    statistics = Statistics.model_validate(load(baseline, "statistics.json"))
    size, _, kind = statistics.features
    assert statistics.dataset["item_count"] == 500
    assert size.numerical_statistics is not None
    assert kind.string_statistics is not None
    assert size.numerical_statistics.common == Common(num_present=450, num_missing=50)
    assert (size.numerical_statistics.min, size.numerical_statistics.max) == (1.0, 499.0)
    constraints = Constraints.model_validate(load(baseline, "constraints.json"))
    assert constraints.features[0].completeness == pytest.approx(0.85)
    assert constraints.features[2].string_constraints == {"domains": ["a", "b"]}


def test_only_the_windows_traffic_is_reported(report: Path) -> None:
    predictions = pq.read_table(report / "predictions.parquet").to_pydict()
    assert sorted(predictions["record_id"]) == sorted(f"r{row}" for row in range(400))
    assert set(predictions["model_package_version"]) == {"4"}
    assert predictions["inference_id"].count("replay-1") == 200


def test_late_labels_are_joined_and_the_others_counted(report: Path) -> None:
    predictions = {row["record_id"]: row for row in pq.read_table(report / "predictions.parquet").to_pylist()}
    assert predictions["r1"]["label"] == 1
    assert predictions["r1"]["event_time"] == datetime(2026, 5, 2, 8)
    assert predictions["r299"]["label"] is None, "its labels contradict each other"
    assert predictions["r399"]["label"] is None, "its label has not arrived"
    quality = load(report, "quality.json")
    assert (quality["rows"], quality["labelled_rows"], quality["unlabelled_rows"]) == (400, 299, 101)
    assert quality["binary_classification_metrics"]["confusion_matrix"]["1"]["1"] > 0


def test_violations_name_what_moved_and_what_was_unreadable(report: Path) -> None:
    found = {
        (entry["feature_name"], entry["constraint_check_type"]): entry["description"]
        for entry in load(report, "constraint_violations.json")["violations"]
    }
    assert set(found) == {
        ("size", "baseline_drift_check"),
        ("auc", "LessThanThreshold"),
        ("_capture", "data_type_check"),
    }
    assert found["_capture", "data_type_check"].startswith("4 of 10 captured lines unreadable, first: a.jsonl:8: ")
    drift = load(report, "quality.json")["drift"]
    assert drift["size"] > 0.5
    assert max(drift["count"], drift["kind"]) < 0.05


def test_predictions_before_the_window_are_judged_by_their_late_labels_alone(baseline: Path, tmp_path: Path) -> None:
    inputs = tmp_path / "processing" / "input"
    (inputs / "capture").mkdir(parents=True)
    (inputs / "labels").mkdir()
    (inputs / "baseline").symlink_to(baseline)
    late = [(f"l{row}", f"{row + 9000},1,c", float(row % 2)) for row in range(20)]
    lines = [
        event([("before", "1,1,a", 0.5)], "2026-04-28T23:59:59Z"),
        event(late, "2026-04-30T10:00:00Z"),
        event([("x", "1,1,a", 1.5)], "2026-04-30T10:00:00Z"),  # unreadable, and its own window has told of it
        event([("r1", "250,1,a", 0.5), ("r2", "100,1,b", 0.5)], "2026-05-02T10:00:00Z"),
    ]
    (inputs / "capture" / "a.jsonl").write_text("\n".join(lines))
    truth = {"flight_id": [key for key, *_ in late], "late": [row % 2 for row in range(20)]}
    pq.write_table(pa.table(truth), inputs / "labels" / "one.parquet")
    environment = {"MONITOR_CONFIG": json.dumps(CONFIG), "LABELLED_FROM": "2026-04-29T00:00:00Z", **WINDOW}
    done = start(tmp_path, "run", **environment)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "processing" / "output" / "report"
    quality = load(folder, "quality.json")
    assert (quality["rows"], quality["labelled_rows"], quality["unlabelled_rows"]) == (2, 20, 2)
    assert quality["binary_classification_metrics"]["auc"]["value"] == 1.0
    assert {feature["name"]: feature for feature in load(folder, "statistics.json")["features"]}["size"][
        "numerical_statistics"
    ]["max"] == 250
    found = {entry["constraint_check_type"] for entry in load(folder, "constraint_violations.json")["violations"]}
    assert "data_type_check" not in found


def test_a_window_with_traffic_on_few_days_shows_its_drift_and_is_not_judged_by_it(
    baseline: Path, tmp_path: Path
) -> None:
    inputs = tmp_path / "processing" / "input"
    (inputs / "capture").mkdir(parents=True)
    (inputs / "baseline").symlink_to(baseline)
    rows = [(f"r{row}", f"{row + 400},{row % 7},{'ab'[row % 2]}", 0.5) for row in range(400)]
    (inputs / "capture" / "a.jsonl").write_text(event(rows, "2026-05-02T10:00:00Z"))
    times = {"WINDOW_START": "2026-04-20T00:00:00Z", "WINDOW_END": "2026-05-30T00:00:00Z"}
    done = start(tmp_path, "run", MONITOR_CONFIG=json.dumps(CONFIG), **times)
    assert done.returncode == 0, done.stderr
    assert "traffic on too few days for drift" in done.stdout
    folder = tmp_path / "processing" / "output" / "report"
    assert load(folder, "quality.json")["drift"]["size"] > 0.5
    assert load(folder, "quality.json")["drift_judged"] is False
    assert load(folder, "constraint_violations.json") == {"violations": []}


def test_quality_is_that_of_the_champion_alone(baseline: Path, tmp_path: Path) -> None:
    inputs = tmp_path / "processing" / "input"
    (inputs / "capture").mkdir(parents=True)
    (inputs / "labels").mkdir()
    (inputs / "baseline").symlink_to(baseline)
    right = [(f"new{row}", "250,1,a", float(row % 2)) for row in range(20)]
    wrong = [(f"old{row}", "250,1,a", float(1 - row % 2)) for row in range(20)]
    former = event(wrong, "2026-05-02T10:00:00Z").replace(
        '\\"model_package_version\\": \\"4', '\\"model_package_version\\": \\"3'
    )
    (inputs / "capture" / "a.jsonl").write_text("\n".join([former, event(right, "2026-05-03T10:00:00Z")]))
    keys = [key for key, *_ in (*right, *wrong)]
    truth = {"flight_id": keys, "late": [int(key[3:]) % 2 for key in keys]}
    pq.write_table(pa.table(truth), inputs / "labels" / "one.parquet")
    done = start(tmp_path, "run", MONITOR_CONFIG=json.dumps(CONFIG), CHAMPION_VERSION="4", **WINDOW)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "processing" / "output" / "report"
    versions = pq.read_table(folder / "predictions.parquet")["model_package_version"].to_pylist()
    assert sorted(set(versions)) == ["3", "4"]
    quality = load(folder, "quality.json")
    assert quality["labelled_rows"] == 40
    assert quality["binary_classification_metrics"]["auc"]["value"] == 1.0


def test_no_traffic_and_no_labels_are_a_clean_report(baseline: Path, tmp_path: Path) -> None:
    inputs = tmp_path / "processing" / "input"
    (inputs / "capture").mkdir(parents=True)
    (inputs / "baseline").symlink_to(baseline)
    done = start(tmp_path, "run", MONITOR_CONFIG=json.dumps(CONFIG), **WINDOW)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "processing" / "output" / "report"
    assert load(folder, "constraint_violations.json") == {"violations": []}
    assert load(folder, "quality.json")["binary_classification_metrics"] == {}
    assert pq.read_table(folder / "predictions.parquet").num_rows == 0


def test_numbers_of_single_precision_are_those_that_clients_write(tmp_path: Path) -> None:
    sizes = [0.1, 0.2, 0.3, 0.7, None]
    config = {**CONFIG, "features": [{"name": "size", "type": "float"}]}
    inputs = tmp_path / "processing" / "input"
    for name in ("dataset", "capture"):
        (inputs / name).mkdir(parents=True)
    times = [datetime(2026, 1, 1) + timedelta(hours=row) for row in range(500)]
    single = pa.array(sizes * 100, pa.float32())
    pq.write_table(pa.table({"size": single, "event_time": times}), inputs / "dataset" / "data.parquet")
    done = start(tmp_path, "baseline", MONITOR_CONFIG=json.dumps(config))
    assert done.returncode == 0, done.stderr
    (inputs / "baseline").symlink_to(tmp_path / "processing" / "output" / "baseline")
    texts = ["" if size is None else str(size) for size in sizes] * 100
    rows = [(f"r{row}", text, 0.5) for row, text in enumerate(texts)]
    (inputs / "capture" / "a.jsonl").write_text(event(rows, "2026-05-02T10:00:00Z"))
    done = start(tmp_path, "run", MONITOR_CONFIG=json.dumps(config), **WINDOW)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "processing" / "output" / "report"
    assert load(folder, "quality.json")["drift"] == {"size": 0.0}
    assert load(folder, "constraint_violations.json") == {"violations": []}


def test_failure_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    done = start(tmp_path, "run", MONITOR_CONFIG=json.dumps(CONFIG))
    assert done.returncode == 1
    assert "statistics.json is missing: check the job's inputs" in (tmp_path / "output" / "message").read_text()
    assert done.stderr.count("\n") == 1


def test_training_data_without_its_time_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "processing" / "input" / "dataset"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"size": [1.0], "count": [1], "kind": ["a"]}), folder / "data.parquet")
    done = start(tmp_path, "baseline", MONITOR_CONFIG=json.dumps(CONFIG))
    assert done.returncode == 1
    assert "needs the column 'event_time' with the time of each row" in done.stderr
    assert done.stderr.count("\n") == 1
