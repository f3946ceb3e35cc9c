"""The curating job from CSV bytes to Parquet bytes, and its pure steps."""

import hashlib
import importlib.util
import io
import json
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType

import pandas as pd
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

SCRIPT = Path(__file__).parents[2] / "constructs/mlops_constructs/datalake/scripts/curate.py"
COLUMNS = [
    {"name": "id", "type": "string", "required": True},
    {"name": "event_time", "type": "timestamp", "required": True},
    {"name": "count", "type": "int", "required": True},
    {"name": "temp", "type": "double", "required": False},
    {"name": "late", "type": "int", "required": False},
]
SOURCES = {"labels": {"columns": COLUMNS, "key": "id", "event_time": "event_time", "label": "late"}}
HEADER = "id,event_time,count,temp,late\n"


@pytest.fixture(scope="module")
def curate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("curate", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["curate"] = module
    spec.loader.exec_module(module)
    return module


class FakeS3:
    """S3 in a dictionary: only what the job calls, with S3's shapes, and its answer to who lists some prefixes."""

    exceptions = Namespace(ClientError=ClientError)

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.read: list[str] = []

    def put_object(self, **call):
        self.objects[call["Bucket"], call["Key"]] = call["Body"]

    def get_object(self, **call):
        self.read.append(call["Key"])
        if (call["Bucket"], call["Key"]) not in self.objects:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[call["Bucket"], call["Key"]])}

    def delete_object(self, **call):
        del self.objects[call["Bucket"], call["Key"]]

    def copy_object(self, **call):
        source = call["CopySource"]
        self.objects[call["Bucket"], call["Key"]] = self.objects[source["Bucket"], source["Key"]]

    def get_paginator(self, _name):
        return self

    def paginate(self, **call):
        keys = sorted(k for bucket, k in self.objects if bucket == call["Bucket"] and k.startswith(call["Prefix"]))
        return [{"Contents": [{"Key": key} for key in keys]}] if keys else [{}]


class FakeGlue:
    """The catalog's one table; a partition that exists is an error, as Glue reports it."""

    def __init__(self) -> None:
        self.partitions: dict[str, dict] = {}

    def get_table(self, **call):
        assert call == {"DatabaseName": "db", "Name": "w_labels_staged"}
        return {"Table": {"StorageDescriptor": {"Columns": [{"Name": "id"}], "Location": "s3://raw/staged/w/labels/"}}}

    def batch_create_partition(self, **call):
        errors = []
        for partition in call["PartitionInputList"]:
            if partition["Values"][0] in self.partitions:
                errors.append({"ErrorDetail": {"ErrorCode": "AlreadyExistsException"}})
            self.partitions.setdefault(partition["Values"][0], partition)
        return {"Errors": errors}


class FakeLedger:
    """The rows of published files, by place."""

    def __init__(self) -> None:
        self.rows: dict[int, dict] = {}

    def add(self, sha: str, summary: dict, place: int) -> None:
        months = {part["month"]: part["rows"] for part in summary["parts"]}
        texts = {"sk": f"published#{place:010d}", "sha256": sha, "months": json.dumps(months)}
        texts |= {name: summary[name] for name in ("first_key", "last_key")}
        self.rows[place] = {name: {"S": text} for name, text in texts.items()}

    def get_paginator(self, name):
        assert name == "query"
        return self

    def paginate(self, **call):
        assert call["ConsistentRead"] is True
        assert call["TableName"] == "ledger"
        assert call["ExpressionAttributeValues"][":pk"] == {"S": "w#labels"}
        return [{"Items": [row]} for _, row in sorted(self.rows.items())]


@pytest.fixture
def catalog():
    return FakeGlue()


@pytest.fixture
def ledger():
    return FakeLedger()


@pytest.fixture
def aws(curate, catalog, ledger, monkeypatch):
    s3 = FakeS3()
    monkeypatch.setattr(curate.boto3, "client", {"s3": s3, "glue": catalog, "dynamodb": ledger}.__getitem__)
    return s3


