"""Metrics that can decide which model is better, and what their values can be."""

from __future__ import annotations

import math
from collections.abc import Mapping

_SHARE, _ERROR = (0.0, 1.0), (0.0, math.inf)

RANGES: Mapping[str, tuple[float, float]] = {
    "auc": _SHARE,
    "accuracy": _SHARE,
    "balanced_accuracy": _SHARE,
    "f1": _SHARE,
    "precision": _SHARE,
    "recall": _SHARE,
    "average_precision": _SHARE,
    "r2": (-math.inf, 1.0),
    "log_loss": _ERROR,
    "brier": _SHARE,
    "rmse": _ERROR,
    "mse": _ERROR,
    "mae": _ERROR,
    "mape": _ERROR,
}
"""Least and greatest value by name. `mlops_runtime.evaluation` knows of each whether higher or lower is better."""


def check_value(field: str, metric: str, value: float) -> None:
    """Check that a metric can have a value.

    Args:
        field: What the value is for, for the message.
        metric: One of `RANGES`.
        value: In units of the metric.

    Raises:
        ValueError: It cannot.
    """
    least, greatest = RANGES[metric]
    if math.isfinite(value) and least <= value <= greatest:
        return
    bounds = [
        f"{word} {bound:g}" for word, bound in (("at least", least), ("at most", greatest)) if abs(bound) < math.inf
    ]
    raise ValueError(f"{field} of {metric} must be {' and '.join(bounds)}, got {value}")
