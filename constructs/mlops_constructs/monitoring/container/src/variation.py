"""How far windows of the training data lie from the whole of it: what a feature moves by itself.

A month of weather is no sample of a half-year of weather, so a threshold for all features calls every month drift. The
training data itself says what is usual: every run of whole days (UTC) in it that is as long as the monitor's window is
compared with the whole, as the monitor will compare the days before each morning, and the farthest sets the feature's
own threshold. No such run of the training data would be called drift; days unlike all of them are.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

import describe
import drift
import sketch
from settings import CATEGORICAL, InputError, Kind, Settings

FEWEST_LENGTHS = 2
"""Lengths of a window that the training data must span: a window that is nearly the whole says nothing."""
ROUNDING = 0.002
"""What the two sketches that the monitor compares (0.0007 each) and the grid below (0.0005) may round away."""

Counts = NDArray[np.float64]


def learn(rows: pa.Table, statistics: describe.Statistics, settings: Settings) -> int:
    """Notes in a baseline's statistics how far each feature moves by itself, so that thresholds can change later.

    A feature with a value gets `variation`: its largest distance, 0 to 1, of how many windows, and the fewest days with
    rows that one of them has. Training data that span fewer than two lengths of a window teach nothing.

    Args:
        rows: Training data with the features and the column `settings.event_time`.
        statistics: What `describe.statistics` says of them.
        settings: Features, name of the time column, length of a window in days.

    Returns:
        The number of windows.

    Raises:
        InputError: The time column is missing or holds no time.
    """
    rows, days = _by_day(rows, settings.event_time)
    span = int(days.max()) + 1
    if span < FEWEST_LENGTHS * settings.window_days:
        return 0
    filled = _windows((np.bincount(days, minlength=span) > 0)[:, None], settings.window_days)
    for feature in statistics["features"]:
        name = feature["name"]
        counts = _counts(rows[name], settings.features[name], days, span)
        if counts.any():
            distance = _farthest(counts, settings.window_days, ordered=settings.features[name] not in CATEGORICAL)
            feature["variation"] = {
                "distance": distance,
                "windows": len(filled),
                "window_days": settings.window_days,
                "fewest_days": int(filled.min()),
            }
    return len(filled)


def _by_day(rows: pa.Table, name: str) -> tuple[pa.Table, NDArray[np.int64]]:
    """Returns the rows that have a time, and of each the days (UTC) since the first one."""
    if name not in rows.column_names or not pa.types.is_timestamp(rows[name].type):
        raise InputError(f"the training data needs the column {name!r} with the time of each row: write it too")
    rows = rows.filter(pc.is_valid(rows[name]))
    if not rows.num_rows:
        raise InputError(f"column {name!r} of the training data holds no time: give each row the time it speaks of")
    days = rows[name].cast(pa.date32(), safe=False).cast(pa.int32()).to_numpy().astype(np.int64)
    return rows, days - days.min()


def _counts(values: pa.ChunkedArray, kind: Kind, days: NDArray[np.int64], span: int) -> Counts:
    """Counts a feature's values by day and bin, shape (days, bins): a category is a bin, numbers lie below a grid."""
    if kind in CATEGORICAL:
        encoded = values.cast(pa.string()).combine_chunks().dictionary_encode()
        bins, present = encoded.indices.fill_null(-1).to_numpy(), encoded.is_valid().to_numpy(zero_copy_only=False)
        number = len(encoded.dictionary)
    else:
        numbers = values.cast(pa.float64()).to_numpy()
        present = np.isfinite(numbers)
        ordered = np.sort(numbers[present])
        grid = np.unique(np.append(ordered[:: max(1, len(ordered) // sketch.CAPACITY)], ordered[-1:]))
        bins, number = np.searchsorted(grid, numbers), len(grid)
    places = days[present] * number + bins[present]
    return np.bincount(places, minlength=span * number).reshape(span, number).astype(np.float64)


def _windows(counts: Counts | NDArray[np.bool_], length: int) -> Counts:
    """Sums every run of `length` days: shape (days, bins) becomes (days - length + 1, bins)."""
    until = np.vstack([np.zeros((1, counts.shape[1])), np.cumsum(counts, axis=0, dtype=np.float64)])
    sums: Counts = until[length:] - until[:-length]
    return sums


def _farthest(counts: Counts, length: int, *, ordered: bool) -> float:
    """Returns an upper bound of `drift.distance` between the whole and any run of days that has a value."""
    whole, windows = counts.sum(axis=0), _windows(counts, length)
    windows = windows[windows.sum(axis=1) > 0]
    n, m = whole.sum(), windows.sum(axis=1)
    ours, theirs = whole / n, windows / m[:, None]
    if ordered:
        ours, theirs = np.cumsum(ours), np.cumsum(theirs, axis=1)
    simple = np.abs(theirs - ours).max(axis=1) + (ROUNDING if ordered else 0.0)
    return float(np.clip(simple - drift.CHANCE * np.sqrt((n + m) / (n * m)), 0.0, 1.0).max())


def own_thresholds(statistics: Mapping[str, Any], general: float) -> Mapping[str, float]:
    """Returns the threshold of every feature that moves by itself farther than the general threshold allows.

    Args:
        statistics: A baseline's, after `learn`.
        general: The threshold of all features.
    """
    learnt = {feature["name"]: feature.get("variation", {}).get("distance") for feature in statistics["features"]}
    return {name: distance for name, distance in learnt.items() if distance is not None and distance > general}


def comparable(statistics: Mapping[str, Any], days: int, settings: Settings) -> bool:
    """Tells whether a window can be held against the training data: it has traffic on as many days as they had rows.

    An endpoint that is new, or was away, has days without traffic, and a few days are unlike a month. A window that was
    asked for and is shorter than those of the training data is compared as it is: whoever asked knows why.

    Args:
        statistics: A baseline's, after `learn`.
        days: Days (UTC) of the window with traffic.
        settings: Bounds of the window.
    """
    learnt = [feature["variation"] for feature in statistics["features"] if "variation" in feature]
    if not learnt or settings.start is None or settings.end is None:
        return True
    asked_for_less = (settings.end - settings.start).days < learnt[0]["window_days"]
    return asked_for_less or days >= int(learnt[0]["fewest_days"])