def run(curate: ModuleType, s3, body: str, sha: str = "a" * 64) -> dict:
    s3.put_object(Bucket="raw", Key=f"w/labels/{sha}.csv", Body=body.encode())
    given = {
        "job-language": "python",  # Glue adds arguments of its own
        "sources": json.dumps(SOURCES),
        "dataset": "labels",
        "content_sha256": sha,
        "raw_uri": f"s3://raw/w/labels/{sha}.csv",
        "staged_uri": f"s3://raw/staged/w/labels/file={sha}/",
        "curated_uri": "s3://curated/w/labels/",
        "quarantine_uri": f"s3://quarantine/w/labels/{sha}/",
        "meta_uri": f"s3://raw/staged-meta/w/labels/{sha}.json",
        "database": "db",
        "staged_table": "w_labels_staged",
        "workload": "w",
        "ledger_table": "ledger",
    }
    arguments = curate.parse([word for name, value in given.items() for word in (f"--{name}", value)])
    assert isinstance(arguments, Namespace)
    summary = curate.Job(arguments).run()
    meta = s3.get_object(Bucket="raw", Key=f"staged-meta/w/labels/{sha}.json")["Body"].read()
    assert json.loads(meta) == summary
    return summary


def publish(s3, ledger, summary: dict, sha: str = "a" * 64) -> None:
    ledger.add(sha, summary, place=len(ledger.rows) + 1)
    copy_parts(s3, summary, sha)


def copy_parts(s3, summary: dict, sha: str) -> None:
    for part in summary["parts"]:
        key = f"w/labels/month={part['month']}/{sha}.parquet"
        s3.copy_object(Bucket="curated", Key=key, CopySource={"Bucket": "raw", "Key": part["key"]})


def quarantined(s3, sha: str) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(s3.get_object(Bucket="quarantine", Key=f"w/labels/{sha}/rows.csv")["Body"].read()))


def test_rows_are_staged_per_month_with_the_types_of_the_catalog(curate, aws):
    summary = run(curate, aws, HEADER + "a,2013-01-31T23:59:00,1,,0\nb,2013-02-01T00:00:00,2,3.5,1\n")
    assert [(part["month"], part["rows"]) for part in summary["parts"]] == [("2013-01", 1), ("2013-02", 1)]
    table = pq.read_table(io.BytesIO(aws.get_object(Bucket="raw", Key=summary["parts"][1]["key"])["Body"].read()))
    types = ["string", "timestamp[us]", "int32", "double", "int32"]
    assert [str(field.type) for field in table.schema] == types
    assert table.to_pylist()[0]["temp"] == 3.5
    assert (summary["rows"], summary["rows_quarantined"], summary["warnings"]) == (2, 0, [])


def test_the_staged_partition_of_the_file_is_registered_once(curate, aws, catalog):
    body = HEADER + "a,2013-01-01T00:00:00,1,,0\n"
    run(curate, aws, body)
    run(curate, aws, body)
    assert list(catalog.partitions) == ["a" * 64]
    storage = catalog.partitions["a" * 64]["StorageDescriptor"]
    assert storage["Location"] == f"s3://raw/staged/w/labels/file={'a' * 64}/"
    assert storage["Columns"] == [{"Name": "id"}]


def test_a_row_that_cannot_be_cast_is_quarantined_with_the_reason_and_the_rest_goes_on(curate, aws):
    rows = (
        "a,2013-01-01T00:00:00,1,,0\nb,yesterday,x,,0\nc,2013-01-01T00:00:00,,,1\nd,2013-01-01T00:00:00,3000000000,,1\n"
    )
    summary = run(curate, aws, HEADER + rows)
    assert (summary["rows"], summary["rows_quarantined"]) == (1, 3)
    reasons = list(quarantined(aws, "a" * 64)["quarantine_reason"])
    assert reasons[0] == "event_time is not timestamp: yesterday; count is not int: x"
    assert reasons[1] == "count is required and empty"
    assert reasons[2] == "count is not int: 3000000000"
    assert "3 rows are in quarantine" in summary["warnings"][0]


def test_equal_rows_are_dropped_and_contradicting_labels_are_quarantined(curate, aws):
    first = "a,2013-01-01T00:00:00,1,2.5,0\n"
    summary = run(curate, aws, HEADER + first + first + first.replace(",0\n", ",1\n"))
    assert (summary["rows"], summary["rows_quarantined"]) == (1, 1)
    assert "1 rows repeat a row of this file" in summary["warnings"][0]
    (reason,) = quarantined(aws, "a" * 64)["quarantine_reason"]
    assert reason == "late 1 contradicts 0 in the row of this file with the same id"


