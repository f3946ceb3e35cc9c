"""Glue python shell job: one accepted CSV file becomes typed, deduplicated Parquet in the staged area.

Rows that cannot be kept go to quarantine one by one, each with its reason; the rest of the file goes on. Writes one
part per month of event time, registers the file's partition of the staged table, and leaves two things for the
publishing function: a summary, and the keys of the rows as hashes. Running it again for the same file gives the same
result, unless other files were published meanwhile. Runs on Python 3.9 (Glue's `analytics` libraries, which come with
pandas 1) and later, and is one file because Glue takes it as one.

What was published before is what the ledger has places for, whatever else lies in the curated zone.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import io
import itertools
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypedDict

import boto3
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import PartitionInputTypeDef

REASON = "quarantine_reason"
INTEGER = re.compile(r"[+-]?[0-9]+")
READERS = 10  # requests to S3 at a time: as many as a client keeps connections
INTEGERS: dict[str, Literal["Int32", "Int64"]] = {"int": "Int32", "bigint": "Int64"}
# What Glue's pandas takes for a time beyond this (`12:30`, `01/02/2013`) is a guess, and it knows these years only.
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
YEARS = (1678, 2261)
# pandas before 2 has no ISO8601 format and parses such strings without being told.
TIME_FORMAT = "ISO8601" if int(pd.__version__.split(".")[0]) >= 2 else None
ARROW = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}

PANDAS = {ARROW[kind]: pd.array([], dtype=dtype).dtype for kind, dtype in INTEGERS.items()}


class ColumnSpec(TypedDict, total=False):
    """One column of a source, as `--sources` has it; `required` unless it says otherwise."""

    name: str
    type: str
    required: bool


class Part(TypedDict):
    """One staged file."""

    key: str
    month: str
    rows: int


class Summary(TypedDict):
    """What the publishing function reads; `compared_up_to` is the place of the last published file it knew."""

    rows: int
    rows_quarantined: int
    warnings: list[str]
    parts: list[Part]
    compared_up_to: int
    first_key: str
    last_key: str


class Published(TypedDict):
    """A published file, as the ledger has it."""

    sha256: str
    months: list[str]
    first_key: str
    last_key: str


@dataclass(frozen=True)
class Keys:
    """Keys of rows, as text: the smallest, the largest, and all of them as 64-bit hashes in ascending order."""

    first: str
    last: str
    hashes: np.ndarray

    @classmethod
    def of(cls, column: pd.Series) -> Keys:
        """Keys of a column that has no empty cell."""
        texts = sorted(set(column.astype(str)))
        digests = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
        hashes = np.unique(np.frombuffer(b"".join(digests), dtype="<u8"))
        return cls(first=texts[0] if texts else "", last=texts[-1] if texts else "", hashes=hashes)

    def may_be_in(self, file: Published) -> bool:
        """Whether one of them lies between the first and the last key of a file."""
        return len(self.hashes) > 0 and self.first <= file["last_key"] and file["first_key"] <= self.last


@dataclass
class Outcome:
    """What is kept of a file, what is not, and what a person should know."""

    kept: pd.DataFrame
    quarantined: pd.DataFrame
    warnings: list[str] = field(default_factory=list)


def check_types(text: pd.DataFrame, columns: list[ColumnSpec], needed: tuple[str, ...] = ()) -> Outcome:
    """Cast every column to its type; rows with an uncastable or missing value are quarantined.

    Args:
        text: The file, every cell a string, empty cells as "".
        columns: `name`, `type`, `required` of each column.
        needed: Columns that are required whatever they say: a row without key or event time has no place.
    """
    typed = pd.DataFrame(index=text.index)
    reasons = pd.Series("", index=text.index)
    for column in columns:
        name = column["name"]
        cells = text[name].str.strip()
        empty = cells == ""
        typed[name], bad = cast(cells.mask(empty), column["type"])
        bad &= ~empty
        reasons = reasons.mask(bad, reasons + name + " is not " + column["type"] + ": " + cells.str[:80] + "; ")
        if column.get("required", True) or name in needed:
            reasons = reasons.mask(empty, reasons + name + " is required and empty; ")
    refused = reasons != ""
    quarantined = text[refused].assign(**{REASON: reasons[refused].str.rstrip("; ")})
    return Outcome(kept=typed[~refused], quarantined=quarantined)


def cast(cells: pd.Series, kind: str) -> tuple[pd.Series, pd.Series]:
    """The typed column, and the mask of cells without a value of this type (empty ones included)."""
    if kind == "string":
        return cells, cells.isna()
    if kind in ("timestamp", "date"):
        spelt = cells.where(cells.str.fullmatch(TIME.pattern).fillna(False).astype(bool))
        times = pd.to_datetime(spelt, errors="coerce", utc=True, format=TIME_FORMAT).dt.tz_localize(None)
        times = times.where(times.dt.year.between(*YEARS)).dt.floor("us")  # what Parquet and the catalog keep
        return (times.dt.normalize() if kind == "date" else times), times.isna()
    if kind == "boolean":
        flags = cells.str.lower().map({"true": True, "1": True, "false": False, "0": False}).astype("boolean")
        return flags, flags.isna()
    if kind in INTEGERS:
        whole = [_integer(cell, 2**31 if kind == "int" else 2**63) for cell in cells]
        integers = pd.Series(pd.array(whole, dtype=INTEGERS[kind]), index=cells.index)
        return integers, integers.isna()
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    largest = np.finfo("float32" if kind == "float" else "float64").max
    bad = numbers.isna() | (numbers.abs() > largest)
    return numbers.mask(bad).astype("float32" if kind == "float" else "float64"), bad


def _integer(cell: object, limit: int) -> int | None:
    # Through Python's integers: a float would round numbers above 2**53.
    number = int(cell) if isinstance(cell, str) and INTEGER.fullmatch(cell) else None
    return number if number is not None and -limit <= number < limit else None


def deduplicate(rows: pd.DataFrame, key: str, label: str | None) -> Outcome:
    """Of rows with one key keep the first; drop equal ones, quarantine those that say something else."""
    repeated = rows.duplicated(subset=[key], keep="first")
    if not repeated.any():
        return Outcome(kept=rows, quarantined=rows.iloc[:0].assign(**{REASON: ""}))
    return _compare(rows[repeated], rows[~repeated], rows[~repeated], key, label, "of this file")


def against_curated(rows: pd.DataFrame, curated: pd.DataFrame, key: str, label: str | None) -> Outcome:
    """Drop rows that were published before; quarantine those whose published row says something else."""
    known = rows[key].isin(curated[key])
    if not known.any():
        return Outcome(kept=rows, quarantined=rows.iloc[:0].assign(**{REASON: ""}))
    earlier = curated.drop_duplicates(subset=[key], keep="first")
    return _compare(rows[known], earlier, rows[~known], key, label, "published before")


def _compare(
    again: pd.DataFrame, earlier: pd.DataFrame, kept: pd.DataFrame, key: str, label: str | None, where: str
) -> Outcome:
    matched = earlier.set_index(key).loc[again[key]].set_index(again.index)
    compared = [name for name in again.columns if name != key]
    differs = {name: _differs(again[name], matched[name]) for name in compared}
    reasons = pd.Series("", index=again.index)
    for name in compared:
        verb = "contradicts" if name == label else "differs from"
        now, then = again[name].astype("string").fillna("empty"), matched[name].astype("string").fillna("empty")
        reasons = reasons.mask(differs[name], reasons + ", " + name + " " + now + " " + verb + " " + then)
    refused = reasons != ""
    whole = reasons[refused].str.lstrip(", ") + f" in the row {where} with the same {key}"
    quarantined = again[refused].assign(**{REASON: whole})
    same = int((~refused).sum())
    warnings = [f"{same} rows repeat a row {where} and were dropped"] if same else []
    return Outcome(kept=kept, quarantined=quarantined, warnings=warnings)


def _differs(left: pd.Series, right: pd.Series) -> pd.Series:
    return ~((left == right).fillna(False).astype(bool) | (left.isna() & right.isna()))


def split_months(rows: pd.DataFrame, event_time: str) -> dict[str, pd.DataFrame]:
    """Rows by `YYYY-MM` of their event time."""
    return dict(list(rows.groupby(rows[event_time].dt.strftime("%Y-%m"), sort=True)))


def to_parquet(rows: pd.DataFrame, columns: list[ColumnSpec]) -> bytes:
    """Parquet with exactly the columns and types of the catalog."""
    schema = pa.schema([(column["name"], ARROW[column["type"]]) for column in columns])
    frame = rows[[column["name"] for column in columns]]
    buffer = io.BytesIO()
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(None), buffer, coerce_timestamps="us")
    return buffer.getvalue()


class Job:
    """One file's way from the raw zone to the staged area."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.source = json.loads(arguments.sources)[arguments.dataset]
        self.s3 = boto3.client("s3")

    def run(self) -> Summary:
        """Do the work and return the summary that was written."""
        source = self.source
        outcome = check_types(self._read_csv(), source["columns"], (source["key"], source["event_time"]))
        quarantined, warnings = [outcome.quarantined], []
        unique = deduplicate(outcome.kept, source["key"], source["label"])
        published = self._published()
        earlier = self._read_curated(published, Keys.of(unique.kept[source["key"]]))
        fresh = against_curated(unique.kept, earlier, source["key"], source["label"])
        for step in (unique, fresh):
            quarantined.append(step.quarantined)
            warnings += step.warnings
        parts = self._write_parts(split_months(fresh.kept, source["event_time"]))
        refused = pd.concat(quarantined)
        if len(refused):
            first = refused[REASON].iloc[0]
            warnings.append(f"{len(refused)} rows are in quarantine, the first because: {first}")
            self._put(self.arguments.quarantine_uri + "rows.csv", refused.to_csv(index=False).encode())
        self._register_partition()
        keys = Keys.of(fresh.kept[source["key"]])
        self._put(self._keys_uri(self.arguments.content_sha256), keys.hashes.tobytes())
        summary: Summary = {
            "rows": len(fresh.kept),
            "rows_quarantined": len(refused),
            "warnings": warnings,
            "parts": parts,
            "compared_up_to": len(published),
            "first_key": keys.first,
            "last_key": keys.last,
        }
        self._put(self.arguments.meta_uri, json.dumps(summary, indent=1).encode())
        return summary

    def _read_csv(self) -> pd.DataFrame:
        bucket, key = _split(self.arguments.raw_uri)
        body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return pd.read_csv(io.BytesIO(body), dtype=str, keep_default_na=False, encoding="utf-8-sig")

    def _published(self) -> list[Published]:
        """All published files in their order, up to the first gap: what is behind it is looked at when publishing."""
        pages = boto3.client("dynamodb").get_paginator("query")
        found: list[Published] = []
        for page in pages.paginate(
            TableName=self.arguments.ledger_table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :published)",
            ExpressionAttributeValues={
                ":pk": {"S": f"{self.arguments.workload}#{self.arguments.dataset}"},
                ":published": {"S": "published#"},
            },
            ConsistentRead=True,
        ):
            for item in page["Items"]:
                if int(item["sk"]["S"].split("#")[1]) != len(found) + 1:
                    return found
                sha256, first, last = (item[name]["S"] for name in ("sha256", "first_key", "last_key"))
                months = sorted(json.loads(item["months"]["S"]))
                found.append({"sha256": sha256, "months": months, "first_key": first, "last_key": last})
        return found

    def _read_curated(self, published: list[Published], keys: Keys) -> pd.DataFrame:
        """Rows of the files that may hold one of the keys, whatever their month: an event time may be corrected."""
        own = self.arguments.content_sha256  # published already when somebody starts a finished execution anew
        near = [file for file in published if file["sha256"] != own and keys.may_be_in(file)]
        with ThreadPoolExecutor(READERS) as pool:
            sharing = list(itertools.compress(near, pool.map(functools.partial(self._shares_keys, keys), near)))
        frames = [to_frame(b"", self.source["columns"])]
        names = [column["name"] for column in self.source["columns"]]
        for file in sharing:
            for month in file["months"]:
                body = self._get(f"{self.arguments.curated_uri}month={month}/{file['sha256']}.parquet")
                if body is not None:  # else somebody removed it: then it is not published any more
                    frames.append(to_frame(body, self.source["columns"])[names])
        return pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)

    def _shares_keys(self, keys: Keys, file: Published) -> bool:
        body = self._get(self._keys_uri(file["sha256"]))
        return body is None or bool(np.isin(keys.hashes, np.frombuffer(body, dtype="<u8")).any())

    def _keys_uri(self, sha256: str) -> str:
        return f"{self.arguments.meta_uri.rsplit('/', 1)[0]}/{sha256}.keys"

    def _write_parts(self, months: dict[str, pd.DataFrame]) -> list[Part]:
        bucket, prefix = _split(self.arguments.staged_uri)
        keys = {prefix + "part-" + month + ".parquet": month for month in months}
        for stale in set(self._keys(bucket, prefix)) - set(keys):
            self.s3.delete_object(Bucket=bucket, Key=stale)
        for key, month in keys.items():
            self.s3.put_object(Bucket=bucket, Key=key, Body=to_parquet(months[month], self.source["columns"]))
        return [{"key": key, "month": month, "rows": len(months[month])} for key, month in keys.items()]

    def _register_partition(self) -> None:
        glue = boto3.client("glue")
        database, table = self.arguments.database, self.arguments.staged_table
        descriptor = glue.get_table(DatabaseName=database, Name=table)["Table"]["StorageDescriptor"]
        partition: PartitionInputTypeDef = {
            "Values": [self.arguments.content_sha256],
            "StorageDescriptor": {**descriptor, "Location": self.arguments.staged_uri},
        }
        answer = glue.batch_create_partition(DatabaseName=database, TableName=table, PartitionInputList=[partition])
        for error in answer.get("Errors", []):
            if error["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException":
                raise RuntimeError(f"the staged partition was not registered: {error['ErrorDetail']}")

    def _keys(self, bucket: str, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def _get(self, uri: str) -> bytes | None:
        bucket, key = _split(uri)
        try:
            body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except self.s3.exceptions.ClientError as error:
            # Who may not list the whole bucket is told that it is refused, not that there is nothing.
            code = error.response["Error"]["Code"]
            if code not in ("NoSuchKey", "AccessDenied") or key in self._keys(bucket, key):
                raise
            return None
        return body

    def _put(self, uri: str, body: bytes) -> None:
        bucket, key = _split(uri)
        self.s3.put_object(Bucket=bucket, Key=key, Body=body)


def to_frame(parquet: bytes, columns: list[ColumnSpec]) -> pd.DataFrame:
    """Rows of a Parquet file (none of empty bytes) in the same pandas types that `check_types` gives."""
    if parquet:
        # Without the mapping integers with a missing one among them become floats, which round above 2**53.
        frame: pd.DataFrame = pq.read_table(io.BytesIO(parquet)).to_pandas(types_mapper=PANDAS.get)
    else:
        frame = pd.DataFrame({column["name"]: pd.Series(dtype="object") for column in columns})
    for column in columns:
        kind, name = column["type"], column["name"]
        if kind in INTEGERS:
            frame[name] = frame[name].astype(INTEGERS[kind])
        elif kind in ("timestamp", "date"):
            frame[name] = pd.to_datetime(frame[name])
        elif kind == "boolean":
            frame[name] = frame[name].astype("boolean")
    return frame


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri[len("s3://") :].partition("/")
    return bucket, key


def parse(argv: list[str]) -> argparse.Namespace:
    """The job's arguments; what Glue adds on its own (`--job-language` and the like) is ignored."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("sources", "dataset", "content_sha256", "raw_uri", "staged_uri", "curated_uri", "quarantine_uri"):
        parser.add_argument("--" + name, required=True)
    for name in ("meta_uri", "database", "staged_table", "workload", "ledger_table"):
        parser.add_argument("--" + name, required=True)
    return parser.parse_known_args(argv)[0]


if __name__ == "__main__":
    print(json.dumps(Job(parse(sys.argv[1:])).run()))  # noqa: T201  (the job's log)
