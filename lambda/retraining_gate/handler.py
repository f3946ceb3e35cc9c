"""Event in, answer out: training started, suppressed with a reason, or slot released.

The claim in DynamoDB comes before the start. A crash between the two is repaired twice over: the retried event finds
its own claim and starts the execution of that claim's name, and an expired lease frees a slot nobody uses.

A training tells its end by an event, but one that was stopped or ran out of time cannot. So a trigger that meets a
holder asks Step Functions about it, and what has ended gives the slot back then.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mlops_runtime import aws, bus
from mlops_runtime.errors import GateContended, InvalidInput
from mlops_runtime.events import EVENTS, Detail, RetrainingStarted, RetrainingSuppressed, utc_now
from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint, logger, parse
from retraining_gate import logic, training
from retraining_gate.settings import Settings, settings
from retraining_gate.store import Gate

TRIGGERS = {("mlops.monitoring", "Drift Detected"), ("mlops.retraining", "Retraining Requested")}
FAILED = ("mlops.training", "Training Failed")
ENDINGS = {("mlops.training", "Model Registered"), ("mlops.training", "Model Rejected"), FAILED}
_RUNNING = {"RUNNING", "PENDING_REDRIVE"}
# Each lost round means that another trigger won, so a second look nearly always suppresses.
ATTEMPTS = 20


class BusEvent(BaseModel):
    """An event as EventBridge delivers it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    source: str
    detail_type: str = Field(alias="detail-type")
    detail: dict[str, object]


class Answer(Frozen):
    """`training_execution` is the ARN that was started, holds the slot, or released it."""

    decision: Literal["started", "suppressed", "released"]
    reason_code: str
    reason: str
    training_execution: str


@entrypoint(BusEvent)
def handler(event: BusEvent) -> Answer:
    """Answer one trigger, or take back the slot of a training that ended."""
    config, address = settings(), (event.source, event.detail_type)
    if address not in TRIGGERS | ENDINGS:
        raise InvalidInput(f"the gate does not listen to {event.source}/{event.detail_type}")
    detail = parse(EVENTS[address], event.detail)
    if detail.workload != config.workload:
        raise InvalidInput(f"the gate of {config.workload} got an event of {detail.workload}: check the rule's pattern")
    gate = Gate(aws.dynamodb(), config.gate_table, config.workload)
    if address in ENDINGS:
        return _release(gate, detail, give_back=address == FAILED)
    trigger = logic.Trigger(event.id, event.detail_type, logic.reason_of(detail))
    answer = _answer(gate, config, trigger)
    bus.publish(_announcement(answer, config, trigger), bus=config.event_bus_name)
    count(f"Retraining{answer.decision.capitalize()}")
    return answer


def _answer(gate: Gate, config: Settings, trigger: logic.Trigger) -> Answer:
    limits = logic.Limits(
        cool_down_seconds=config.cool_down_seconds,
        daily_cap=config.daily_cap,
        min_new_rows=config.min_new_rows,
        max_rejected_fraction=config.max_rejected_fraction,
        kill_switch=training.kill_switch(config),
    )
    execution_input = json.dumps({"run_reason": trigger.reason, "trigger": str(trigger)})
    for _ in range(ATTEMPTS):
        now = int(time.time())
        state = _settled(gate, config, trigger, now)
        decision = logic.decide(state, limits, now, trigger)
        if decision.code is not None:
            held = state.running_execution if decision.code == "already_running" else ""
            return Answer(
                decision="suppressed", reason_code=decision.code, reason=decision.reason, training_execution=held
            )
        if decision.action == "resume":
            return _start(config, state.running_execution, state.claim_input, decision.reason)
        name = logic.execution_name(state.revision + 1, trigger.event_id)
        execution = logic.execution_arn(config.train_state_machine_arn, name)
        if gate.claim(
            state,
            execution=execution,
            event_id=trigger.event_id,
            execution_input=execution_input,
            now=now,
            lease_seconds=config.lease_seconds,
        ):
            return _start(config, execution, execution_input, decision.reason)
    raise GateContended(f"{trigger}: lost {ATTEMPTS} rounds against other triggers")


def _settled(gate: Gate, config: Settings, trigger: logic.Trigger, now: int) -> logic.State:
    """The gate's state, once a holder that ended without telling, or never began, has given the slot back.

    Within the lease an execution that is not there is one whose own trigger is about to start it, now or when it is
    delivered again. Whatever did not succeed gives back what a failed training does.
    """
    state = gate.read()
    expired = state.lease_expired(now)
    if not state.running_execution or (state.claim_event == trigger.event_id and not expired):
        return state
    status = training.status_of(state.running_execution)
    if status in _RUNNING:
        return replace(state, lease_expires=now + config.lease_seconds) if expired else state
    if not status and not expired:
        return state
    logger.warning("the holder told no end", extra={"holder": state.running_execution, "status": status or "missing"})
    gate.release(state.running_execution, give_back=status != "SUCCEEDED")
    return gate.read()


def _start(config: Settings, execution: str, execution_input: str, reason: str) -> Answer:
    training.start(config, execution.rsplit(":", 1)[-1], execution_input)
    return Answer(decision="started", reason_code="", reason=reason, training_execution=execution)


def _release(gate: Gate, detail: Detail, *, give_back: bool) -> Answer:
    held = gate.release(detail.execution, give_back=give_back)
    reason = "slot released" if held else "this execution does not hold the slot"
    return Answer(decision="released", reason_code="", reason=reason, training_execution=detail.execution)


def _announcement(answer: Answer, config: Settings, trigger: logic.Trigger) -> Detail:
    head = {"workload": config.workload, "environment": config.environment, "occurred_at": utc_now()}
    body = {"reason": answer.reason, "trigger": str(trigger)}
    if answer.decision == "started":
        return RetrainingStarted.model_validate({**head, **body, "training_execution": answer.training_execution})
    return RetrainingSuppressed.model_validate({**head, **body, "reason_code": answer.reason_code})
