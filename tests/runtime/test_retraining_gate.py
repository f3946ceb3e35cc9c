"""Any storm of triggers becomes at most one training, and every trigger gets an answer with a reason."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from mlops_runtime import aws
from mlops_runtime.errors import ConfigurationError, InvalidInput
from retraining_gate import logic
from retraining_gate.logic import Counters, Limits, State, Trigger, decide
from tests.runtime.conftest import Account, Call, Json, Sent

NOW = 1_760_000_000
LIMITS = Limits(cool_down_seconds=3600, daily_cap=2, min_new_rows=100, max_rejected_fraction=0.2)
READY = State(counters=Counters(new_rows=100, rows_accepted=100, bytes_accepted=1000))
TRIGGER = Trigger("event-1", "Drift Detected", "3 violations")
TODAY = logic.day_of(NOW)


@pytest.mark.parametrize(
    ("state", "limits", "code", "words"),
    [
        (READY, replace(LIMITS, kill_switch="/x is on"), "kill_switch", "/x is on"),
        (replace(READY, running_execution="a:b:run-1", lease_expires=NOW + 1), LIMITS, "already_running", "run-1"),
        (replace(READY, last_started=NOW - 60), LIMITS, "cool_down", "3540 s of 3600 s"),
        (replace(READY, day=TODAY, count_today=2), LIMITS, "daily_cap", f"2 trainings on {TODAY}"),
        (replace(READY, counters=Counters(new_rows=99)), LIMITS, "not_enough_new_rows", "99 new labelled rows"),
        (
            replace(READY, counters=replace(READY.counters, bytes_rejected=251)),
            LIMITS,
            "data_quarantined",
            "20% of the data",
        ),
        (
            replace(READY, counters=replace(READY.counters, rows_quarantined=50)),
            LIMITS,
            "data_quarantined",
            "50 single rows",
        ),
    ],
)
def test_each_limit_suppresses_with_its_own_reason(state: State, limits: Limits, code: str, words: str) -> None:
    decision = decide(state, limits, NOW, TRIGGER)
    assert (decision.action, decision.code) == ("suppress", code)
    assert words in decision.reason


@pytest.mark.parametrize(
    "state",
    [
        READY,
        replace(READY, last_started=NOW - 3600),
        replace(READY, day="2000-01-01", count_today=99),
        replace(READY, running_execution="gone", lease_expires=NOW),
        replace(READY, counters=replace(READY.counters, bytes_rejected=250)),
        replace(READY, counters=replace(READY.counters, bytes_rejected=-10)),
    ],
)
def test_at_the_limit_a_training_starts(state: State) -> None:
    assert decide(state, LIMITS, NOW, TRIGGER).action == "start"


def test_the_trigger_that_holds_the_claim_resumes_its_start() -> None:
    state = replace(READY, running_execution="run", lease_expires=NOW + 1, claim_event="event-1")
    assert decide(state, LIMITS, NOW, TRIGGER).action == "resume"


counters = st.builds(Counters, *[st.integers(-1000, 100_000)] * 5)
states = st.builds(
    State,
    revision=st.integers(0, 10),
    running_execution=st.sampled_from(["", "run"]),
    lease_expires=st.integers(NOW - 10, NOW + 10),
    last_started=st.one_of(st.just(0), st.integers(NOW - 7200, NOW)),
    day=st.sampled_from(["", TODAY, "2000-01-01"]),
    count_today=st.integers(0, 4),
    claim_event=st.sampled_from(["", "other"]),
    counters=counters,
)


@given(states)
def test_a_start_breaks_no_limit_and_a_suppression_has_a_reason(state: State) -> None:
    decision = decide(state, LIMITS, NOW, TRIGGER)
    if decision.action == "start":
        assert not state.running_execution or state.lease_expires <= NOW
        assert state.last_started == 0 or NOW - state.last_started >= LIMITS.cool_down_seconds
        assert state.day != TODAY or state.count_today < LIMITS.daily_cap
        assert state.counters.new_rows >= LIMITS.min_new_rows
        assert state.counters.rejected_fraction <= LIMITS.max_rejected_fraction
    else:
        assert decision.code
        assert decision.reason


@given(states)
def test_the_kill_switch_stops_everything(state: State) -> None:
    assert decide(state, replace(LIMITS, kill_switch="on"), NOW, TRIGGER).code == "kill_switch"


@pytest.fixture
def machine(account: Account) -> str:
    """ARN of an empty train workflow."""
    return aws.stepfunctions().create_state_machine(
        name="train",
        definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/train",
    )["stateMachineArn"]


@pytest.fixture
def gate(account: Account, machine: str, environ: pytest.MonkeyPatch) -> Account:
    """Limits of the workload, the kill switch off, and enough new rows."""
    aws.ssm().put_parameter(Name="/mlops/local/flight-delays/kill-switch", Value="off", Type="String")
    values = {
        "TRAIN_STATE_MACHINE_ARN": machine,
        "KILL_SWITCH_PARAMETER": "/mlops/local/flight-delays/kill-switch",
        "COOL_DOWN_SECONDS": "0",
        "DAILY_CAP": "5",
        "MIN_NEW_ROWS": "100",
        "LEASE_SECONDS": "3600",
    }
    for name, value in values.items():
        environ.setenv(name, value)
    land(1000)
    return account


def executions(machine: str) -> list[str]:
    return [item["executionArn"] for item in aws.stepfunctions().list_executions(stateMachineArn=machine)["executions"]]


def land(rows: int) -> None:
    """Count rows as publish_snapshot does."""
    aws.dynamodb().update_item(
        TableName="gate",
        Key={"workload": {"S": "flight-delays"}},
        UpdateExpression="ADD new_rows :rows, rows_accepted :rows",
        ExpressionAttributeValues={":rows": {"N": str(rows)}},
    )


def request(event_id: str) -> Json:
    return event(event_id, "mlops.retraining", "Retraining Requested", {"requested_by": "me", "reason": "why"})


def ended(execution: object, detail_type: str = "Model Rejected", **body: object) -> Json:
    detail = {"reason": "r", "metrics": {}, "champion_metrics": None, "snapshot_id": "s", "execution": execution}
    if detail_type == "Training Failed":
        detail = {"error": "e", "cause": "c", "step": "s", "execution": execution}
    return event("end", "mlops.training", detail_type, {**detail, **body})


def event(event_id: str, source: str, detail_type: str, detail: Json) -> Json:
    head = {"workload": "flight-delays", "environment": "local", "occurred_at": "2026-01-01T00:00:00Z"}
    return {"id": event_id, "source": source, "detail-type": detail_type, "account": "1", "detail": {**head, **detail}}


@pytest.fixture
def atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB answers each request on one item atomically; moto shows readers a half-made update."""
    from moto.dynamodb.responses import DynamoHandler

    lock, answer_request = threading.Lock(), DynamoHandler.call_action

    def one_at_a_time(handler: DynamoHandler) -> object:
        with lock:
            return answer_request(handler)

    monkeypatch.setattr(DynamoHandler, "call_action", one_at_a_time)
    monkeypatch.setattr("retraining_gate.training.kill_switch", lambda _: "")


