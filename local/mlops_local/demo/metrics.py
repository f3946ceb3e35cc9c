"""Quality of scored flights: area under the ROC curve and log loss, and the means the report compares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import xlogy
from scipy.stats import mannwhitneyu

from mlops_local.demo.result import Means, Quality, Result

TOLERANCE = 1e-9
_EPSILON = 1e-15  # a certain and wrong prediction costs much, not infinitely much


class RecomputeError(AssertionError):
    """result.json does not follow from predictions.parquet."""


def quality(labels: Sequence[int], scores: Sequence[float]) -> Quality:
    """AUC and log loss (natural logarithm, mean per row) of `scores` against 0/1 `labels`, both of shape (n,).

    AUC is the Mann-Whitney U statistic over the number of pairs (Hanley and McNeil 1982); ties count half.

    Raises:
        ValueError: no rows, or only one class: neither figure is defined then.
    """
    truth, predicted = np.asarray(labels, dtype=int), np.asarray(scores, dtype=float)
    late, on_time = predicted[truth == 1], predicted[truth == 0]
    if not len(late) or not len(on_time):
        raise ValueError(f"quality needs rows of both classes, got {len(late)} late and {len(on_time)} on time")
    statistic = mannwhitneyu(late, on_time, method="asymptotic").statistic
    bounded = np.clip(predicted, _EPSILON, 1 - _EPSILON)
    loss = -np.mean(xlogy(truth, bounded) + xlogy(1 - truth, 1 - bounded))
    return Quality(auc=float(statistic / (len(late) * len(on_time))), log_loss=float(loss), rows=len(truth))


def mean(qualities: Iterable[Quality]) -> Quality:
    """Unweighted mean over months (each month counts the same); `rows` is the sum."""
    found = list(qualities)
    return Quality(
        auc=float(np.mean([one.auc for one in found])),
        log_loss=float(np.mean([one.log_loss for one in found])),
        rows=sum(one.rows for one in found),
    )


def served_quality(predictions: pd.DataFrame) -> dict[str, Quality]:
    """Quality per month of what was served; rows without a label yet are left out.

    Args:
        predictions: columns month, score, label (nullable) as in predictions.parquet.
    """
    labelled = predictions.dropna(subset=["label"])
    return {
        str(month): quality(rows["label"].astype(int).tolist(), rows["score"].tolist())
        for month, rows in labelled.groupby("month", sort=True)
    }


def verdict(means: Means) -> str:
    """One plain sentence: did what the platform served beat the frozen model and naive retraining?"""
    frozen, naive, platform = means.frozen.auc, means.naive.auc, means.platform.auc
    figures = (
        f"mean AUC {platform:.3f} against {frozen:.3f} for the model frozen in March "
        f"and {naive:.3f} for retraining blindly every month"
    )
    losses = [name for name, other in (("the frozen model", frozen), ("naive retraining", naive)) if platform <= other]
    if not losses:
        return f"The platform served better predictions than both alternatives: {figures}."
    return f"The platform did not beat {' nor '.join(losses)}: {figures}."


def recompute(predictions_path: Path, result_path: Path) -> dict[str, Quality]:
    """Recompute what the platform served from predictions.parquet alone and compare it with result.json.

    Returns:
        Quality per month, as recomputed.

    Raises:
        RecomputeError: a month is missing or a figure differs by more than 1e-9.
    """
    result = Result.model_validate_json(result_path.read_text())
    served = served_quality(pd.read_parquet(predictions_path))
    reported = {month.month: month.platform for month in result.months}
    if served.keys() != reported.keys():
        raise RecomputeError(f"months differ: predictions have {sorted(served)}, the result has {sorted(reported)}")
    for month, expected in reported.items():
        got = served[month]
        if (
            got.rows != expected.rows
            or abs(got.auc - expected.auc) > TOLERANCE
            or abs(got.log_loss - expected.log_loss) > TOLERANCE
        ):
            raise RecomputeError(f"{month}: predictions.parquet gives {got}, result.json says {expected}")
    means = mean(served.values())
    if abs(means.auc - result.means.platform.auc) > TOLERANCE:
        raise RecomputeError(f"mean AUC: predictions give {means.auc}, result.json says {result.means.platform.auc}")
    return served
