"""The pure parts of the demo: months, checks before the start, batches, faults, capture, decisions."""

from __future__ import annotations

import base64
import csv
import io
import json
import socket
import subprocess
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mlops_local.demo import deployment
from mlops_local.demo.capture import parse_capture
from mlops_local.demo.cli import main
from mlops_local.demo.decisions import decision_of, describe_violations
from mlops_local.demo.faults import CONTRADICTED_ROWS, faults_of
from mlops_local.demo.months import Month, MonthsError, parse_months
from mlops_local.demo.observer import Event
from mlops_local.demo.preflight import check_cdk, check_disk, check_node, check_port
from mlops_local.demo.run import WORKLOAD
from mlops_local.demo.scoring import ScoringError, batches, check_answer, rows_of, window

FLIGHTS = "flight_id,event_time,carrier,origin,distance\n" + "".join(
    f"2013050{day}-UA{day}-EWR-0515,2013-05-0{day}T05:15:00,UA,EWR,1400.0\n" for day in range(1, 10)
)
LABELS = "flight_id,event_time,late\n" + "".join(
    f"20130401-UA{number}-EWR-0515,2013-04-01T05:15:00,{number % 2}\n" for number in range(40)
)


@pytest.mark.parametrize(
    ("text", "numbers"), [("4-12", range(4, 13)), ("4-6", range(4, 7)), ("4", range(4, 5)), (" 4 - 5 ", range(4, 6))]
)
def test_months_are_read_as_a_range_from_april(text: str, numbers: range) -> None:
    assert [month.number for month in parse_months(text)] == list(numbers)


@pytest.mark.parametrize(
    ("text", "says"), [("5-6", "start with 4"), ("4-13", "between 4 and 12"), ("4-3", "end between"), ("May", "range")]
)
def test_impossible_months_are_refused_with_the_remedy(text: str, says: str) -> None:
    with pytest.raises(MonthsError, match=says):
        parse_months(text)


def test_preceding_months_stop_at_january() -> None:
    assert [str(month) for month in Month(3).preceding(3)] == ["2013-01", "2013-02"]


def test_missing_and_old_node_are_named_with_the_remedy() -> None:
    def missing() -> str:
        raise FileNotFoundError("node")

    assert "install Node.js 20" in str(check_node(missing))
    assert "v18.19.0 is too old" in str(check_node(lambda: "v18.19.0\n"))
    assert check_node(lambda: "v20.20.2\n") is None


def test_broken_node_is_reported_not_raised() -> None:
    def broken() -> str:
        raise subprocess.CalledProcessError(1, "node")

    assert "not found" in str(check_node(broken))


def test_missing_cdk_says_npm_ci(tmp_path: Path) -> None:
    assert "npm ci" in str(check_cdk(tmp_path))


def test_full_disk_says_how_much_is_free_and_what_to_do(tmp_path: Path) -> None:
    said = check_disk(tmp_path / "not" / "there", free_bytes=lambda path: 1024**3)
    assert "only 1.0 GB free" in str(said)
    assert "--out" in str(said)
    assert check_disk(tmp_path, free_bytes=lambda path: 4 * 1024**3) is None


def test_taken_port_is_named_and_a_free_one_is_not() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} on 127.0.0.1 is taken" in str(check_port(port))
    assert check_port(port) is None


def test_the_demo_deploys_its_own_workload_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(deployment, "run", lambda arguments, **_: asked.extend(arguments))
    deployment.Deployment(repository=tmp_path, out=tmp_path, environ={}).synth()
    assert [value for option, value in pairwise(asked) if option == "-c"] == ["env=local", f"workload={WORKLOAD}"]


def test_command_line_refuses_wrong_months_with_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--months", "2-3"]) == 2
    assert capsys.readouterr().err.startswith("error: months must start with 4")


def test_batches_keep_order_and_lose_nothing() -> None:
    rows = [str(number) for number in range(2_500)]
    cut = list(batches(rows))
    assert [len(batch) for batch in cut] == [1000, 1000, 500]
    assert [row for batch in cut for row in batch] == rows
    assert list(batches([])) == []


def test_request_rows_leave_out_the_event_time(tmp_path: Path) -> None:
    path = tmp_path / "flights.csv"
    path.write_text(FLIGHTS)
    assert next(rows_of([path])) == "20130501-UA1-EWR-0515,UA,EWR,1400.0"


