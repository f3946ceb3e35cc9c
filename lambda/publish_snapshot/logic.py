"""What the curating job staged, and where each part of it belongs."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlops_runtime import layout
from mlops_runtime.errors import StagedDataInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable


class Part(BaseModel):
    """The staged rows of one month of event time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    month: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    rows: int = Field(gt=0)


class Summary(BaseModel):
    """What the curating job says about one file.

    Its rows were compared with all files published up to a place; their keys, as text, lie between first and last.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int = Field(ge=0)
    rows_quarantined: int = Field(ge=0)
    warnings: list[str] = Field(default_factory=list)
    parts: list[Part]
    compared_up_to: int = Field(ge=0)
    first_key: str
    last_key: str


@dataclass(frozen=True)
class Copy:
    """One staged part and its place in the curated zone."""

    source_key: str
    target_key: str
    month: str


def read_summary(document: object, uri: str) -> Summary:
    """Validate the job's summary.

    Raises:
        StagedDataInvalid: A field is wrong, two parts share a month, or the parts don't add up to `rows`.
    """
    try:
        summary = Summary.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StagedDataInvalid(f"{uri}: {where}: {first['msg']}") from None
    if len({part.month for part in summary.parts}) != len(summary.parts):
        raise StagedDataInvalid(f"{uri}: two parts of one month; the curating job writes one part per month")
    staged = sum(part.rows for part in summary.parts)
    if staged != summary.rows:
        raise StagedDataInvalid(f"{uri}: parts hold {staged} rows, the summary says {summary.rows}")
    return summary


def copies(summary: Summary, *, workload: str, dataset: str, sha256: str) -> list[Copy]:
    """Where each staged part goes.

    Raises:
        StagedDataInvalid: A part lies outside the file's own staging folder.
    """
    folder = layout.staged_prefix(workload, dataset, sha256)
    for part in summary.parts:
        if not part.key.startswith(folder):
            raise StagedDataInvalid(f"part {part.key} lies outside {folder}")
    return [Copy(part.key, layout.curated(workload, dataset, part.month, sha256), part.month) for part in summary.parts]


def snapshot_id(dataset: str, sha256: str) -> str:
    """Identity of what one file added to the dataset."""
    return f"{dataset}@{sha256[:16]}"


def share(ours: Iterable[int], theirs: Iterable[int]) -> bool:
    """Whether two ascending sequences without repetition have a number in common. Neither is held in memory."""
    return any(one == next_one for one, next_one in pairwise(heapq.merge(ours, theirs)))
