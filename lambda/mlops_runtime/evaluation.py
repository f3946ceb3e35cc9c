"""Reading evaluations in SageMaker's ModelMetrics layout: `{"<kind>_metrics": {name: {"value": x}}, "rows": n}`."""

from __future__ import annotations

import math

from mlops_runtime.errors import ConfigurationError, PlatformError

MAXIMISED = frozenset({"auc", "accuracy", "balanced_accuracy", "f1", "precision", "recall", "average_precision", "r2"})
MINIMISED = frozenset({"log_loss", "brier", "rmse", "mse", "mae", "mape"})


def is_maximised(metric: str) -> bool:
    """Whether a higher value of `metric` is the better one.

    Raises:
        ConfigurationError: The direction of the metric is not known.
    """
    if metric in MAXIMISED:
        return True
    if metric in MINIMISED:
        return False
    known = ", ".join(sorted(MAXIMISED | MINIMISED))
    raise ConfigurationError(f"METRIC: {metric!r} has no known direction; known metrics: {known}")


def metrics_of(document: object, where: str, error: type[PlatformError]) -> dict[str, float]:
    """All metric values of all `*_metrics` groups, by metric name.

    Raises:
        PlatformError: Of the given class, when the layout is another or a value is not a finite number.
    """
    if not isinstance(document, dict):
        raise error(f"{where}: expected a JSON object, got {type(document).__name__}")
    values: dict[str, float] = {}
    for group, content in document.items():
        if not str(group).endswith("_metrics"):
            continue
        if not isinstance(content, dict):
            raise error(f"{where}: {group} must be an object of metrics, got {type(content).__name__}")
        for name, metric in content.items():
            value = metric.get("value") if isinstance(metric, dict) else None
            # Curves and confusion matrices have no single value; they are for people, not for the policy.
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if not math.isfinite(value):
                raise error(f"{where}: {name} must be finite, got {value}")
            values[str(name)] = float(value)
    return values


def rows_of(document: object, field: str, where: str, error: type[PlatformError]) -> int:
    """A row count of a document.

    Raises:
        PlatformError: Of the given class, when it is missing or not a count.
    """
    value = document.get(field) if isinstance(document, dict) else None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise error(f"{where}: {field} must be a count of rows, got {value!r}")
    return value
