"""Dataset: what the files of one source look like, in plain data."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

TYPES = ("string", "int", "bigint", "float", "double", "boolean", "date", "timestamp")
CURATED_PARTITION, STAGED_PARTITION = "month", "file"
"""Partition keys of the two tables of a dataset; neither table can have a column of the same name."""

_COLUMN_NAME = re.compile(r"[a-z_][a-z0-9_]{0,254}")
_DATASET_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column.

    Args:
        name: Lower-case letters, digits and underscores, as Glue, Athena and Parquet take it without quotes, at most
            255 and no digit first. Not `month` or `file`: by these the tables of a dataset are partitioned.
        type: A type of the Glue catalog, one of `TYPES`.
        required: A value must be there; an empty one sends the row to quarantine.

    Raises:
        ValueError: The name is another, or the type is none of `TYPES`.
    """

    name: str
    type: str
    required: bool = True

    def __post_init__(self) -> None:
        if not _COLUMN_NAME.fullmatch(self.name):
            raise ValueError(
                "name of a column must be lower-case letters, digits and underscores, at most 255 and no digit first, "
                f"got {self.name!r}"
            )
        if self.name in (CURATED_PARTITION, STAGED_PARTITION):
            raise ValueError(
                f"name of a column must not be {self.name!r}, by which a table of the dataset is partitioned: "
                f"rename it, for example to {self.name}_of_record"
            )
        if self.type not in TYPES:
            raise ValueError(f"type of column {self.name} must be one of {', '.join(TYPES)}, got {self.type!r}")


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The files of one source of a workload.

    Args:
        name: Name of the source; files land under `<workload>/<name>/`. Lower-case letters, digits, underscores and
            hyphens, at most 64 and neither digit nor hyphen first.
        columns: In the order of the file.
        key: Column that identifies a row; a second row with the same key is a duplicate.
        event_time: Column (type timestamp) with the time the row speaks of; curated data are partitioned by its month.
        quality_rules: DQDL rules, all of which must hold for a file to be published.
        label: Column with the truth to be predicted, when this source brings it.

    Raises:
        ValueError: The name is another, a column is there twice or named but not there, the event time is no
            timestamp, or the rules are none or one text.
    """

    name: str
    columns: tuple[Column, ...]
    key: str
    event_time: str
    quality_rules: tuple[str, ...]
    label: str | None = None

    def __post_init__(self) -> None:
        if not _DATASET_NAME.fullmatch(self.name):
            raise ValueError(
                "name of a dataset must be lower-case letters, digits, underscores and hyphens, at most 64 and neither "
                f"digit nor hyphen first, got {self.name!r}"
            )
        types = {column.name: column.type for column in self.columns}
        if len(types) < len(self.columns):
            names = [column.name for column in self.columns]
            raise ValueError(f"columns of dataset {self.name} must be distinct, got {', '.join(names)}")
        for field in ("key", "event_time", "label"):
            name = getattr(self, field)
            if name is not None and name not in types:
                raise ValueError(f"{field} of dataset {self.name} must be one of {', '.join(types)}, got {name!r}")
        if types[self.event_time] != "timestamp":
            raise ValueError(
                f"{self.event_time} of dataset {self.name} must be a timestamp, got {types[self.event_time]}"
            )
        if isinstance(self.quality_rules, str):
            raise ValueError(
                f"quality_rules of dataset {self.name} must be a tuple of rules, got the text {self.quality_rules!r}: "
                f"write ({self.quality_rules!r},)"
            )
        if not self.quality_rules:
            raise ValueError(f"dataset {self.name} needs at least one quality rule, for example: RowCount > 0")

    @property
    def dqdl(self) -> str:
        """The rules as a DQDL ruleset."""
        return "Rules = [\n    " + ",\n    ".join(self.quality_rules) + "\n]"


def sources_json(datasets: Sequence[Dataset]) -> str:
    """The datasets' schemas as the functions and the curating job read them (`SOURCES`)."""
    sources = {
        dataset.name: {
            "columns": [_spec(column) for column in dataset.columns],
            "key": dataset.key,
            "event_time": dataset.event_time,
            "label": dataset.label,
        }
        for dataset in datasets
    }
    return json.dumps(sources, separators=(",", ":"))


def _spec(column: Column) -> dict[str, str | bool]:
    # `required` is the default of every reader: a function's environment holds 4 KB, so no word twice.
    spec: dict[str, str | bool] = {"name": column.name, "type": column.type}
    return spec if column.required else {**spec, "required": False}
