"""The rule types of DQDL that the local AWS evaluates, each one function."""

# ruff: noqa: S608  (SQL is the point here; names and values are quoted by `conditions`)

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import duckdb

from .ast import Condition, Rule
from .conditions import UnusableError, holds, identifier, is_numeric, literal, row_predicate

_UNMET = "Value: {value} does not meet the constraint requirement!"
_WHOLE = literal(r"[+-]?\d+")
_TYPES = {
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
    "INTEGER": "INTEGER",
    "LONG": "BIGINT",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
}


@dataclass(frozen=True)
class Outcome:
    """Result (`PASS`, `FAIL`, `ERROR`) of a rule or a part of one, with reason and metrics."""

    result: str
    message: str = ""
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Data:
    """The rows a rule looks at.

    Args:
        connection: DuckDB connection.
        relation: Table or view.
        filter: SQL condition on the rows, or "".
    """

    connection: duckdb.DuckDBPyConnection
    relation: str
    filter: str = ""

    def where(self, condition: str) -> Data:
        """The same data with a rule's `where` clause; Spark's backticks become quotes."""
        return replace(self, filter=condition.replace("`", '"')) if condition else self

    @property
    def source(self) -> str:
        """What follows FROM."""
        name = identifier(self.relation)
        return f"{name} WHERE ({self.filter})" if self.filter else name

    def row(self, expressions: str) -> tuple[Any, ...]:
        """One row of aggregates over the data."""
        found = self.connection.execute(f"SELECT {expressions} FROM {self.source}").fetchone()
        return found if found is not None else ()

    @cached_property
    def types(self) -> dict[str, str]:
        """DuckDB type by column name, in order; names in lower case, as Spark compares them."""
        described = self.connection.execute(f"DESCRIBE {identifier(self.relation)}").fetchall()
        return {name.lower(): kind for name, kind, *_ in described}


class _NoColumnError(Exception):
    pass


def _checked(function: Callable[[Rule, Data], Outcome]) -> Callable[[Rule, Data], Outcome]:
    """A missing column is data that fails the rule, not an error, as in AWS Glue."""

    def wrapped(rule: Rule, data: Data) -> Outcome:
        try:
            return function(rule, data)
        except _NoColumnError as missing:
            return Outcome("FAIL", f"Input data does not include column {missing}!")

    return wrapped


def _columns(rule: Rule, data: Data) -> tuple[str, ...]:
    if not rule.arguments:
        raise UnusableError("a column is missing")
    for column in rule.arguments:
        if column.lower() not in data.types:
            raise _NoColumnError(column)
    return rule.arguments


def _column(rule: Rule, data: Data) -> tuple[str, str]:
    if len(rule.arguments) != 1:
        raise UnusableError(f"expected one column, got {len(rule.arguments)}")
    column = _columns(rule, data)[0]
    return column, data.types[column.lower()]


def _judge(value: float | None, condition: Condition | None, metric: str, empty: str = "") -> Outcome:
    if condition is None:
        raise UnusableError("an expression such as `> 0.9` is missing")
    if value is None:
        return Outcome("FAIL", f"Empty state for analyzer {empty or metric}, all input values were NULL.")
    met = holds(float(value), condition)
    return Outcome("PASS" if met else "FAIL", _UNMET.format(value=float(value)), {metric: float(value)})


_ALL = Condition("=", (1.0,))


# -- completeness and uniqueness --------------------------------------------------------------------------------------


def _completeness(rule: Rule, data: Data) -> Outcome:
    column, _ = _column(rule, data)
    value = data.row(f"count({identifier(column)}) / nullif(count(*), 0)")[0]
    condition = _ALL if rule.kind == "IsComplete" else rule.condition
    return _judge(value, condition, f"Column.{column}.Completeness")


def _uniqueness_of(columns: tuple[str, ...], data: Data) -> float | None:
    names = ", ".join(map(identifier, columns))
    some = " OR ".join(f"{identifier(column)} IS NOT NULL" for column in columns)
    rows = f"SELECT {names} FROM (SELECT * FROM {data.source}) WHERE {some}"
    groups = f"SELECT count(*) AS n FROM ({rows}) GROUP BY {names}"
    found = data.connection.execute(f"SELECT count(*) FILTER (n = 1) / nullif(sum(n), 0) FROM ({groups})").fetchone()
    return found[0] if found else None


def _uniqueness(rule: Rule, data: Data) -> Outcome:
    columns = _columns(rule, data)
    condition = _ALL if rule.kind == "IsUnique" else rule.condition
    return _judge(_uniqueness_of(columns, data), condition, f"Column.{','.join(columns)}.Uniqueness")


def _primary_key(rule: Rule, data: Data) -> Outcome:
    columns = _columns(rule, data)
    parts = [_judge(_uniqueness_of(columns, data), _ALL, f"Column.{','.join(columns)}.Uniqueness")]
    parts += [_completeness(replace(rule, kind="IsComplete", arguments=(column,)), data) for column in columns]
    metrics = {name: value for part in parts for name, value in part.metrics.items()}
    failed = [part for part in parts if part.result != "PASS"]
    return (
        Outcome("FAIL", " ".join(part.message for part in failed), metrics) if failed else Outcome("PASS", "", metrics)
    )


def _distinct_values(rule: Rule, data: Data) -> Outcome:
    column, _ = _column(rule, data)
    value = data.row(f"count(DISTINCT {identifier(column)})")[0]
    return _judge(value, rule.condition, f"Column.{column}.DistinctValuesCount")


