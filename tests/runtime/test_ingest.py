"""From the verdict to curated rows or quarantine: nothing lost, nothing counted twice."""

from __future__ import annotations

import json

import pytest

from mlops_runtime import aws, layout
from mlops_runtime.errors import StagedDataInvalid
from mlops_runtime.ledger import Ledger
from publish_snapshot.logic import copies, read_summary
from tests.runtime.conftest import WORKLOAD, Account, Call, Json

SHA = "ab" * 32
GOOD = "flight_id,event_time,late\na,2013-01-31T23:00:00,0\nb,2013-02-01T01:00:00,1\n"

SUMMARY: Json = {"rows": 100, "rows_quarantined": 0, "compared_up_to": 0, "first_key": "a", "last_key": "z"}


@pytest.fixture
def catalog(account: Account) -> Account:
    aws.glue().create_database(DatabaseInput={"Name": "mlops_local"})
    for table in ("flight_delays_labels", "flight_delays_flights"):
        aws.glue().create_table(
            DatabaseName="mlops_local",
            TableInput={
                "Name": table,
                "StorageDescriptor": {"Location": f"s3://curated/{table}", "Columns": [{"Name": "x", "Type": "int"}]},
                "PartitionKeys": [{"Name": "month", "Type": "string"}],
            },
        )
    return account


def stage(account: Account, sha256: str, dataset: str = "labels", *, quarantined: int = 0) -> None:
    """What guard and curating job leave: the claim, raw file, one part per month, summary."""
    Ledger(aws.dynamodb(), "ledger", WORKLOAD, dataset).claim(sha256, execution="e", source_uri="uri", now=1)
    account.put("raw", layout.raw(WORKLOAD, dataset, sha256), GOOD)
    parts = []
    for month, rows in (("2013-01", 60), ("2013-02", 40)):
        key = f"{layout.staged_prefix(WORKLOAD, dataset, sha256)}part-{month}.parquet"
        account.put("raw", key, f"parquet of {month}")
        parts.append({"key": key, "month": month, "rows": rows})
    summary: Json = {**SUMMARY, "rows_quarantined": quarantined, "warnings": ["w"], "parts": parts}
    account.put("raw", layout.staged_meta(WORKLOAD, dataset, sha256), summary)


def publish(call: Call, sha256: str = SHA, dataset: str = "labels", name: str = "a.csv") -> Json:
    uri = f"s3://landing/{WORKLOAD}/{dataset}/{name}"
    event: Json = {"dataset": dataset, "content_sha256": sha256, "source_uri": uri, "execution": "e"}
    return call("publish_snapshot", event)


def quarantine(call: Call, account: Account, name: str, code: str = "broken_row", text: str = "x" * 50) -> Json:
    key = f"{WORKLOAD}/labels/{name}"
    account.put("landing", key, text)
    event: Json = {"bucket": "landing", "key": key, "version_id": None, "dataset": "labels", "content_sha256": SHA}
    return call("quarantine", {**event, "reason_code": code, "reason": "line 3", "execution": "e"})


def test_publishing_copies_each_month_and_registers_its_partition(catalog: Account, call: Call) -> None:
    stage(catalog, SHA, quarantined=5)
    published = publish(call)
    assert published["months"] == ["2013-01", "2013-02"]
    assert published["rows"] == 100
    assert catalog.keys("curated") == [
        f"flight-delays/labels/month=2013-01/{SHA}.parquet",
        f"flight-delays/labels/month=2013-02/{SHA}.parquet",
    ]
    partitions = aws.glue().get_partitions(DatabaseName="mlops_local", TableName="flight_delays_labels")["Partitions"]
    locations = {item["Values"][0]: item["StorageDescriptor"]["Location"] for item in partitions}
    assert locations["2013-02"] == "s3://curated/flight_delays_labels/month=2013-02/"


def test_publishing_twice_counts_once(catalog: Account, call: Call) -> None:
    stage(catalog, SHA, quarantined=5)
    assert publish(call) == publish(call)
    item = catalog.gate_item()
    assert (item["new_rows"], item["rows_accepted"], item["rows_quarantined"]) == (100, 100, 5)
    assert item["bytes_accepted"] == len(GOOD)


