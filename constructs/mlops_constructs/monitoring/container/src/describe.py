"""Statistics of a data set in Model Monitor's schema for `statistics.json`.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-statistics.html
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import sketch
from settings import CATEGORICAL, Kind

Statistics = dict[str, Any]

# The landed file, the training data and the client may each spell a boolean in their own way.
_BOOLEANS = {
    **dict.fromkeys(("true", "1", "1.0"), "true"),
    **dict.fromkeys(("false", "0", "0.0"), "false"),
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """The values of one feature.

    Attributes:
        name: The feature.
        kind: What its values should be.
        present: Numbers, or strings when the kind is categorical; without missing values, in any order.
        rows: Rows of the data set.
        mismatched: Rows with a value that is not of the kind; they are not among the present ones.
    """

    name: str
    kind: Kind
    present: NDArray[np.float64] | Sequence[str]
    rows: int
    mismatched: int = 0


def from_texts(name: str, kind: Kind, texts: Sequence[str]) -> Column:
    """Reads a feature as clients send it: text, empty when missing."""
    given = [text for text in texts if text]
    if kind == "String":
        return Column(name=name, kind=kind, present=given, rows=len(texts))
    if kind == "Boolean":
        return _booleans(name, given, len(texts))
    numbers = _numbers(given)
    fits = np.isfinite(numbers) if kind == "Fractional" else np.isfinite(numbers) & (numbers == np.floor(numbers))
    return Column(name=name, kind=kind, present=numbers[fits], rows=len(texts), mismatched=int((~fits).sum()))


def _booleans(name: str, texts: Sequence[str], rows: int) -> Column:
    found = [_BOOLEANS.get(text.lower(), "") for text in texts]
    present = [text for text in found if text]
    return Column(name=name, kind="Boolean", present=present, rows=rows, mismatched=len(found) - len(present))


def _numbers(texts: list[str]) -> NDArray[np.float64]:
    try:
        return np.array(texts, dtype=np.float64)
    except ValueError:  # rare: only then is it worth looking at every value
        return np.array([_number(text) for text in texts], dtype=np.float64)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def from_values(name: str, kind: Kind, values: Iterable[Any]) -> Column:
    """Reads a feature from a typed column: None when missing."""
    everything = list(values)
    given = [value for value in everything if value is not None]
    if kind == "String":
        return Column(name=name, kind=kind, present=[str(value) for value in given], rows=len(everything))
    if kind == "Boolean":
        return _booleans(name, [str(value) for value in given], len(everything))
    numbers = np.array(given, dtype=np.float64)
    return Column(name=name, kind=kind, present=numbers[np.isfinite(numbers)], rows=len(everything))


def columns(rows: pa.Table, features: Mapping[str, Kind]) -> list[Column]:
    """Reads the features of a typed table."""
    return [from_values(name, kind, rows[name].to_pylist()) for name, kind in features.items()]


def statistics(columns: Iterable[Column], rows: int) -> Statistics:
    """Describes a data set; the order of its rows makes no difference."""
    return {"version": 0, "dataset": {"item_count": rows}, "features": [feature(column) for column in columns]}


def feature(column: Column) -> Statistics:
    """Describes one feature; one without any value is of type Unknown."""
    present = len(column.present)
    common = {"num_present": present, "num_missing": column.rows - present - column.mismatched}
    kind = "String" if column.kind in CATEGORICAL else column.kind
    described: Statistics = {"name": column.name, "inferred_type": kind if present else "Unknown"}
    if column.kind in CATEGORICAL:
        described["string_statistics"] = {"common": common, **_of_strings([str(value) for value in column.present])}
    else:
        numbers = np.sort(np.asarray(column.present, dtype=np.float64))
        described["numerical_statistics"] = {"common": common, **(_of_numbers(numbers) if present else {})}
    if column.mismatched:
        described["num_mismatched"] = column.mismatched
    return described


def _of_numbers(ordered: NDArray[np.float64]) -> Statistics:
    return {
        "mean": float(ordered.mean()),
        "sum": float(ordered.sum()),
        "std_dev": float(ordered.std()),
        "min": float(ordered[0]),
        "max": float(ordered[-1]),
        "distribution": sketch.distribution(ordered),
    }


def _of_strings(values: Sequence[str]) -> Statistics:
    counts = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    buckets = [{"value": value, "count": count} for value, count in counts]
    return {"distinct_count": len(counts), "distribution": {"categorical": {"buckets": buckets}}}


def common(described: Mapping[str, Any]) -> Mapping[str, int]:
    """Returns the counts of present and missing values of a described feature."""
    group: Mapping[str, Any] = described.get("numerical_statistics") or described["string_statistics"]
    counts: Mapping[str, int] = group["common"]
    return counts
