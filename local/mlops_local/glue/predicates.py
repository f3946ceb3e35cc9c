"""Predicates on the partitions of a table, such as `month >= '2013-04'`, evaluated by DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from ..dqdl.conditions import identifier, literal

_TYPES = {
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


class PredicateError(ValueError):
    """A predicate that can't be evaluated on the table's partition keys."""


def sql_type(glue_type: str) -> str:
    """DuckDB type of a Glue column type; text for the ones without a counterpart."""
    kind = glue_type.lower()
    return kind.upper() if kind.startswith("decimal") else _TYPES.get(kind.partition("(")[0], "VARCHAR")


def matching(
    predicate: str, keys: Sequence[dict[str, Any]], partitions: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Partitions that meet a predicate, in their order.

    Args:
        predicate: SQL on the partition keys; "" takes all.
        keys: `PartitionKeys` of the table.
        partitions: Partitions with their `Values`.

    Raises:
        PredicateError: not SQL, or it names something that is no partition key.
    """
    if not predicate.strip() or not partitions:
        return list(partitions)
    names = ", ".join(["position", *(identifier(key["Name"]) for key in keys)])
    rows = ", ".join(
        "(" + ", ".join([str(position), *map(_cast, keys, partition["Values"])]) + ")"
        for position, partition in enumerate(partitions)
    )
    query = f"SELECT position FROM (VALUES {rows}) AS partitions({names}) WHERE ({predicate}) ORDER BY position"  # noqa: S608
    try:
        with duckdb.connect(config={"enable_external_access": "false"}) as connection:
            found = connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise PredicateError(f"the predicate `{predicate}` can't be evaluated: {str(error).splitlines()[0]}") from error
    return [partitions[position] for (position,) in found]


def _cast(key: dict[str, Any], value: str) -> str:
    return f"CAST({literal(value)} AS {sql_type(key.get('Type', 'string'))})"