def storm(call: Call, triggers: int) -> list[Json]:
    """The gate's answers to so many triggers at once."""
    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(lambda number: call("retraining_gate", request(f"event-{number}")), range(triggers)))


@pytest.mark.usefixtures("atomic")
def test_a_storm_of_500_triggers_starts_exactly_one_training(
    gate: Account, machine: str, call: Call, sent: Sent
) -> None:
    call("retraining_gate", ended("arn:nobody"))
    answers = storm(call, 500)
    decisions = Counter(str(answer["decision"]) for answer in answers)
    assert decisions == {"started": 1, "suppressed": 499}
    assert len(executions(machine)) == 1
    suppressed = [answer for answer in answers if answer["decision"] == "suppressed"]
    assert all(
        answer["reason_code"] == "already_running" and "retrain-000001" in str(answer["reason"])
        for answer in suppressed
    )
    announced = Counter(entry["DetailType"] for entry in sent)
    assert announced == {"Retraining Started": 1, "Retraining Suppressed": 499}


@pytest.mark.usefixtures("atomic")
def test_a_storm_that_meets_a_stopped_training_starts_exactly_one(gate: Account, machine: str, call: Call) -> None:
    stopped = str(call("retraining_gate", request("first"))["training_execution"])
    aws.stepfunctions().stop_execution(executionArn=stopped)
    answers = storm(call, 100)
    assert Counter(str(answer["decision"]) for answer in answers) == {"started": 1, "suppressed": 99}
    assert len(executions(machine)) == 2
    item = gate.gate_item()
    assert (item["new_rows"], json.loads(str(item["seen"]))["new_rows"]) == (0, 1000), "its rows came back once"


