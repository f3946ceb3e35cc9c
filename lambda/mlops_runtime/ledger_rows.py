"""What the ledger's rows say, and what is written into them. The curating job reads the places, too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

LAST_PLACE = 10**10 - 1


@dataclass(frozen=True)
class Entry:
    """One content known to the ledger."""

    sha256: str
    status: str
    execution: str
    source_uri: str

    @classmethod
    def of(cls, item: Item) -> Entry:
        """Read it from its row."""
        return cls(
            sha256=item["sk"]["S"],
            status=item["status"]["S"],
            execution=item.get("execution", {}).get("S", ""),
            source_uri=item["source_uri"]["S"],
        )


@dataclass(frozen=True)
class PublishedFile:
    """One file among the published ones of a source.

    Attributes:
        place: In the order of publication; the first is 1.
        sha256: Its content.
        months: Its curated rows by month of the event.
        first_key: Smallest key of its rows, as text.
        last_key: Largest key.
    """

    place: int
    sha256: str
    months: Mapping[str, int]
    first_key: str
    last_key: str

    @classmethod
    def of(cls, item: Item, place: int) -> PublishedFile:
        """Read it from the row of its place."""
        return cls(
            place=place,
            sha256=item["sha256"]["S"],
            months=json.loads(item["months"]["S"]),
            first_key=item["first_key"]["S"],
            last_key=item["last_key"]["S"],
        )


@dataclass(frozen=True)
class Publication:
    """What one landed file brought.

    Attributes:
        months: Curated rows by month.
        first_key: Smallest key of these rows, as text.
        last_key: Largest key.
        training_rows: Rows that count as new for training (0 for a source without label).
        rows_quarantined: Rows refused one by one.
        size: Bytes of the accepted file.
        landing_key: Where it landed; an earlier refusal of this name is taken back.
    """

    months: Mapping[str, int]
    first_key: str
    last_key: str
    training_rows: int
    rows_quarantined: int
    size: int
    landing_key: str

    def row(self, sha256: str) -> Item:
        """What the row of its place says of it."""
        return {
            "sha256": {"S": sha256},
            "months": {"S": json.dumps(dict(self.months), sort_keys=True)},
            "first_key": {"S": self.first_key},
            "last_key": {"S": self.last_key},
        }

    def counters(self) -> dict[str, int]:
        """What it adds to the counters of the gate."""
        return {
            "new_rows": self.training_rows,
            "rows_accepted": sum(self.months.values()),
            "rows_quarantined": self.rows_quarantined,
            "bytes_accepted": self.size,
        }


def place_key(place: int) -> str:
    """Sort key of a place: as many digits for each, so that the order of texts is that of numbers."""
    return f"published#{place:010d}"