def test_a_label_that_contradicts_a_published_one_is_quarantined(curate, aws, ledger):
    publish(aws, ledger, run(curate, aws, HEADER + "a,2013-01-01T00:00:00,1,,0\nb,2013-01-02T00:00:00,1,,1\n"))
    later = HEADER + "a,2013-01-01T00:00:00,1,,1\nb,2013-01-02T00:00:00,1,,1\nc,2013-01-03T00:00:00,1,,1\n"
    summary = run(curate, aws, later, "b" * 64)
    assert (summary["rows"], summary["rows_quarantined"]) == (1, 1)
    assert summary["warnings"][0] == "1 rows repeat a row published before and were dropped"
    (reason,) = quarantined(aws, "b" * 64)["quarantine_reason"]
    assert reason == "late 1 contradicts 0 in the row published before with the same id"


def test_a_label_whose_event_time_moved_to_another_month_is_quarantined(curate, aws, ledger):
    publish(aws, ledger, run(curate, aws, HEADER + "a,2013-01-31T23:00:00,1,,0\n"))
    summary = run(curate, aws, HEADER + "a,2013-07-01T01:00:00,1,,1\nb,2013-07-01T01:00:00,1,,1\n", "b" * 64)
    assert (summary["rows"], summary["rows_quarantined"]) == (1, 1)
    reason = quarantined(aws, "b" * 64)["quarantine_reason"][0]
    assert reason == (
        "event_time 2013-07-01 01:00:00 differs from 2013-01-31 23:00:00, late 1 contradicts 0 in the row published "
        "before with the same id"
    )


def test_rows_that_a_failed_file_left_behind_are_not_published(curate, aws):
    copy_parts(aws, run(curate, aws, HEADER + "a,2013-01-01T00:00:00,1,,0\n"), "a" * 64)
    again = HEADER + "a,2013-01-01T00:00:00,1,,0\nb,2013-01-01T00:00:00,1,,0\n"
    assert run(curate, aws, again, "b" * 64)["rows"] == 2


def test_a_redriven_file_is_not_a_duplicate_of_itself(curate, aws, ledger):
    body = HEADER + "a,2013-01-01T00:00:00,1,,0\n"
    publish(aws, ledger, run(curate, aws, body))
    assert run(curate, aws, body)["rows"] == 1


def test_the_summary_says_what_its_rows_were_compared_with_and_where_their_keys_lie(curate, aws, ledger):
    summary = run(curate, aws, HEADER + "c,2013-01-01T00:00:00,1,,0\nb,2013-01-01T00:00:00,1,,0\n")
    assert (summary["compared_up_to"], summary["first_key"], summary["last_key"]) == (0, "b", "c")
    keys = aws.objects["raw", f"staged-meta/w/labels/{'a' * 64}.keys"]
    assert [keys[:8], keys[8:]] == sorted(
        (hashlib.blake2b(key, digest_size=8).digest() for key in (b"b", b"c")),
        key=lambda digest: int.from_bytes(digest, "little"),
    )
    publish(aws, ledger, summary)
    assert run(curate, aws, HEADER + "d,2013-01-01T00:00:00,1,,0\n", "b" * 64)["compared_up_to"] == 1


def test_a_file_published_while_the_ledger_is_read_is_left_to_the_publisher(curate, aws, ledger):
    """Its place is there, the one before it was not yet when that part of the table was read."""
    rows = HEADER + "a,2013-01-01T00:00:00,1,,0\n"
    ledger.add("b" * 64, run(curate, aws, rows), place=2)
    assert run(curate, aws, rows, "c" * 64)["compared_up_to"] == 0


def test_files_without_a_common_key_are_not_read(curate, aws, ledger):
    publish(aws, ledger, run(curate, aws, HEADER + "a,2013-01-01T00:00:00,1,,0\nc,2013-01-01T00:00:00,1,,0\n"))
    aws.read.clear()
    run(curate, aws, HEADER + "b,2013-01-01T00:00:00,1,,0\n", "b" * 64)  # between the first and the last key
    run(curate, aws, HEADER + "d,2013-01-01T00:00:00,1,,0\n", "c" * 64)  # behind the last key
    assert [key for key in aws.read if key.endswith(".parquet")] == []
    assert [key for key in aws.read if key.endswith(f"{'a' * 64}.keys")] == [f"staged-meta/w/labels/{'a' * 64}.keys"]


