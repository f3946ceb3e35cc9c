"""DQDL conditions, on one number in Python and on a column's rows in SQL."""

from __future__ import annotations

import math

from .ast import Condition, Keyword, Now, Value

_TEMPORAL = ("DATE", "TIMESTAMP")
_NUMERIC = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
    "FLOAT", "DOUBLE", "DECIMAL",
)  # fmt: skip


class UnusableError(Exception):
    """A condition that makes no sense for its rule or column; the rule is answered with ERROR."""


def is_numeric(column_type: str) -> bool:
    """Whether a DuckDB type is a number."""
    return column_type.startswith(_NUMERIC)


def holds(value: float, condition: Condition) -> bool:
    """Whether a number meets a condition.

    Args:
        value: The rule's metric; NaN meets nothing.
        condition: `between` leaves its bounds out, as DQDL does.

    Raises:
        UnusableError: the condition isn't numeric.
    """
    numbers = [_number(operand) for operand in condition.values]
    if math.isnan(value):
        return False
    match condition.operator:
        case "=":
            return value == numbers[0]
        case "!=":
            return value != numbers[0]
        case "<":
            return value < numbers[0]
        case "<=":
            return value <= numbers[0]
        case ">":
            return value > numbers[0]
        case ">=":
            return value >= numbers[0]
        case "between":
            return (numbers[0] < value < numbers[1]) is not condition.negated
        case "in":
            return (value in numbers) is not condition.negated
    raise UnusableError(f"a number can't be compared with `{condition.operator}`")


def _number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnusableError(f"expected a number, got {value!r}")
    return float(value)


def identifier(name: str) -> str:
    """A column name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string, quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


def row_predicate(column: str, column_type: str, condition: Condition) -> str:
    """SQL that is true for the rows of a column that meet a condition, and false (never NULL) for the others.

    A NULL meets no condition but `= NULL`, `in [..., NULL]` and the negative ones (`!=`, `not in`), as in AWS Glue.

    Args:
        column: Column name.
        column_type: Its DuckDB type.
        condition: The rule's condition.
    """
    name = identifier(column)
    match condition.operator:
        case "=" | "!=" | "in":
            negated = condition.negated or condition.operator == "!="
            return _membership(name, column_type, condition, negated)
        case "between":
            subject, low = _comparable(name, column_type, condition.values[0])
            _, high = _comparable(name, column_type, condition.values[1])
            inside = f"({subject} > {low} AND {subject} < {high})"
            return f"coalesce({'NOT ' if condition.negated else ''}{inside}, FALSE)"
        case "matches":
            matched = f"regexp_full_match(CAST({name} AS VARCHAR), {literal(str(condition.values[0]))})"
            return f"coalesce({'NOT ' if condition.negated else ''}{matched}, FALSE)"
    subject, operand = _comparable(name, column_type, condition.values[0])
    return f"coalesce({subject} {condition.operator} {operand}, FALSE)"


def _membership(name: str, column_type: str, condition: Condition, negated: bool) -> str:
    tests, null_listed = [], False
    for value in condition.values:
        if value is Keyword.NULL:
            null_listed = True
        elif value is Keyword.EMPTY:
            tests.append(f"CAST({name} AS VARCHAR) = ''")
        elif value is Keyword.WHITESPACES_ONLY:
            tests.append(rf"regexp_full_match(CAST({name} AS VARCHAR), '\s+')")
        else:
            subject, operand = _comparable(name, column_type, value)
            tests.append(f"{subject} = {operand}")
    listed = " OR ".join(tests) or "FALSE"
    found = f"coalesce({listed}, FALSE)"
    if null_listed:
        found = f"({found} OR {name} IS NULL)"
    return f"(NOT {found})" if negated else found


def _comparable(name: str, column_type: str, value: Value) -> tuple[str, str]:
    """The column and a value, as two SQL expressions of one type."""
    if isinstance(value, Now):
        return f"TRY_CAST({name} AS DATE)", f"CAST({literal(value.at().isoformat())} AS DATE)"
    if isinstance(value, Keyword):
        raise UnusableError(f"{value.value} can only be compared with =, !=, in and not in")
    if isinstance(value, int | float):
        if is_numeric(column_type):
            return name, repr(value)
        return f"TRY_CAST(CAST({name} AS VARCHAR) AS DOUBLE)", repr(value)
    if column_type.startswith(_TEMPORAL):
        kind = "DATE" if len(value) <= len("2013-01-31") else "TIMESTAMP"
        return f"CAST({name} AS {kind})", f"CAST({literal(value)} AS {kind})"
    if is_numeric(column_type):
        return f"CAST({name} AS DOUBLE)", f"CAST({literal(value)} AS DOUBLE)"
    return f"CAST({name} AS VARCHAR)", literal(value)
