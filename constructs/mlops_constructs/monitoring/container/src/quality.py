"""Quality of the scores whose labels have arrived, in Model Monitor's schema for binary classification.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from constraints import Violation, violation

Array = NDArray[Any]
Metrics = dict[str, Any]
CUT = 0.5
"""Score from which a record counts as predicted positive."""


def metrics(labels: Array, scores: Array) -> Metrics:
    """Computes `binary_classification_metrics`; a metric that is undefined for these rows is left out.

    Args:
        labels: Shape (n,), 0 or 1.
        scores: Shape (n,), 0 to 1.

    Returns:
        Per metric its value and standard deviation ("NaN" where none is known, as Model Monitor writes it); empty
        when there is no row or only one class.
    """
    positives, negatives = int((labels == 1).sum()), int((labels == 0).sum())
    if not positives or not negatives:
        return {}
    predicted = scores >= CUT
    hits, false_alarms = int((predicted & (labels == 1)).sum()), int((predicted & (labels == 0)).sum())
    misses, rejections = positives - hits, negatives - false_alarms
    result: Metrics = {"confusion_matrix": {"0": {"0": rejections, "1": false_alarms}, "1": {"0": misses, "1": hits}}}
    result["recall"] = result["true_positive_rate"] = _share(hits, positives)
    result["accuracy"] = _share(hits + rejections, positives + negatives)
    result["true_negative_rate"] = _share(rejections, negatives)
    result["false_positive_rate"] = _share(false_alarms, negatives)
    result["false_negative_rate"] = _share(misses, positives)
    if hits + false_alarms:
        result["precision"] = _share(hits, hits + false_alarms)
    for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0)):
        weight = (1 + beta**2) * hits
        result[name] = _metric(weight / (weight + beta**2 * misses + false_alarms))
    area = auc(labels, scores)
    losses = -np.log(np.clip(np.where(labels == 1, scores, 1 - scores), 1e-7, 1))
    result["auc"] = _metric(area, _auc_deviation(area, positives, negatives))
    result["log_loss"] = _metric(float(losses.mean()), float(losses.std() / np.sqrt(len(losses))))
    return result


def auc(labels: Array, scores: Array) -> float:
    """Area under the ROC curve by the Mann-Whitney statistic, ties counted half; both classes must be present."""
    positives = int((labels == 1).sum())
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    wins = ranks[labels == 1].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * (len(labels) - positives)))


def _auc_deviation(area: float, positives: int, negatives: int) -> float:
    """Standard error of the area after Hanley and McNeil (Radiology 143, 1982)."""
    both_positive, both_negative = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positives - 1) * (both_positive - area**2)
    variance += (negatives - 1) * (both_negative - area**2)
    return float(np.sqrt(max(0.0, variance) / (positives * negatives)))


def _share(part: int, whole: int) -> Metrics:
    share = part / whole
    return _metric(share, float(np.sqrt(share * (1 - share) / whole)))


def _metric(value: float, deviation: float | None = None) -> Metrics:
    return {"value": value, "standard_deviation": "NaN" if deviation is None else deviation}


def evaluate(constraints: Mapping[str, Any], measured: Metrics) -> list[Violation]:
    """Compares metrics with `binary_classification_constraints`; without labels nothing is violated."""
    found = []
    for name, limit in constraints.get("binary_classification_constraints", {}).items():
        if name in measured and measured[name]["value"] < limit["threshold"]:
            value, deviation = measured[name]["value"], measured[name]["standard_deviation"]
            operator = limit["comparison_operator"]
            text = f"Metric {name} with {value:.4f} +/- {float(deviation):.4f} was {operator} '{limit['threshold']}'"
            found.append(violation(name, operator, text, metric_name=name))
    return found