def test_rows_without_label_are_no_new_rows_for_training(catalog: Account, call: Call) -> None:
    stage(catalog, SHA, "flights")
    publish(call, dataset="flights")
    assert (catalog.gate_item()["new_rows"], catalog.gate_item()["rows_accepted"]) == (0, 100)


def test_a_refused_file_is_kept_with_its_reason(account: Account, call: Call) -> None:
    uri = str(quarantine(call, account, "feb.csv")["quarantine_uri"])
    assert uri == f"s3://quarantine/flight-delays/labels/{SHA}/feb.csv"
    assert account.get(uri) == b"x" * 50
    reason = json.loads(account.get(uri.replace("feb.csv", "reason.json")))
    assert (reason["reason_code"], reason["reason"], reason["bytes"]) == ("broken_row", "line 3", 50)


def test_a_refused_file_counts_once_however_often_it_is_refused(account: Account, call: Call) -> None:
    quarantine(call, account, "feb.csv")
    quarantine(call, account, "feb.csv")
    quarantine(call, account, "mar.csv")
    assert account.gate_item()["bytes_rejected"] == 100


def test_the_corrected_file_takes_the_refusal_back(catalog: Account, call: Call) -> None:
    quarantine(call, catalog, "feb.csv")
    stage(catalog, "cd" * 32)
    publish(call, "cd" * 32, name="feb.csv")
    assert catalog.gate_item()["bytes_rejected"] == 0


def test_a_duplicate_takes_nothing_from_training(account: Account, call: Call) -> None:
    quarantine(call, account, "feb.csv", code="duplicate_file")
    assert account.gate_item() == {}


def test_quarantine_releases_the_claim_so_that_the_file_may_come_again(account: Account, call: Call) -> None:
    event: Json = {"bucket": "landing", "key": f"{WORKLOAD}/labels/a.csv", "version_id": None, "execution": "first"}
    account.put("landing", str(event["key"]), GOOD)
    verdict = call("schema_guard", event)
    refused = {
        "reason_code": "quality",
        "reason": "r",
        "dataset": "labels",
        "content_sha256": verdict["content_sha256"],
    }
    call("quarantine", {**event, **refused})
    assert call("schema_guard", {**event, "execution": "second"})["verdict"] == "accepted"


def test_quarantining_a_duplicate_leaves_the_first_files_claim(account: Account, call: Call) -> None:
    for name in ("a.csv", "b.csv"):
        account.put("landing", f"{WORKLOAD}/labels/{name}", GOOD)
    event: Json = {"bucket": "landing", "version_id": None}
    first = call("schema_guard", {**event, "key": f"{WORKLOAD}/labels/a.csv", "execution": "a"})
    second: Json = {**event, "key": f"{WORKLOAD}/labels/b.csv", "execution": "b"}
    verdict = call("schema_guard", second)
    refused = {key: verdict[key] for key in ("dataset", "reason_code", "reason", "content_sha256")}
    call("quarantine", {**second, **refused})
    entry = aws.dynamodb().get_item(
        TableName="ledger", Key={"pk": {"S": "flight-delays#labels"}, "sk": {"S": str(first["content_sha256"])}}
    )
    assert entry["Item"]["execution"] == {"S": "a"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": 99}, "parts hold 100 rows"),
        ({"rows": "many"}, "rows"),
        ({"parts": [{"key": "k", "month": "2013-01", "rows": 50}] * 2}, "one part per month"),
        ({"parts": [{"key": "k", "month": "Jan", "rows": 100}]}, "month"),
    ],
)
def test_a_summary_that_contradicts_itself_is_refused(change: Json, words: str) -> None:
    summary: Json = {**SUMMARY, "parts": [{"key": "k", "month": "2013-01", "rows": 100}]}
    with pytest.raises(StagedDataInvalid, match=words):
        read_summary({**summary, **change}, "s3://raw/meta")


def test_a_part_of_another_file_is_refused() -> None:
    part: Json = {"key": "staged/other/x.parquet", "month": "2013-01", "rows": 1}
    summary = read_summary({**SUMMARY, "rows": 1, "parts": [part]}, "uri")
    with pytest.raises(StagedDataInvalid, match="outside"):
        copies(summary, workload=WORKLOAD, dataset="labels", sha256=SHA)


def test_a_missing_summary_is_named(catalog: Account, call: Call) -> None:
    with pytest.raises(StagedDataInvalid, match=f"{SHA}.json does not exist"):
        publish(call)