def test_rows_are_compared_when_nobody_knows_the_keys_of_a_published_file(curate, aws, ledger):
    publish(aws, ledger, run(curate, aws, HEADER + "a,2013-01-01T00:00:00,1,,0\n"))
    aws.delete_object(Bucket="raw", Key=f"staged-meta/w/labels/{'a' * 64}.keys")
    assert run(curate, aws, HEADER + "a,2013-01-01T00:00:00,1,,1\n", "b" * 64)["rows_quarantined"] == 1


def test_parts_of_an_earlier_attempt_do_not_stay(curate, aws):
    aws.put_object(Bucket="raw", Key=f"staged/w/labels/file={'a' * 64}/part-2012-12.parquet", Body=b"old")
    run(curate, aws, HEADER + "a,2013-01-01T00:00:00,1,,0\n")
    keys = [key for bucket, key in aws.objects if key.startswith("staged/")]
    assert keys == [f"staged/w/labels/file={'a' * 64}/part-2013-01.parquet"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1)), min_size=1, max_size=12))
def test_every_row_is_kept_dropped_or_quarantined(curate, rows):
    text = pd.DataFrame(rows, columns=["id", "late"]).astype(str)
    columns = [{"name": "id", "type": "string", "required": True}, {"name": "late", "type": "int", "required": True}]
    outcome = curate.deduplicate(curate.check_types(text, columns).kept, "id", "late")
    dropped = int(outcome.warnings[0].split()[0]) if outcome.warnings else 0
    assert len(outcome.kept) + len(outcome.quarantined) + dropped == len(rows)
    assert outcome.kept["id"].is_unique
    assert dict(zip(outcome.kept["id"], outcome.kept["late"], strict=True)) == dict(reversed(rows))


@given(st.integers(-(2**63), 2**63 - 1))
def test_big_integers_are_exact_beside_cells_without_a_value(curate, number):
    cells = pd.Series([str(number), None, "oops", str(number)])
    typed, bad = curate.cast(cells, "bigint")
    assert list(bad) == [False, True, True, False]
    assert [int(typed[0]), int(typed[3])] == [number, number]
    columns = [{"name": "id", "type": "bigint", "required": False}]
    rows = pd.DataFrame({"id": typed})
    read = curate.to_frame(curate.to_parquet(rows, columns), columns)
    assert int(read["id"][0]) == number and read["id"].isna().tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        ("timestamp", "2013-01-01T05:00:00.1234567Z", "2013-01-01 05:00:00.123456"),
        ("timestamp", "2013-01-01 05:00:00+01:00", "2013-01-01 04:00:00"),
        ("timestamp", "2013-01-01", "2013-01-01 00:00:00"),
        ("date", "2013-02-28T23:00", "2013-02-28 00:00:00"),
        ("date", "2261-12-31", "2261-12-31 00:00:00"),
        ("date", "9999-12-31", None),
        ("date", "1600-01-01", None),
        ("date", "01/02/2013", None),
        ("timestamp", "12:30", None),
        ("timestamp", "2013-02-30", None),
        ("timestamp", "2013-Q1", None),
        ("timestamp", "now", None),
    ],
)
def test_times_are_what_every_version_of_pandas_takes_them_for(curate, kind, text, kept):
    typed, bad = curate.cast(pd.Series([text, None, "2013-06-01"]), kind)
    assert list(bad) == [kept is None, True, False]
    assert kept is None or typed[0] == pd.Timestamp(kept)
    columns = [{"name": "at", "type": kind, "required": False}]
    read = curate.to_frame(curate.to_parquet(pd.DataFrame({"at": typed}), columns), columns)
    assert kept is None or read["at"][0] == pd.Timestamp(kept)


@pytest.mark.parametrize(("kind", "text", "bad"), [("float", "1e39", True), ("double", "1e39", False)])
def test_what_a_float_cannot_hold_is_refused(curate, kind, text, bad):
    typed, refused = curate.cast(pd.Series([text, "-1.5"]), kind)
    assert list(refused) == [bad, False]
    assert typed[1] == -1.5
