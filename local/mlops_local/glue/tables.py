"""A catalog table's Parquet in DuckDB, read as a role: partitions by predicate, columns by the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import duckdb
from botocore.exceptions import ClientError

from ..dqdl.conditions import identifier, literal
from ..objects import DataError, list_keys, split_uri
from ..runtime import Runtime
from .predicates import PredicateError, matching, sql_type


def load_table(
    runtime: Runtime,
    session: boto3.Session,
    source: dict[str, Any],
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
    relation: str,
) -> None:
    """Makes a table of the catalog a relation in DuckDB.

    Only partitions that are registered in the catalog are read, as Glue does.

    Args:
        runtime: The local AWS.
        session: Role that reads catalog and objects.
        source: `GlueTable`: database, table, `AdditionalOptions` with `pushDownPredicate` and
            `catalogPartitionPredicate`.
        folder: Where the files are put; emptied by the caller.
        connection: DuckDB.
        relation: Name of the relation to make.

    Raises:
        DataError: no permission, not Parquet, or a predicate that can't be evaluated.
    """
    try:
        table, places = _places(runtime, session, source)
        s3 = runtime.client("s3", session)
        parts = [_select(_fetch(s3, place["Location"], folder / str(i)), place) for i, place in enumerate(places)]
    except ClientError as error:
        raise DataError(f"{error.operation_name} failed: {error.response['Error'].get('Message')}") from error
    except PredicateError as error:
        raise DataError(str(error)) from error
    selects = [part for part in parts if part]
    body = " UNION ALL BY NAME ".join(selects) if selects else _empty(table)
    connection.execute(f"CREATE TABLE {identifier(relation)} AS {body}")


def _places(
    runtime: Runtime, session: boto3.Session, source: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The table, and where its data is: `Location` plus the partition's constant columns."""
    glue = runtime.client("glue", session)
    names = {"DatabaseName": source["DatabaseName"]}
    table = glue.get_table(**names, Name=source["TableName"])["Table"]
    descriptor = table["StorageDescriptor"]
    if "parquet" not in str(descriptor.get("InputFormat", "") + str(descriptor.get("SerdeInfo", ""))).lower():
        raise DataError(f"the local AWS checks Parquet tables only, and {source['TableName']} is not one")
    options, keys = source.get("AdditionalOptions", {}), table.get("PartitionKeys", [])
    if not keys:
        return table, [{"Location": descriptor["Location"], "columns": []}]
    query = {"Expression": options["catalogPartitionPredicate"]} if "catalogPartitionPredicate" in options else {}
    pages = glue.get_paginator("get_partitions").paginate(**names, TableName=source["TableName"], **query)
    partitions = [partition for page in pages for partition in page["Partitions"]]
    chosen = matching(options.get("pushDownPredicate", ""), keys, partitions)
    return table, [
        {
            "Location": partition["StorageDescriptor"]["Location"],
            "columns": list(zip(keys, partition["Values"], strict=True)),
        }
        for partition in chosen
    ]


def _fetch(s3: Any, location: str, folder: Path) -> list[Path]:
    bucket, prefix = split_uri(location if location.endswith("/") else location + "/")
    folder.mkdir(parents=True)
    files: list[Path] = []
    for key in list_keys(s3, bucket, prefix):
        if Path(key).name.startswith(("_", ".")):  # Hadoop's own files
            continue
        target = folder / f"{len(files)}.parquet"
        target.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        files.append(target)
    return files


def _select(files: list[Path], place: dict[str, Any]) -> str:
    if not files:
        return ""
    constants = "".join(
        f", CAST({literal(value)} AS {sql_type(key.get('Type', 'string'))}) AS {identifier(key['Name'])}"
        for key, value in place["columns"]
    )
    listed = ", ".join(literal(str(file)) for file in files)
    return f"SELECT *{constants} FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"  # noqa: S608


def _empty(table: dict[str, Any]) -> str:
    columns = [*table["StorageDescriptor"].get("Columns", []), *table.get("PartitionKeys", [])]
    typed = ", ".join(f"CAST(NULL AS {sql_type(c.get('Type', 'string'))}) AS {identifier(c['Name'])}" for c in columns)
    return f"SELECT {typed or '1 AS nothing'} WHERE FALSE"
