"""How far a feature has moved from its baseline, by the distances of Model Monitor.

Numbers: the largest absolute difference between the two cumulative distribution functions (`linf_simple`, the
two-sample Kolmogorov-Smirnov statistic). Categories: the largest absolute difference between the shares of a value.
`Robust` takes off what chance alone explains in samples of n and m values, 1.8 * sqrt((n + m) / (n * m)), as does
Deequ, the library that Model Monitor is built on.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-constraints.html
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

import sketch
from describe import common

Method = Literal["Simple", "Robust"]
Described = Mapping[str, Any]
CHANCE = 1.8


def distance(baseline: Described, current: Described, method: Method = "Robust") -> float | None:
    """Compares two entries of `features` of `statistics.json`.

    Returns:
        0 (alike) to 1 (disjoint), or None when one side has no value to compare.
    """
    n, m = (common(side)["num_present"] for side in (baseline, current))
    if not n or not m:
        return None
    simple = _of_numbers(baseline, current) if "numerical_statistics" in baseline else _of_strings(baseline, current)
    if method == "Simple":
        return simple
    return float(max(0.0, simple - CHANCE * np.sqrt((n + m) / (n * m))))


def _of_numbers(baseline: Described, current: Described) -> float:
    levels = [side["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"] for side in (baseline, current)]
    points = np.concatenate([sketch.weighted(side)[0] for side in levels])
    ours, theirs = (sketch.cumulative(side, points) for side in levels)
    return float(np.abs(ours - theirs).max())


def _of_strings(baseline: Described, current: Described) -> float:
    ours, theirs = (_shares(side) for side in (baseline, current))
    return max(abs(ours.get(value, 0.0) - theirs.get(value, 0.0)) for value in ours.keys() | theirs.keys())


def _shares(described: Described) -> dict[str, float]:
    buckets = described["string_statistics"]["distribution"]["categorical"]["buckets"]
    total = sum(bucket["count"] for bucket in buckets)
    return {bucket["value"]: bucket["count"] / total for bucket in buckets}
