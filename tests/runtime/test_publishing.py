"""Files on their way at the same time end as if one had come after the other; what fails leaves nothing behind."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from botocore.client import BaseClient

from mlops_runtime import aws, layout
from mlops_runtime.errors import ClaimLost
from mlops_runtime.ledger import Ledger
from pin_snapshot import store
from publish_snapshot import publishing
from tests.runtime.conftest import SOURCES, WORKLOAD, Account, Call, Json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

SCRIPT = Path(__file__).parents[2] / "constructs/mlops_constructs/datalake/scripts/curate.py"
HEADER = "flight_id,event_time,late\n"
JANUARY, FEBRUARY = "2013-01-31T23:00:00", "2013-02-01T01:00:00"


@pytest.fixture(scope="module")
def curate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("curate", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["curate"] = module
    spec.loader.exec_module(module)
    return module


class Platform:
    """The steps of the `ingest` workflow that touch rows, one call each, so that a test can interleave them."""

    def __init__(self, account: Account, call: Call, curate: ModuleType) -> None:
        self.account, self._call, self._curate = account, call, curate
        self.refused: list[str] = []

    def accept(self, name: str, *rows: str) -> str:
        """Land a file; returns its content's hash."""
        text = HEADER + "".join(f"{row}\n" for row in rows)
        event: Json = {**_landed(name), "execution": name}
        self.account.put("landing", str(event["key"]), text)
        verdict = self._call("schema_guard", event)
        assert verdict["verdict"] == "accepted", verdict
        self.account.put("raw", str(verdict["raw_key"]), text)
        return str(verdict["content_sha256"])

    def curate(self, sha256: str) -> Json:
        given = {
            "sources": json.dumps(SOURCES),
            "dataset": "labels",
            "content_sha256": sha256,
            "raw_uri": f"s3://raw/{layout.raw(WORKLOAD, 'labels', sha256)}",
            "staged_uri": f"s3://raw/{layout.staged_prefix(WORKLOAD, 'labels', sha256)}",
            "curated_uri": f"s3://curated/{layout.curated_prefix(WORKLOAD, 'labels')}",
            "quarantine_uri": f"s3://quarantine/{layout.quarantine_prefix(WORKLOAD, 'labels', sha256)}",
            "meta_uri": f"s3://raw/{layout.staged_meta(WORKLOAD, 'labels', sha256)}",
            "database": "mlops_local",
            "staged_table": "flight_delays_labels_staged",
            "workload": WORKLOAD,
            "ledger_table": "ledger",
        }
        arguments = self._curate.parse([word for name, value in given.items() for word in (f"--{name}", value)])
        summary: Json = self._curate.Job(arguments).run()
        return summary

    def publish(self, name: str, sha256: str) -> Json:
        uri = f"s3://landing/{_landed(name)['key']}"
        return self._call(
            "publish_snapshot",
            {"dataset": "labels", "content_sha256": sha256, "source_uri": uri, "execution": name},
        )

    def quarantine(self, name: str, sha256: str, code: str = "processing_failed") -> Json:
        self.refused.append(name)
        event: Json = {**_landed(name), "dataset": "labels", "content_sha256": sha256, "execution": name}
        return self._call("quarantine", {**event, "reason_code": code, "reason": "a test"})

    def finish(self, name: str, sha256: str) -> None:
        """From a curated file to the end of the workflow."""
        while self.publish(name, sha256)["outdated"]:
            if self.curate(sha256)["rows"] == 0:
                self.quarantine(name, sha256, "nothing_new")
                return

    def rows(self) -> set[tuple[str, str, int]]:
        """Every row of the curated zone, whoever put it there."""
        return {(row.flight_id, f"{row.event_time:%Y-%m}", row.late) for row in self._frame("curated").itertuples()}

    def refused_rows(self) -> dict[str, str]:
        """Reasons of rows that were refused, by key."""
        frame = self._frame("quarantine")
        return dict(zip(frame["flight_id"], frame["quarantine_reason"], strict=True)) if len(frame) else {}

    def pinned(self) -> dict[str, int]:
        """Rows by month that a training would read."""
        published = Ledger(aws.dynamodb(), "ledger", WORKLOAD, "labels").published()
        return dict(sum((Counter(file.months) for file in published), start=Counter()))

    def _frame(self, zone: str) -> pd.DataFrame:
        read = {"curated": pd.read_parquet, "quarantine": pd.read_csv}[zone]
        keys = [key for key in self.account.keys(zone) if key.endswith((".parquet", "rows.csv"))]
        frames = [read(io.BytesIO(self.account.get(f"s3://{zone}/{key}"))) for key in keys]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _landed(name: str) -> Json:
    return {"bucket": "landing", "key": f"{WORKLOAD}/labels/{name}.csv", "version_id": None}