# -- the data set -----------------------------------------------------------------------------------------------------


def _column_exists(rule: Rule, data: Data) -> Outcome:
    _column(rule, data)
    return Outcome("PASS")


def _column_count(rule: Rule, data: Data) -> Outcome:
    return _judge(len(data.types), rule.condition, "Dataset.*.ColumnCount")


def _row_count(rule: Rule, data: Data) -> Outcome:
    return _judge(data.row("count(*)")[0], rule.condition, "Dataset.*.RowCount")


def _custom_sql(rule: Rule, data: Data) -> Outcome:
    if len(rule.arguments) != 1:
        raise UnusableError("expected one SQL statement")
    statement = re.sub(r"\bprimary\b(?=(?:[^']*'[^']*')*[^']*$)", identifier(data.relation), rule.arguments[0])
    if rule.condition is None:
        rows = f"SELECT count(*) FROM ({statement})"
        passed = data.connection.execute(rows).fetchone()
        total = data.row("count(*)")[0]
        value = passed[0] / total if passed and total else None
        return _judge(value, rule.threshold or _ALL, "Dataset.*.CustomSQL.Compliance")
    found = data.connection.execute(statement).fetchall()
    if len(found) != 1 or len(found[0]) != 1:
        raise UnusableError("with an expression, the statement must give exactly one number")
    return _judge(found[0][0], rule.condition, "Dataset.*.CustomSQL")


# -- numbers ----------------------------------------------------------------------------------------------------------

_AGGREGATES = {"Mean": "avg({})", "Sum": "sum({})", "StandardDeviation": "stddev_pop({})"}


def _aggregate(rule: Rule, data: Data) -> Outcome:
    column, kind = _column(rule, data)
    if not is_numeric(kind):
        return Outcome("FAIL", f"Expected type of column {column} to be a number, but found {kind} instead!")
    value = data.row(_AGGREGATES[rule.kind].format(f"CAST({identifier(column)} AS DOUBLE)"))[0]
    return _judge(value, rule.condition, f"Column.{column}.{rule.kind}")


# -- rows -------------------------------------------------------------------------------------------------------------


def _compliance(rule: Rule, data: Data, predicate: str, metric: str, shown: str) -> Outcome:
    """Judges the fraction of rows that meet a predicate: all of them, or the rule's threshold."""
    passed, total = data.row(f"count(*) FILTER ({predicate}), count(*)")
    if not total:
        return Outcome("FAIL", f"Empty state for analyzer {metric}, there are no rows.")
    fraction = passed / total
    if rule.threshold is not None:
        return _judge(fraction, rule.threshold, metric)
    if passed == total:
        return Outcome("PASS", "", {metric: fraction})
    bad = data.connection.execute(
        f"SELECT {shown} FROM (SELECT * FROM {data.source}) WHERE NOT ({predicate}) LIMIT 1"
    ).fetchone()
    value = "NULL" if bad is None or bad[0] is None else bad[0]
    return Outcome("FAIL", _UNMET.format(value=value), {metric: fraction})


def _column_values(rule: Rule, data: Data) -> Outcome:
    column, kind = _column(rule, data)
    if rule.condition is None:
        raise UnusableError("an expression such as `in [...]` is missing")
    predicate = row_predicate(column, kind, rule.condition)
    return _compliance(rule, data, predicate, f"Column.{column}.ColumnValues.Compliance", identifier(column))


def _column_length(rule: Rule, data: Data) -> Outcome:
    column, _ = _column(rule, data)
    if rule.condition is None:
        raise UnusableError("an expression such as `= 5` is missing")
    length = f"coalesce(length(CAST({identifier(column)} AS VARCHAR)), 0)"  # a NULL is as long as an empty string
    predicate = row_predicate("_length", "BIGINT", rule.condition).replace('"_length"', length)
    return _compliance(rule, data, predicate, f"Column.{column}.ColumnLength.Compliance", length)


def _column_data_type(rule: Rule, data: Data) -> Outcome:
    column, _ = _column(rule, data)
    wanted = rule.condition.values[0] if rule.condition and rule.condition.operator == "=" else None
    target = _TYPES.get(str(wanted).upper())
    if target is None:
        raise UnusableError(f"expected `= <type>` with a type of {', '.join(_TYPES)}, got {wanted!r}")
    text = f"CAST({identifier(column)} AS VARCHAR)"
    whole = f" AND regexp_full_match({text}, {_WHOLE})" if target in ("INTEGER", "BIGINT") else ""
    predicate = f"coalesce(TRY_CAST({text} AS {target}) IS NOT NULL{whole}, FALSE)"
    return _compliance(rule, data, predicate, f"Column.{column}.ColumnDataType.Compliance", identifier(column))


RULES: dict[str, Callable[[Rule, Data], Outcome]] = {
    name: _checked(function)
    for name, function in {
        "IsComplete": _completeness,
        "Completeness": _completeness,
        "IsUnique": _uniqueness,
        "Uniqueness": _uniqueness,
        "IsPrimaryKey": _primary_key,
        "DistinctValuesCount": _distinct_values,
        "ColumnExists": _column_exists,
        "ColumnCount": _column_count,
        "RowCount": _row_count,
        "CustomSql": _custom_sql,
        "Mean": _aggregate,
        "Sum": _aggregate,
        "StandardDeviation": _aggregate,
        "ColumnValues": _column_values,
        "ColumnLength": _column_length,
        "ColumnDataType": _column_data_type,
    }.items()
}
