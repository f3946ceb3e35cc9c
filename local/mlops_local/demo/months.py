"""Months of the replay: `4-6` on the command line, `2013-04` in files, events and results."""

from __future__ import annotations

import re
from dataclasses import dataclass

YEAR = 2013
FIRST, LAST = 4, 12
HISTORY = (1, 2, 3)


class MonthsError(ValueError):
    """The months asked for cannot be replayed; the message says what is possible."""


@dataclass(frozen=True, order=True)
class Month:
    """One calendar month of the replayed year.

    Args:
        number: 1 to 12.
    """

    number: int

    def __str__(self) -> str:
        return f"{YEAR}-{self.number:02d}"

    @property
    def name(self) -> str:
        """English month name, e.g. `April`."""
        return _NAMES[self.number - 1]

    def preceding(self, count: int) -> tuple[Month, ...]:
        """The `count` months before this one, oldest first (fewer at the start of the year)."""
        return tuple(Month(n) for n in range(max(1, self.number - count), self.number))


def parse_months(text: str) -> tuple[Month, ...]:
    """Months to replay, from `4-12`, `4-6` or `4`.

    Example:
        >>> [str(month) for month in parse_months("4-5")]
        ['2013-04', '2013-05']

    Raises:
        MonthsError: not a month or range, not starting in April, or running backwards.
    """
    match = re.fullmatch(r"\s*(\d{1,2})(?:\s*-\s*(\d{1,2}))?\s*", text)
    if match is None:
        raise MonthsError(f"months must be a range like 4-12 or one month like 4, got {text!r}")
    first = int(match[1])
    last = int(match[2] or match[1])
    if first != FIRST:
        raise MonthsError(
            f"months must start with {FIRST}, got {text!r}: January to March train the first model, "
            "and every later month needs the ones before it"
        )
    if not first <= last <= LAST:
        raise MonthsError(f"months must end between {FIRST} and {LAST}, got {text!r}")
    return tuple(Month(number) for number in range(first, last + 1))


def history() -> tuple[Month, ...]:
    """January to March: the months that train the first model."""
    return tuple(Month(number) for number in HISTORY)


_NAMES = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
