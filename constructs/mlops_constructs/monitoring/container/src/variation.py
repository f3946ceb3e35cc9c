"""How far windows of the training data lie from the whole of it: what a feature moves by itself.

A month of weather is no sample of a half-year of weather, so a threshold for all features calls every month drift. The
training data itself says what is usual: it is cut into windows as long as those the monitor looks at, counted back
from the newest row, and the farthest of them sets the feature's own threshold. A window of the training data would
pass, one unlike all of them does not.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import describe
import drift
from settings import InputError, Settings

FEWEST_WINDOWS = 2
"""One window says nothing about how windows differ."""


def learn(rows: pa.Table, statistics: describe.Statistics, settings: Settings) -> int:
    """Notes in a baseline's statistics how far each feature moves by itself, so that thresholds can change later.

    A feature with a value in the whole and in a window gets `variation`: its largest distance, 0 to 1, and of how many
    windows. Rows that span fewer than two windows teach nothing.

    Args:
        rows: Training data with the features and the column `settings.event_time`.
        statistics: What `describe.statistics` says of them.
        settings: Features, name of the time column, length of a window in days.

    Returns:
        The number of windows.

    Raises:
        InputError: The time column is missing or holds no time.
    """
    windows = _windows(rows, settings)
    if len(windows) < FEWEST_WINDOWS:
        return len(windows)
    whole = {feature["name"]: feature for feature in statistics["features"]}
    farthest: dict[str, float] = {}
    for window in windows:
        for column in describe.columns(window, settings.features):
            distance = drift.distance(whole[column.name], describe.feature(column))
            if distance is not None:
                farthest[column.name] = max(distance, farthest.get(column.name, 0.0))
    for name, distance in farthest.items():
        noted = {"distance": distance, "windows": len(windows), "window_days": settings.window_days}
        whole[name]["variation"] = noted
    return len(windows)


def _windows(rows: pa.Table, settings: Settings) -> list[pa.Table]:
    """Cuts the rows into whole windows (end - days, end], the newest first; empty ones are left out."""
    times = _times(rows, settings.event_time)
    bounds = pc.min_max(times).as_py()
    oldest, end, length = bounds["min"], bounds["max"], timedelta(days=settings.window_days)
    found = []
    while end - length >= oldest:
        inside = rows.filter(pc.and_(pc.greater(times, end - length), pc.less_equal(times, end)))
        found += [inside] if inside.num_rows else []
        end -= length
    return found


def _times(rows: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in rows.column_names or not pa.types.is_timestamp(rows[name].type):
        raise InputError(f"the training data needs the column {name!r} with the time of each row: write it too")
    times = rows[name]
    if times.null_count == len(times):
        raise InputError(f"column {name!r} of the training data holds no time: give each row the time it speaks of")
    return times


def own_thresholds(statistics: Mapping[str, Any], general: float) -> Mapping[str, float]:
    """Returns the threshold of every feature that moves by itself farther than the general threshold allows.

    Args:
        statistics: A baseline's, after `learn`.
        general: The threshold of all features.
    """
    learnt = {feature["name"]: feature.get("variation", {}).get("distance") for feature in statistics["features"]}
    return {name: distance for name, distance in learnt.items() if distance is not None and distance > general}