@pytest.fixture
def platform(account: Account, call: Call, curate: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Platform:
    clients = {"s3": aws.s3(), "glue": aws.glue(), "dynamodb": aws.dynamodb()}  # made once: they take 0.1 seconds each
    monkeypatch.setattr(curate.boto3, "client", clients.__getitem__)
    aws.glue().create_database(DatabaseInput={"Name": "mlops_local"})
    for suffix in ("", "_staged"):
        table = {"Name": f"flight_delays_labels{suffix}", "StorageDescriptor": {"Location": "s3://x/"}}
        aws.glue().create_table(DatabaseName="mlops_local", TableInput=table)  # type: ignore[arg-type]
    return Platform(account, call, curate)


FILES = {
    "first": (f"a,{JANUARY},0", f"b,{JANUARY},0", f"c,{JANUARY},1"),
    "second": (f"b,{JANUARY},0", f"c,{JANUARY},0", f"d,{FEBRUARY},1"),  # b repeats, c contradicts
    "third": (f"a,{FEBRUARY},1", f"d,{FEBRUARY},1", f"e,{FEBRUARY},1"),  # a in another month, d repeats
}


@pytest.mark.parametrize(
    "order", [("first", "second", "third"), ("third", "second", "first"), ("second", "first", "third")]
)
def test_files_curated_at_the_same_time_end_as_if_one_had_come_after_the_other(
    platform: Platform, order: tuple[str, ...]
) -> None:
    contents = {name: platform.accept(name, *rows) for name, rows in FILES.items()}
    for sha256 in contents.values():
        platform.curate(sha256)
    for name in order:
        platform.finish(name, contents[name])
    kept: dict[str, tuple[str, str, int]] = {}
    contradicting = set()
    for name in order:
        for row in FILES[name]:
            key, time, late = row.split(",")
            new = (key, time[:7], int(late))
            if kept.setdefault(key, new) != new:
                contradicting.add(key)
    assert platform.rows() == set(kept.values())
    assert set(platform.refused_rows()) == contradicting
    assert platform.account.gate_item()["rows_accepted"] == len(kept)


def test_files_without_a_common_key_are_curated_once(platform: Platform) -> None:
    contents = {
        "one": platform.accept("one", f"a,{JANUARY},0", f"c,{JANUARY},0"),
        "two": platform.accept("two", f"b,{JANUARY},1", f"d,{JANUARY},1"),
    }
    for sha256 in contents.values():
        platform.curate(sha256)
    assert [platform.publish(name, sha256)["outdated"] for name, sha256 in contents.items()] == [False, False]
    assert platform.pinned() == {"2013-01": 4}


def overtaken(platform: Platform, monkeypatch: pytest.MonkeyPatch, *rows: str) -> tuple[str, str]:
    """A file is published after `late` has looked who was before it, just when it has copied its parts."""
    contents = {"late": platform.accept("late", f"a,{JANUARY},0", f"b,{FEBRUARY},0")}
    contents["quick"] = platform.accept("quick", *rows)
    for sha256 in contents.values():
        platform.curate(sha256)
    copy = publishing.Publisher._copy

    def copy_and_be_overtaken(self: publishing.Publisher) -> None:
        copy(self)
        monkeypatch.setattr(publishing.Publisher, "_copy", copy)
        platform.finish("quick", contents["quick"])

    monkeypatch.setattr(publishing.Publisher, "_copy", copy_and_be_overtaken)
    return contents["late"], contents["quick"]


def test_a_file_overtaken_at_the_last_moment_takes_the_next_place(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, quick = overtaken(platform, monkeypatch, f"c,{JANUARY},1")
    assert platform.publish("late", late)["outdated"] is False
    files = list(Ledger(aws.dynamodb(), "ledger", WORKLOAD, "labels").published())
    assert [(file.place, file.sha256) for file in files] == [(1, quick), (2, late)]
    assert len(platform.rows()) == 3


def test_nothing_of_an_overtaken_file_is_seen_until_it_is_curated_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, _ = overtaken(platform, monkeypatch, f"b,{FEBRUARY},1")
    assert platform.publish("late", late)["outdated"] is True
    assert platform.rows() == {("b", "2013-02", 1)}
    platform.curate(late)
    platform.finish("late", late)
    assert platform.rows() == {("a", "2013-01", 0), ("b", "2013-02", 1)}
    assert "late 0 contradicts 1" in platform.refused_rows()["b"]


def test_a_month_copied_by_an_attempt_that_broke_off_does_not_stay(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its retry nor quarantine came to remove it; the file is curated again as it is."""
    late = platform.accept("late", f"a,{JANUARY},0", f"b,{FEBRUARY},0")
    platform.curate(late)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "publish", _fail)
        with pytest.raises(RuntimeError):
            platform.publish("late", late)
    quick = platform.accept("quick", f"b,{FEBRUARY},1")
    platform.curate(quick)
    platform.finish("quick", quick)
    platform.curate(late)
    assert platform.publish("late", late)["outdated"] is False
    assert platform.rows() == {("a", "2013-01", 0), ("b", "2013-02", 1)}


def test_taking_the_place_is_the_last_thing_a_publisher_asks_of_a_service(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So nothing can fail a file that is published: an earlier refusal of its name is taken back by then, too."""
    refused = platform.accept("file", f"b,{JANUARY},0")
    platform.quarantine("file", refused)
    content = platform.accept("file", f"a,{JANUARY},0")
    platform.curate(content)
    asked: list[str] = []
    send = BaseClient._make_api_call

    def remember(client: BaseClient, operation: str, arguments: Json) -> Json:
        asked.append(operation)
        answer: Json = send(client, operation, arguments)
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", remember)
        platform.publish("file", content)
    assert asked.count("TransactWriteItems") == 1
    assert asked[-1] == "TransactWriteItems"
    item = platform.account.gate_item()
    assert (item["rows_accepted"], item["bytes_rejected"]) == (1, 0)


def test_a_refusal_that_comes_just_before_the_place_is_taken_is_taken_back(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate takes off what the ledger forgets, also when both change between the look and the transaction."""
    refused = platform.accept("file", f"b,{JANUARY},0")
    platform.quarantine("file", refused)
    content = platform.accept("file", f"a,{JANUARY},0")
    platform.curate(content)
    ledger, together = Ledger(aws.dynamodb(), "ledger", WORKLOAD, "labels"), Ledger._together
    key = {"pk": {"S": f"{WORKLOAD}#labels"}, "sk": {"S": f"rejected#{_landed('file')['key']}"}}

    def be_late(self: Ledger, *writes: TransactWriteItemTypeDef) -> list[int]:
        monkeypatch.setattr(Ledger, "_together", together)
        size = int(
            aws.dynamodb().delete_item(TableName="ledger", Key=key, ReturnValues="ALL_OLD")["Attributes"]["bytes"]["N"]
        )
        assert ledger.refuse(str(_landed("file")["key"]), size=size + 100, gate_table="gate", now=1)
        return together(self, *writes)

    before = platform.account.gate_item()["bytes_rejected"]
    monkeypatch.setattr(Ledger, "_together", be_late)
    assert platform.publish("file", content)["outdated"] is False
    assert aws.dynamodb().get_item(TableName="ledger", Key=key).get("Item") is None
    # The row that was deleted by hand above had counted `before`; the one that took its place is off again.
    assert platform.account.gate_item()["bytes_rejected"] == before


def test_quarantine_leaves_a_file_alone_that_is_published(platform: Platform) -> None:
    """Its publisher came through, but the workflow heard of a failure: a timeout, an answer that got lost."""
    content = platform.accept("file", f"a,{JANUARY},0")
    platform.curate(content)
    platform.publish("file", content)
    before = platform.account.gate_item()
    assert platform.quarantine("file", content) == {"published": True, "quarantine_uri": ""}
    assert platform.account.keys("quarantine") == []
    assert platform.account.gate_item() == before
    assert platform.rows() == {("a", "2013-01", 0)}
    assert platform.pinned() == {"2013-01": 1}


def test_quarantine_takes_a_duplicate_of_a_file_that_another_execution_published(platform: Platform) -> None:
    content = platform.accept("file", f"a,{JANUARY},0")
    platform.curate(content)
    platform.publish("file", content)
    platform.account.put("landing", str(_landed("again")["key"]), "the same")
    assert platform.quarantine("again", content, "duplicate_file")["published"] is False
    assert f"{layout.quarantine_prefix(WORKLOAD, 'labels', content)}again.csv" in platform.account.keys("quarantine")
    assert platform.pinned() == {"2013-01": 1}


def test_a_file_overtaken_by_all_its_rows_leaves_nothing(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    late, _ = overtaken(platform, monkeypatch, f"b,{FEBRUARY},0", f"a,{JANUARY},0", f"c,{JANUARY},0")
    assert platform.publish("late", late)["outdated"] is True
    assert platform.curate(late)["rows"] == 0
    platform.quarantine("late", late, "nothing_new")
    assert platform.rows() == {("a", "2013-01", 0), ("b", "2013-02", 0), ("c", "2013-01", 0)}
    assert platform.pinned() == {"2013-01": 2, "2013-02": 1}


def test_a_publish_that_fails_midway_leaves_nothing_that_swallows_the_corrected_file(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = platform.accept("file", f"a,{JANUARY},0", f"b,{FEBRUARY},0")
    platform.curate(broken)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "publish", _fail)
        with pytest.raises(RuntimeError):
            platform.publish("file", broken)
    assert len(platform.rows()) == 2
    platform.quarantine("file", broken)
    assert platform.rows() == set()
    corrected = platform.accept("corrected", f"a,{JANUARY},0", f"b,{FEBRUARY},0", f"c,{FEBRUARY},1")
    assert platform.curate(corrected)["warnings"] == []
    platform.finish("corrected", corrected)
    assert platform.pinned() == {"2013-01": 1, "2013-02": 2}
    again = platform.accept("again", f"a,{JANUARY},0", f"b,{FEBRUARY},0")  # the first content is free to land again
    assert again == broken


def test_nobody_publishes_a_file_that_is_being_quarantined(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A publisher that Step Functions has given up, still running."""
    content = platform.accept("file", f"a,{JANUARY},0")
    platform.curate(content)
    copy = publishing.Publisher._copy

    def copy_and_be_given_up(self: publishing.Publisher) -> None:
        copy(self)
        platform.quarantine("file", content)
        platform.accept("again", f"a,{JANUARY},0")  # and another execution has the content by now

    monkeypatch.setattr(publishing.Publisher, "_copy", copy_and_be_given_up)
    with pytest.raises(ClaimLost, match="belongs to again"):
        platform.publish("file", content)
    assert platform.rows() == set()
    assert platform.pinned() == {}


def test_a_quarantine_that_broke_off_is_finished_by_its_retry(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = platform.accept("file", f"a,{JANUARY},0")
    with monkeypatch.context() as patched:
        patched.setattr("quarantine.handler.remove_parts", _fail)
        with pytest.raises(RuntimeError):
            platform.quarantine("file", content)
    entry = Ledger(aws.dynamodb(), "ledger", WORKLOAD, "labels").get(content)
    assert entry is not None
    assert entry.status == "withdrawn"
    platform.quarantine("file", content)
    assert platform.accept("again", f"a,{JANUARY},0") == content


def test_a_retry_of_a_publish_that_had_come_through_changes_nothing(platform: Platform) -> None:
    content = platform.accept("file", f"a,{JANUARY},0")
    platform.curate(content)
    platform.publish("file", content)
    before = platform.account.gate_item()
    other = platform.accept("other", f"a,{JANUARY},0", f"b,{JANUARY},0")
    platform.curate(other)
    platform.finish("other", other)
    assert platform.publish("file", content)["outdated"] is False
    assert platform.account.gate_item()["rows_accepted"] == int(before["rows_accepted"]) + 1


def test_a_training_reads_what_has_a_place(platform: Platform) -> None:
    content = platform.accept("file", f"a,{JANUARY},0")
    platform.curate(content)
    platform.finish("file", content)
    config = type("Config", (), {"ledger_table": "ledger", "workload": WORKLOAD})
    assert store.published(config, "labels") == {content: {"2013-01": 1}}  # type: ignore[arg-type]


def _fail(*_: object, **__: object) -> None:
    raise RuntimeError("the network went away")
