"""The figures of the result: quality, means, and that result.json follows from predictions.parquet."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_local.demo.check import main as check
from mlops_local.demo.metrics import RecomputeError, mean, quality, recompute, served_quality
from mlops_local.demo.result import Quality, Result
from tests.unit.test_demo_report import sample


def test_quality_of_a_worked_example() -> None:
    # Pairs (late, on time): 0.9>0.2, 0.9>0.6, 0.4>0.2, 0.4<0.6: three of four are in order.
    found = quality([1, 0, 0, 1], [0.9, 0.2, 0.6, 0.4])
    assert found.auc == pytest.approx(0.75)
    assert found.log_loss == pytest.approx(-(math.log(0.9) + math.log(0.8) + math.log(0.4) + math.log(0.4)) / 4)


def test_equal_scores_are_chance() -> None:
    assert quality([0, 1, 1], [0.3, 0.3, 0.3]).auc == pytest.approx(0.5)


def test_one_class_has_no_auc() -> None:
    with pytest.raises(ValueError, match="both classes"):
        quality([1, 1], [0.1, 0.2])


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0.001, 0.999)), min_size=2, max_size=60))
def test_turning_every_score_round_mirrors_the_auc(rows: list[tuple[int, float]]) -> None:
    labels = [0, 1, *(label for label, _ in rows)]
    scores = [0.5, 0.5, *(score for _, score in rows)]
    turned = quality(labels, [-score for score in scores]).auc
    assert quality(labels, scores).auc == pytest.approx(1 - turned)


def test_mean_counts_every_month_the_same() -> None:
    found = mean([Quality(auc=0.6, log_loss=0.4, rows=10), Quality(auc=0.8, log_loss=0.6, rows=1000)])
    assert (found.auc, found.log_loss, found.rows) == (pytest.approx(0.7), pytest.approx(0.5), 1010)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A result of two months that follows from its predictions, one of which has no label yet."""
    predictions = pd.DataFrame(
        {
            "flight_id": [f"f{number}" for number in range(9)],
            "month": ["2013-04"] * 5 + ["2013-05"] * 4,
            "model_package_version": [1] * 9,
            "score": [0.9, 0.2, 0.6, 0.4, 0.7, 0.1, 0.9, 0.3, 0.8],
            "label": pd.array([1, 0, 0, 1, None, 0, 1, 1, 0], dtype="Int64"),
        }
    )
    served = served_quality(predictions)
    result = sample()
    months = [
        month.model_copy(update={"platform": served[month.month]}) for month in result.months if month.month in served
    ]
    means = result.means.model_copy(update={"platform": mean(served.values())})
    _write(tmp_path, result.model_copy(update={"months": months, "means": means}))
    predictions.to_parquet(tmp_path / "predictions.parquet", index=False)
    return tmp_path


def _write(folder: Path, result: Result) -> None:
    (folder / "result.json").write_text(result.model_dump_json())


def test_result_follows_from_predictions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    served = recompute(folder / "predictions.parquet", folder / "result.json")
    assert served["2013-04"].rows == 4
    assert check(folder) == 0
    assert "result.json says the same" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["month", "mean", "missing"])
def test_a_figure_that_does_not_follow_is_found(folder: Path, change: str) -> None:
    result = Result.model_validate_json((folder / "result.json").read_text())
    better = Quality(auc=0.99, log_loss=0.1, rows=4)
    if change == "month":
        months = [result.months[0].model_copy(update={"platform": better}), *result.months[1:]]
        _write(folder, result.model_copy(update={"months": months}))
    elif change == "mean":
        _write(folder, result.model_copy(update={"means": result.means.model_copy(update={"platform": better})}))
    else:
        _write(folder, result.model_copy(update={"months": result.months[:1]}))
    with pytest.raises(RecomputeError):
        recompute(folder / "predictions.parquet", folder / "result.json")
    assert check(folder) == 1


def test_a_folder_of_no_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path / "nowhere") == 1
    (tmp_path / "result.json").write_text("{}")
    assert check(tmp_path) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"error: {tmp_path / 'nowhere'} lacks predictions.parquet and result.json: run `make demo`, or name its folder",
        f"error: {tmp_path} lacks predictions.parquet: run `make demo`, or name its folder",
    ]
