"""What a monitor looks for: features, label and thresholds, as the environment of the monitor's container."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlops_constructs.training.jobs import environment_pieces

CONFIG_VARIABLE = "MONITOR_CONFIG"
TYPES = ("int", "bigint", "float", "double", "string", "boolean")
"""Types of features that the monitor's container compares. Times only grow: each window would have drifted."""
THRESHOLDS = ("drift", "auc", "missing")


@dataclass(frozen=True, kw_only=True)
class MonitorSpec:
    """Features, label and thresholds of a workload.

    Args:
        features: (name, type) pairs in the order in which the endpoint takes them; a type is one of `TYPES`.
        key: Column that identifies a record; joins predictions with labels.
        label: Column with the truth.
        thresholds: `drift` (distance to the baseline), the metric's least value by its name (`auc`), `missing`
            (allowed fall of completeness), each a fraction 0 to 1. What is absent takes the container's default: 0.1
            for `drift`, 0.05 for `missing`, without `auc` quality is measured and not judged.
        event_time: Column of labels and training data with the time of a record.
        window_days: Length in days of the window that a scheduled run looks at. Windows as long are cut out of the
            training data: a feature whose windows lie farther from the whole than `drift` allows gets that distance as
            its own threshold. 28 by default, four whole weeks.

    Raises:
        ValueError: There is no feature, one is named twice or of another type, a threshold has another name or is no
            fraction, or the window is shorter than a day.
    """

    features: Sequence[tuple[str, str]]
    key: str
    label: str
    thresholds: Mapping[str, float]
    event_time: str = "event_time"
    window_days: int = 28

    def __post_init__(self) -> None:
        names = [name for name, _ in self.features]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"features must be one or more distinct columns, got {names}")
        for name, type_ in self.features:
            if type_ not in TYPES:
                raise ValueError(
                    f"type of feature {name} must be one of {', '.join(TYPES)}, got {type_!r}: give the model a number "
                    "or a category made of it, or leave it out"
                )
        for name, limit in self.thresholds.items():
            if name not in THRESHOLDS:
                raise ValueError(f"a threshold must be one of {', '.join(THRESHOLDS)}, got {name!r}")
            if not 0 <= limit <= 1:
                raise ValueError(f"threshold {name} must be 0 to 1, got {limit}")
        if self.window_days < 1:
            raise ValueError(f"window_days must be at least 1, got {self.window_days}")

    @property
    def environment(self) -> dict[str, str]:
        """`MONITOR_CONFIG` in pieces of 256 characters, the most SageMaker takes for one variable."""
        config = {
            "features": [{"name": name, "type": type_} for name, type_ in self.features],
            "key": self.key,
            "label": self.label,
            "event_time": self.event_time,
            "window_days": self.window_days,
            "thresholds": dict(self.thresholds),
        }
        return environment_pieces(CONFIG_VARIABLE, json.dumps(config, separators=(",", ":"), sort_keys=True))