def test_a_start_is_recorded_and_subtracts_what_it_saw(gate: Account, machine: str, call: Call) -> None:
    answer = call("retraining_gate", request("event-1"))
    assert answer["decision"] == "started"
    assert executions(machine) == [answer["training_execution"]]
    item = gate.gate_item()
    assert (item["new_rows"], item["count_today"], item["running_execution"]) == (0, 1, answer["training_execution"])
    execution = aws.stepfunctions().describe_execution(executionArn=str(answer["training_execution"]))
    assert execution["input"] == ('{"run_reason": "requested by me: why", "trigger": "Retraining Requested event-1"}')


def test_only_the_holder_releases(gate: Account, call: Call) -> None:
    execution = call("retraining_gate", request("event-1"))["training_execution"]
    land(1000)
    assert "does not hold" in str(call("retraining_gate", ended("arn:other"))["reason"])
    assert call("retraining_gate", request("event-2"))["reason_code"] == "already_running"
    assert call("retraining_gate", ended(execution))["reason"] == "slot released"
    assert call("retraining_gate", request("event-3"))["decision"] == "started"


def test_a_failed_training_gives_back_the_rows_it_did_not_learn_from(gate: Account, call: Call) -> None:
    execution = call("retraining_gate", request("event-1"))["training_execution"]
    land(7)
    for _ in range(2):
        call("retraining_gate", ended(execution, "Training Failed"))
    assert gate.gate_item()["new_rows"] == 1007


@pytest.mark.parametrize(("ending", "code"), [("Training Failed", ""), ("Model Rejected", "cool_down")])
def test_only_a_training_that_ended_with_a_verdict_starts_a_cool_down(
    gate: Account, call: Call, environ: pytest.MonkeyPatch, ending: str, code: str
) -> None:
    environ.setenv("COOL_DOWN_SECONDS", "86400")
    execution = call("retraining_gate", request("event-1"))["training_execution"]
    call("retraining_gate", ended(execution, ending))
    assert call("retraining_gate", request("event-2"))["reason_code"] == code


def test_a_rejected_model_used_its_rows_up(gate: Account, call: Call) -> None:
    execution = call("retraining_gate", request("event-1"))["training_execution"]
    call("retraining_gate", ended(execution))
    assert call("retraining_gate", request("event-2"))["reason_code"] == "not_enough_new_rows"


