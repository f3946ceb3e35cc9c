"""Files a careless producer might land. Every one must end in quarantine or be recognised; the month goes on."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONTRADICTED_ROWS = 25


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One broken file.

    Args:
        name: file name in the landing zone.
        source: `flights` or `labels`.
        content: bytes to land.
        fault: what is wrong with it, for people.
    """

    name: str
    source: str
    content: bytes
    fault: str


def faults_of(flights: Path, earlier_flights: Path, earlier_labels: Path) -> list[Fault]:
    """The six faults of one month, made from good files.

    Args:
        flights: a good flights file of the month.
        earlier_flights: a flights file that was accepted before.
        earlier_labels: a labels file that was accepted before.
    """
    good = flights.read_bytes()
    return [
        Fault(
            name=f"{flights.stem}-renamed-column.csv",
            source="flights",
            content=good.replace(b"carrier", b"airline", 1),
            fault="a column has another name",
        ),
        Fault(
            name=f"{flights.stem}-cut-off.csv",
            source="flights",
            content=_cut_mid_row(good),
            fault="the upload broke off in the middle of a row",
        ),
        Fault(
            name=f"{flights.stem}-empty.csv",
            source="flights",
            content=b"",
            fault="the file is empty",
        ),
        Fault(
            name=f"{flights.stem}-picture.csv",
            source="flights",
            content=b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 16,
            fault="a picture was uploaded as CSV",
        ),
        Fault(
            name=f"{earlier_flights.stem}-again.csv",
            source="flights",
            content=earlier_flights.read_bytes(),
            fault="the same content was landed before under another name",
        ),
        Fault(
            name=f"{earlier_labels.stem}-contradiction.csv",
            source="labels",
            content=contradict(earlier_labels.read_text(), CONTRADICTED_ROWS),
            fault=f"{CONTRADICTED_ROWS} labels contradict what was landed before",
        ),
    ]


def contradict(labels: str, rows: int) -> bytes:
    """The first `rows` labels of a labels file (flight_id, event_time, late), each turned round."""
    lines = list(csv.DictReader(io.StringIO(labels)))[:rows]
    turned = [{**line, "late": "0" if line["late"] == "1" else "1"} for line in lines]
    return _write(turned, list(lines[0]))


def _write(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _cut_mid_row(content: bytes) -> bytes:
    # Just after the third field of the row in the middle of the file.
    start = content.index(b"\n", len(content) // 2) + 1
    for _ in range(3):
        start = content.index(b",", start) + 1
    return content[:start]
