"""The workload's own rules: metrics, hyperparameters, and the files that must agree with each other."""

import importlib
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

ROOT = Path(__file__).parents[2]
WORKLOAD = ROOT / "workloads" / "flight-delays"
MONITOR = ROOT / "constructs" / "mlops_constructs" / "monitoring" / "container"
MODULES = ("schema", "job", "metrics", "model", "features", "train", "serve")


@pytest.fixture(scope="module")
def scripts() -> Iterator[SimpleNamespace]:
    """The scripts as modules; they import each other by bare name, as in the container."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(WORKLOAD / "src"))
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
        for name in MODULES:
            del sys.modules[name]


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((WORKLOAD / "workload.yaml").read_text())
    return loaded


scores_of_two_classes = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


@given(rows=scores_of_two_classes)
def test_auc_equals_the_mann_whitney_statistic_of_scipy(scripts: SimpleNamespace, rows: list[tuple[bool, int]]) -> None:
    labels, scores = np.array([row[0] for row in rows]).astype(int), np.array([row[1] for row in rows]) / 8
    ones, zeros = scores[labels == 1], scores[labels == 0]
    expected = mannwhitneyu(ones, zeros).statistic / (len(ones) * len(zeros))
    assert scripts.metrics.auc(labels, scores) == pytest.approx(expected)


def test_auc_of_one_class_is_an_error_not_a_number(scripts: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="both classes"):
        scripts.metrics.auc(np.ones(3), np.ones(3))


def test_log_loss_of_a_certain_mistake_is_large_but_finite(scripts: SimpleNamespace) -> None:
    assert 10 < scripts.metrics.log_loss(np.array([1]), np.array([0.0])) < 20
    assert scripts.metrics.log_loss(np.array([1, 0]), np.array([0.5, 0.5])) == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("given_values", "line"),
    [
        ({"depth": "6"}, "unknown hyperparameter 'depth'"),
        ({"eta": "fast"}, "hyperparameter eta must be float, got 'fast'"),
        ({"eta": "0"}, "hyperparameter eta must lie between 0.0001 and 1, got 0.0"),
        ({"subsample": "nan"}, "hyperparameter subsample must lie between"),
        ({"num_round": "1.5"}, "hyperparameter num_round must be int"),
    ],
)
def test_wrong_hyperparameter_is_named(scripts: SimpleNamespace, given_values: dict[str, str], line: str) -> None:
    with pytest.raises(scripts.job.InputError, match=re.escape(line)):
        scripts.train.Hyperparameters.parse(given_values)


def test_training_failure_is_one_line_where_sagemaker_looks(
    scripts: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPT_ML", str(tmp_path))
    (tmp_path / "input" / "config").mkdir(parents=True)
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text('{"max_depth": "deep"}')
    with pytest.raises(SystemExit, match="1"):
        scripts.job.run(scripts.train.main)
    assert (tmp_path / "output" / "failure").read_text() == "hyperparameter max_depth must be int, got 'deep'"


def test_server_without_a_model_opens_no_port(
    scripts: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPT_ML", str(tmp_path))
    with pytest.raises(SystemExit, match="1"):
        scripts.job.run(scripts.serve.main)
    assert "metadata.json" in (tmp_path / "output" / "failure").read_text()


def test_too_short_a_history_names_what_to_land(scripts: SimpleNamespace) -> None:
    days = [datetime(2013, 1, day) for day in range(1, 11)]
    rows = pa.table({"event_time": pa.array(days, pa.timestamp("us")), "late": pa.array([0, 1] * 5, pa.int8())})
    with pytest.raises(scripts.job.InputError, match="land more than 14 days of labelled flights before 2013-01-10"):
        scripts.features.split(rows, train_days=90, holdout_days=14)
    train, holdout = scripts.features.split(rows, train_days=4, holdout_days=3)
    assert train["event_time"].to_pylist() == days[3:7]
    assert holdout["event_time"].to_pylist() == days[7:]


def test_workload_file_and_scripts_agree(scripts: SimpleNamespace, config: dict[str, Any]) -> None:
    names = [column["name"] for column in config["sources"]["flights"]["columns"]]
    assert names == [scripts.schema.KEY, scripts.schema.EVENT_TIME, *scripts.schema.FEATURES]
    assert config["label"]["column"] == scripts.schema.LABEL
    given_values = {name: str(value) for name, value in config["training"]["hyperparameters"].items()}
    assert scripts.train.Hyperparameters.parse(given_values) == scripts.train.Hyperparameters()
    assert scripts.serve.parse(config["smoke_payload"].encode())[0] == ["smoke-1"]


def test_images_pin_what_the_tests_run_with() -> None:
    developed = dict(pins(ROOT / "requirements-dev.txt"))
    for folder in (WORKLOAD, MONITOR):
        for package, version in pins(folder / "requirements.txt"):
            assert developed.get(package) == version, f"{folder.name} pins {package}=={version}"


def pins(path: Path) -> list[tuple[str, str]]:
    return re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize(
    "folder",
    ["workloads/flight-delays", "constructs/mlops_constructs/monitoring/container"],
    ids=["workload", "monitor"],
)
def test_image_runs_as_root_as_sagemaker_asks(folder: str) -> None:
    keywords = {line.split()[0] for line in (ROOT / folder / "Dockerfile").read_text().splitlines() if line}
    assert "ENTRYPOINT" in keywords
    assert "USER" not in keywords