def test_a_crash_between_claim_and_start_is_repaired_by_the_retried_event(
    gate: Account, machine: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise TimeoutError("the function's time is over")

    with monkeypatch.context() as broken:
        broken.setattr("retraining_gate.training.start", crash)
        with pytest.raises(TimeoutError):
            call("retraining_gate", request("event-1"))
    assert executions(machine) == []
    assert call("retraining_gate", request("event-2"))["reason_code"] == "already_running"
    answer = call("retraining_gate", request("event-1"))
    assert answer["decision"] == "started"
    assert executions(machine) == [answer["training_execution"]]
    assert call("retraining_gate", request("event-1"))["training_execution"] == answer["training_execution"]
    assert len(executions(machine)) == 1


def at(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let the gate's clock show so many seconds from now."""
    later = int(time.time()) + seconds
    monkeypatch.setattr("retraining_gate.handler.time.time", lambda: later)


@pytest.mark.parametrize("seconds", [60, 4000], ids=["within the lease", "after the lease"])
def test_a_holder_that_runs_keeps_the_slot(
    gate: Account, call: Call, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    call("retraining_gate", request("event-1"))
    land(1000)
    at(monkeypatch, seconds)
    assert call("retraining_gate", request("event-2"))["reason_code"] == "already_running"


@pytest.mark.parametrize("seconds", [60, 4000], ids=["within the lease", "after the lease"])
def test_a_stopped_training_gives_back_its_rows_and_starts_no_cool_down(
    gate: Account, call: Call, environ: pytest.MonkeyPatch, seconds: int
) -> None:
    environ.setenv("COOL_DOWN_SECONDS", "86400")
    stopped = str(call("retraining_gate", request("event-1"))["training_execution"])
    aws.stepfunctions().stop_execution(executionArn=stopped)
    at(environ, seconds)
    answer = call("retraining_gate", request("event-2"))
    assert answer["decision"] == "started", answer
    assert answer["training_execution"] != stopped
    item = gate.gate_item()
    assert (item["running_execution"], item["new_rows"]) == (answer["training_execution"], 0)
    assert json.loads(str(item["seen"]))["new_rows"] == 1000, "the second training learns from the rows of the first"


@pytest.mark.parametrize("status", ["TIMED_OUT", "FAILED"])
def test_a_training_that_ended_without_an_event_gives_back_too(
    gate: Account, call: Call, environ: pytest.MonkeyPatch, status: str
) -> None:
    environ.setenv("COOL_DOWN_SECONDS", "86400")
    call("retraining_gate", request("event-1"))
    environ.setattr("retraining_gate.training.status_of", lambda _: status)
    assert call("retraining_gate", request("event-2"))["decision"] == "started"


def test_a_success_whose_event_was_lost_frees_the_slot_and_used_its_rows_up(
    gate: Account, call: Call, environ: pytest.MonkeyPatch
) -> None:
    call("retraining_gate", request("event-1"))
    environ.setattr("retraining_gate.training.status_of", lambda _: "SUCCEEDED")
    assert call("retraining_gate", request("event-2"))["reason_code"] == "not_enough_new_rows"
    land(1000)
    assert call("retraining_gate", request("event-3"))["decision"] == "started"


def test_a_stopped_training_keeps_its_place_in_the_days_cap(
    gate: Account, call: Call, environ: pytest.MonkeyPatch
) -> None:
    environ.setenv("DAILY_CAP", "1")
    execution = str(call("retraining_gate", request("event-1"))["training_execution"])
    aws.stepfunctions().stop_execution(executionArn=execution)
    assert call("retraining_gate", request("event-2"))["reason_code"] == "daily_cap"


@pytest.mark.parametrize("event_id", ["event-1", "event-2"], ids=["its dead letter", "another trigger"])
def test_a_training_that_never_began_gives_the_slot_back_with_its_lease(
    gate: Account, machine: str, call: Call, environ: pytest.MonkeyPatch, event_id: str
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("StartExecution was refused")

    environ.setenv("COOL_DOWN_SECONDS", "86400")
    for _ in range(3):
        with environ.context() as broken, pytest.raises(PermissionError):
            broken.setattr("retraining_gate.training.start", refuse)
            call("retraining_gate", request("event-1"))
    assert call("retraining_gate", request("event-3"))["reason_code"] == "already_running"
    at(environ, 4000)
    answer = call("retraining_gate", request(event_id))
    assert answer["decision"] == "started", answer
    assert executions(machine) == [answer["training_execution"]]


def test_an_event_that_comes_after_the_next_training_began_does_not_take_its_slot(gate: Account, call: Call) -> None:
    stopped = str(call("retraining_gate", request("event-1"))["training_execution"])
    aws.stepfunctions().stop_execution(executionArn=stopped)
    started = call("retraining_gate", request("event-2"))["training_execution"]
    assert "does not hold" in str(call("retraining_gate", ended(stopped, "Training Failed"))["reason"])
    assert gate.gate_item()["running_execution"] == started
    assert gate.gate_item()["new_rows"] == 0


def test_a_throttled_look_leaves_the_slot_taken(gate: Account, call: Call) -> None:
    call("retraining_gate", request("event-1"))
    land(1000)
    with Stubber(aws.stepfunctions()) as stub:
        stub.add_client_error("describe_execution", "ThrottlingException")
        assert call("retraining_gate", request("event-2"))["reason_code"] == "already_running"
        stub.add_client_error("describe_execution", "AccessDeniedException")
        with pytest.raises(ClientError, match="AccessDenied"):
            call("retraining_gate", request("event-3"))


def test_a_holder_that_never_existed_has_no_status(gate: Account, machine: str) -> None:
    from retraining_gate.training import status_of

    assert status_of(machine.replace(":stateMachine:", ":execution:") + ":never") == ""


@pytest.mark.parametrize(("value", "words"), [("on", "is on"), ("maybe", "counts as on")])
def test_the_kill_switch_is_read_at_every_trigger(gate: Account, call: Call, value: str, words: str) -> None:
    aws.ssm().put_parameter(Name="/mlops/local/flight-delays/kill-switch", Value=value, Type="String", Overwrite=True)
    answer = call("retraining_gate", request("event-1"))
    assert answer["reason_code"] == "kill_switch"
    assert words in str(answer["reason"])


def test_a_missing_kill_switch_counts_as_on(gate: Account, call: Call) -> None:
    aws.ssm().delete_parameter(Name="/mlops/local/flight-delays/kill-switch")
    assert "does not exist" in str(call("retraining_gate", request("event-1"))["reason"])


def test_an_event_of_another_workload_is_refused(gate: Account, call: Call) -> None:
    foreign = request("event-1")
    foreign["detail"] = {**dict(foreign["detail"]), "workload": "other"}  # type: ignore[call-overload]
    with pytest.raises(InvalidInput, match="got an event of other"):
        call("retraining_gate", foreign)


def test_an_event_the_gate_does_not_know_is_refused(gate: Account, call: Call) -> None:
    with pytest.raises(InvalidInput, match="does not listen"):
        call("retraining_gate", event("e", "mlops.data", "Dataset Ready", {}))


def test_missing_and_wrong_variables_are_named_in_one_line(
    gate: Account, environ: pytest.MonkeyPatch, call: Call
) -> None:
    environ.delenv("LEASE_SECONDS")
    environ.setenv("DAILY_CAP", "many")
    with pytest.raises(ConfigurationError, match=r"DAILY_CAP: .*got 'many'; LEASE_SECONDS: missing") as caught:
        call("retraining_gate", request("event-1"))
    assert "\n" not in str(caught.value)


def test_a_drift_event_says_why_in_one_line(gate: Account, call: Call) -> None:
    window = {"window_start": "2026-01-01T00:00:00Z", "window_end": "2026-01-02T00:00:00Z"}
    checks = ["baseline_drift_check", "completeness_check", "LessThanThreshold", *["data_type_check"] * 4]
    features = ["temp", "temp", "auc", "a", "b", "c", "d"]
    violations = [{"feature": f, "check": c, "description": "d"} for f, c in zip(features, checks, strict=True)]
    report = {
        "rows": 10,
        "labelled_rows": 5,
        "violations": violations,
        "drift": {"temp": 0.3},
        "quality": {"auc": 0.61},
    }
    where = {"report_uri": "s3://artefacts/r/", "model_package_arn": "arn"}
    answer = call("retraining_gate", event("e", "mlops.monitoring", "Drift Detected", {**window, **report, **where}))
    assert answer["reason"] == (
        "7 violations: temp (baseline_drift_check 0.30), temp (completeness_check), auc (LessThanThreshold 0.61), "
        "a (data_type_check), b (data_type_check) and 2 more"
    )
