"""Emitter, quality gate, and what all functions have in common."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_runtime.errors import EventNotDelivered, InvalidEvent
from mlops_runtime.events import RetrainingRequested, utc_now
from tests.runtime.conftest import Account, Call, Json, Sent

LAMBDA = Path(__file__).parents[2] / "lambda"
FUNCTIONS = sorted(path.parent.name for path in LAMBDA.glob("*/handler.py"))


def rejected(**change: object) -> Json:
    detail: Json = {
        "execution": "arn:aws:states:us-east-1:123456789012:execution:ingest:1",
        "dataset": "flights",
        "source_uri": "s3://landing/a.csv",
        "quarantine_uri": "s3://quarantine/a.csv",
        "reason_code": "empty",
        "reason": "no row",
        "content_sha256": "",
    }
    return {"source": "mlops.data", "detail_type": "Dataset Rejected", "detail": {**detail, **change}}


def test_an_event_reaches_the_bus_with_its_head(account: Account, call: Call, sent: Sent) -> None:
    assert call("event_emitter", rejected())["event_id"]
    assert (sent[0]["Source"], sent[0]["DetailType"], sent[0]["EventBusName"]) == (
        "mlops.data",
        "Dataset Rejected",
        "mlops-local",
    )
    detail = json.loads(sent[0]["Detail"])
    assert (detail["schema_version"], detail["workload"], detail["environment"]) == ("1", "flight-delays", "local")
    assert detail["occurred_at"].endswith("Z")


def test_what_the_workflow_says_wins_over_the_filled_head(account: Account, call: Call, sent: Sent) -> None:
    call("event_emitter", rejected(occurred_at="2026-01-01T00:00:00Z"))
    assert json.loads(sent[0]["Detail"])["occurred_at"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (rejected(reason=None), "reason: Input should be a valid string"),
        (rejected(colour="red"), "colour: Extra inputs"),
        (
            {**rejected(), "detail_type": "Dataset Lost"},
            "no event mlops.data/Dataset Lost; known: mlops.data/",
        ),
    ],
)
def test_an_event_that_breaks_its_schema_never_reaches_the_bus(
    account: Account, call: Call, sent: Sent, event: Json, words: str
) -> None:
    with pytest.raises(InvalidEvent, match=words):
        call("event_emitter", event)
    assert sent == []


def test_an_event_the_bus_refuses_is_an_error(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlops_runtime import aws, bus

    class Refusing:
        def put_events(self, **_: object) -> Json:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"}]}

    monkeypatch.setattr(aws, "events", Refusing)
    detail = RetrainingRequested(workload="w", environment="e", occurred_at=utc_now(), requested_by="me", reason="why")
    with pytest.raises(EventNotDelivered, match="ThrottlingException"):
        bus.publish(detail, bus="mlops-local")


def test_an_event_too_large_for_the_bus_says_so(account: Account) -> None:
    from mlops_runtime import bus

    detail = RetrainingRequested(
        workload="w", environment="e", occurred_at=utc_now(), requested_by="me", reason="x" * 300_000
    )
    with pytest.raises(EventNotDelivered, match="allowed 245760"):
        bus.publish(detail, bus="mlops-local")


def rules(*outcomes: str) -> Json:
    results = [
        {"Name": f"Rule_{number}", "Description": f"IsComplete c{number}", "EvaluationMessage": "m", "Result": outcome}
        for number, outcome in enumerate(outcomes)
    ]
    return {"ResultId": "dqresult-1", "Score": 0.5, "RuleResults": results}


@pytest.mark.parametrize(
    ("result", "passed", "words"),
    [
        (rules("PASS", "PASS"), True, "2 quality rules passed"),
        (rules("PASS", "FAIL"), False, "1 of 2 quality rules failed: IsComplete c1: m"),
        (rules("ERROR"), False, "1 of 1 quality rules failed"),
        ({"Score": 1.0}, False, "no quality rule was evaluated"),
    ],
)
def test_only_rules_that_all_passed_open_the_gate(call: Call, result: Json, passed: bool, words: str) -> None:
    gate = call("quality_gate", {"result": result, "dataset": "flights"})
    assert gate["passed"] is passed
    assert words in str(gate["reason"])


def test_every_function_starts_without_boto3_or_anything_heavier() -> None:
    program = (
        "import importlib, sys\n"
        f"for name in {FUNCTIONS!r}: importlib.import_module(name + '.handler')\n"
        "print(sorted({'boto3', 'pandas', 'numpy', 'pyarrow', 'aws_cdk', 'moto'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=LAMBDA, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_logic_is_pure(function: str) -> None:
    for module in ("logic.py", "card.py"):
        path = LAMBDA / function / module
        if path.exists():
            text = path.read_text()
            assert "boto3." not in text
            assert "import aws" not in text
            assert "environ" not in text.replace("environment", "")