@pytest.mark.parametrize(
    "answers",
    [
        [{"record_id": "a", "score": 0.5}],
        [{"record_id": "b", "score": 0.5}, {"record_id": "a", "score": 0.5}],
        [{"record_id": "a", "score": 1.5}, {"record_id": "b", "score": 0.5}],
    ],
)
def test_answers_that_lack_swap_or_overshoot_are_refused(answers: list[dict[str, Any]]) -> None:
    body = "\n".join(json.dumps(answer) for answer in answers)
    with pytest.raises(ScoringError):
        check_answer(["a,1", "b,2"], body, "replay-2013-04-0000")


def test_faults_are_what_they_say(tmp_path: Path) -> None:
    flights, earlier, labels = (tmp_path / name for name in ("week.csv", "earlier.csv", "labels.csv"))
    flights.write_text(FLIGHTS)
    earlier.write_text(FLIGHTS.replace("201305", "201304"))
    labels.write_text(LABELS)
    renamed, cut, empty, picture, again, contradiction = faults_of(flights, earlier, labels)
    assert b"airline" in renamed.content.splitlines()[0]
    assert renamed.content.count(b"\n") == FLIGHTS.count("\n")
    last = cut.content.splitlines()[-1]
    assert 0 < last.count(b",") < FLIGHTS.splitlines()[0].count(",")
    assert empty.content == b""
    with pytest.raises(UnicodeDecodeError):
        picture.content.decode()
    assert again.content == earlier.read_bytes()
    turned = list(csv.DictReader(io.StringIO(contradiction.content.decode())))
    before = list(csv.DictReader(io.StringIO(LABELS)))[:CONTRADICTED_ROWS]
    assert [row["flight_id"] for row in turned] == [row["flight_id"] for row in before]
    assert all(new["late"] != old["late"] for new, old in zip(turned, before, strict=True))


def _captured(inference_id: str, encoding: str = "JSON") -> str:
    lines = "\n".join(
        json.dumps({"record_id": f"{inference_id}-{row}", "score": 0.25, "model_package_version": "3"})
        for row in range(2)
    )
    data = base64.b64encode(lines.encode()).decode() if encoding == "BASE64" else lines
    return json.dumps(
        {
            "captureData": {"endpointOutput": {"data": data, "encoding": encoding}},
            "eventMetadata": {"eventId": "e", "inferenceId": inference_id},
        }
    )


@pytest.mark.parametrize("encoding", ["JSON", "BASE64"])
def test_capture_gives_one_row_per_flight_and_leaves_smoke_tests_and_repeats_out(encoding: str) -> None:
    lines = [
        _captured("replay-2013-04-0001", encoding),
        _captured("smoke-1"),
        _captured("replay-2013-04-0001", encoding),
    ]
    rows = list(parse_capture(lines))
    assert len(rows) == 2
    assert rows[0] == {
        "flight_id": "replay-2013-04-0001-0",
        "month": "2013-04",
        "model_package_version": 3,
        "score": 0.25,
    }


def _event(kind: str, source: str, **detail: Any) -> Event:
    detail.setdefault("occurred_at", "2026-01-01T00:00:00Z")
    return Event(id="1", source=source, kind=kind, detail=detail, month="2013-04", sequence=0)


def test_suppression_says_its_reason() -> None:
    event = _event("Retraining Suppressed", "mlops.retraining", reason_code="cool_down", reason="12 minutes ago")
    decision = decision_of(event)
    assert decision is not None
    assert (decision.decision, decision.reason) == ("training suppressed (cool_down)", "12 minutes ago")


def test_data_events_are_no_decisions() -> None:
    assert decision_of(_event("Dataset Ready", "mlops.data")) is None


def test_violations_name_the_highest_drift_first_and_quality_in_words() -> None:
    drift = {"temp": 0.2, "humid": 0.5, "visib": 0.3, "precip": 0.15, "dest": 0.01}
    check = {"check": "baseline_drift_check", "description": "d"}
    violations = [{"feature": name, **check} for name in ("temp", "humid", "visib", "precip")]
    quality = {"feature": "auc", "check": "LessThanThreshold", "description": "auc 0.58 is below 0.6"}
    missing = {"feature": "dest", "check": "completeness_check", "description": "observed 0.9"}
    said = describe_violations({"violations": [*violations, quality, missing], "drift": drift})
    assert said == "humid 0.50, visib 0.30, temp 0.20, 1 more; auc 0.58 is below 0.6; dest: observed 0.9"


def test_the_monitor_window_holds_requests_stamped_with_the_second_they_began_in() -> None:
    start, end = datetime(2026, 1, 1, 12, 0, 0, 900_000, UTC), datetime(2026, 1, 1, 12, 0, 3, 100_000, UTC)
    assert window(start, end) == ("2026-01-01T12:00:00Z", "2026-01-01T12:00:04Z")
