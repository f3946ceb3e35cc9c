"""What a DQDL ruleset means, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum


class Keyword(Enum):
    """Values of a column that have no literal."""

    NULL = "NULL"
    EMPTY = "EMPTY"
    WHITESPACES_ONLY = "WHITESPACES_ONLY"


@dataclass(frozen=True)
class Now:
    """`now()`, moved by some time: `(now() - 3 days)`.

    Args:
        offset: Added to the time of evaluation.
    """

    offset: timedelta = timedelta()

    def at(self) -> datetime:
        """The moment, in UTC without zone, as DuckDB's timestamps are."""
        return datetime.now(UTC).replace(tzinfo=None) + self.offset


Value = str | float | int | Keyword | Now


@dataclass(frozen=True)
class Condition:
    """An expression of a rule.

    Args:
        operator: `=`, `!=`, `<`, `<=`, `>`, `>=`, `between`, `in` or `matches`.
        values: One value; two for `between`; any number for `in`; the regular expression for `matches`.
        negated: `not between`, `not in`, `not matches`.
    """

    operator: str
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        kind: Rule type, for example `IsComplete`; known or not.
        arguments: Column names, or the statement of CustomSql.
        condition: Expression, or None.
        where: SQL filter on the rows, or "".
        threshold: Condition on the fraction of rows that pass, or None.
        text: The rule as written.
    """

    kind: str
    arguments: tuple[str, ...]
    condition: Condition | None
    where: str
    threshold: Condition | None
    text: str


@dataclass(frozen=True)
class Composite:
    """Rules joined by `and` or `or`, each in parentheses.

    Args:
        operator: `and` or `or`.
        parts: Two or more.
        text: The composition as written.
    """

    operator: str
    parts: tuple[Rule | Composite, ...]
    text: str


Node = Rule | Composite
