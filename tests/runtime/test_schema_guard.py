"""A landed file enters only when it is what its source promises, and only once."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_runtime.settings import Source
from schema_guard.logic import Finding, inspect
from tests.runtime.conftest import SOURCES, Account, Call, Json

FLIGHTS = Source.model_validate(SOURCES["flights"])
HEADER = "flight_id,event_time,distance,temp\n"
ROW = "20130101-UA1545-EWR-0515,2013-01-01T05:15:00,1400.0,39.02\n"


def check(text: str | bytes, chunk: int = 7) -> Finding:
    data = text.encode() if isinstance(text, str) else text
    return inspect([data[at : at + chunk] for at in range(0, len(data), chunk)], FLIGHTS)


def test_a_good_file_is_counted_and_hashed() -> None:
    finding = check(HEADER + ROW * 3)
    assert (finding.code, finding.rows) == ("", 3)
    assert finding.content_sha256 == hashlib.sha256((HEADER + ROW * 3).encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "empty", "not even a header"),
        (HEADER, "empty", "no row"),
        ("flight_id,event_time,distance\nx,2013-01-01,1\n", "wrong_columns", "missing: temp"),
        (HEADER.replace("temp", "tmp") + ROW, "wrong_columns", "unknown: tmp"),
        ("a,a,b,c\n", "wrong_columns", "expected columns: flight_id, event_time, distance, temp; got: a, a, b, c"),
        (HEADER + ROW + "20130101-UA", "broken_row", "line 3: expected 4 values, got 1"),
        (HEADER + ROW + ROW.replace("1400.0", ""), "broken_row", "line 3: distance is required and empty"),
        (HEADER + ROW.replace("1400.0", "far"), "broken_row", "line 2: distance must be double, got 'far'"),
        (HEADER + ROW.replace("1400.0", "nan"), "broken_row", "distance must be double"),
        (HEADER + ROW.replace("2013-01-01T05", "2013-13-01T05"), "broken_row", "event_time must be timestamp"),
        (HEADER + '"unterminated', "broken_row", "line 2"),
        (b"PAR1\x15\x00\x15" + bytes(range(256)), "not_csv", "binary"),
        (b"flight_id\xff\xfe\n", "not_csv", "not UTF-8"),
        ("flight_id,x\n".encode("utf-16"), "not_csv", "not UTF-8|binary"),
        ('{"flight_id": 1}\n', "wrong_columns", "got: "),
    ],
)
def test_a_bad_file_is_refused_with_code_and_reason(text: str | bytes, code: str, words: str) -> None:
    finding = check(text)
    assert finding.code == code
    assert any(word in finding.reason for word in words.split("|")), finding.reason


def test_a_refused_file_has_the_hash_of_all_its_bytes() -> None:
    data = ("wrong,header\n" + ROW * 50).encode()
    assert check(data).content_sha256 == hashlib.sha256(data).hexdigest()


def test_byte_order_mark_windows_lines_and_column_order_are_no_reason() -> None:
    text = "\ufefftemp,flight_id,distance,event_time\r\n,a,1,2013-01-01\r\n"
    assert check(text).code == ""


def test_a_quoted_line_break_is_one_row() -> None:
    finding = check(HEADER + '"a\nb",2013-01-01T05:15:00,1,\n')
    assert (finding.code, finding.rows) == ("", 1)


@given(st.binary(max_size=300), st.integers(1, 64))
def test_no_bytes_crash_the_guard_and_chunking_changes_nothing(data: bytes, chunk: int) -> None:
    assert check(data, chunk).code == check(data, 300).code != ""


@given(st.integers(1, 40), st.integers(1, 64), st.data())
def test_cutting_a_good_file_anywhere_within_its_last_row_is_noticed_or_harmless(
    rows: int, chunk: int, data: st.DataObject
) -> None:
    text = HEADER + ROW * rows
    cut = data.draw(st.integers(len(text) - len(ROW) + 1, len(text) - len("1400.0,39.02\n")))
    assert check(text[:cut], chunk).code == "broken_row"


def landed(account: Account, name: str, text: str | bytes) -> Json:
    account.put("landing", name, text)
    return {"bucket": "landing", "key": name, "version_id": None, "execution": f"execution-{name}"}


def test_accepted_file_is_claimed(account: Account, call: Call) -> None:
    verdict = call("schema_guard", landed(account, "flight-delays/flights/jan.csv", HEADER + ROW))
    assert verdict["verdict"] == "accepted"
    assert verdict["dataset"] == "flights"
    assert verdict["raw_key"] == f"flight-delays/flights/{verdict['content_sha256']}.csv"
    assert verdict["source_uri"] == "s3://landing/flight-delays/flights/jan.csv"


def test_same_content_under_another_name_is_a_duplicate_naming_the_first(account: Account, call: Call) -> None:
    call("schema_guard", landed(account, "flight-delays/flights/a.csv", HEADER + ROW))
    verdict = call("schema_guard", landed(account, "flight-delays/flights/b.csv", HEADER + ROW))
    assert (verdict["verdict"], verdict["reason_code"]) == ("duplicate", "duplicate_file")
    assert "s3://landing/flight-delays/flights/a.csv" in str(verdict["reason"])


def test_a_redriven_execution_may_claim_again(account: Account, call: Call) -> None:
    event = landed(account, "flight-delays/flights/a.csv", HEADER + ROW)
    assert call("schema_guard", event) == call("schema_guard", event)


@pytest.mark.parametrize("key", ["flight-delays/cargo/a.csv", "other/flights/a.csv", "flight-delays/a.csv"])
def test_a_folder_that_is_no_source_is_refused(account: Account, call: Call, key: str) -> None:
    verdict = call("schema_guard", landed(account, key, HEADER + ROW))
    assert verdict["reason_code"] == "unknown_source"
    assert "flight-delays/labels/" in str(verdict["reason"])


def test_a_file_above_the_limit_is_not_read(account: Account, environ: pytest.MonkeyPatch, call: Call) -> None:
    environ.setenv("MAX_FILE_BYTES", "20")
    verdict = call("schema_guard", landed(account, "flight-delays/flights/a.csv", HEADER + ROW))
    assert (verdict["reason_code"], verdict["content_sha256"]) == ("too_large", "")
