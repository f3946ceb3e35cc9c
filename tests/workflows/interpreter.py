"""Runs a state machine in this process: the local interpreter walks the definition, the test answers its Tasks.

Only what a Task calls is replaced. States, JSONata, Retry and Catch are the interpreter's, with the corrections the
local AWS makes to it; events go through the event emitter's own validation before they count as sent.
"""

import contextlib
import copy
import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from ministack.services import stepfunctions

from event_emitter.logic import complete
from mlops_local.stepfunctions import language
from tests.definitions import states

Json = dict[str, Any]
STATE = "TestStateName"
"""Argument added to every Task: what it calls is then known by the state's name."""

PATCHED = (
    "_error_matches",
    "_scaled_sleep",
    "_start_execution",
    "_run_sub_machine",
    "_run_parallel_branches",
    "_invoke_resource",
    "_invoke_resource_with_timeout",
    "_emit_execution_status_event",
    "time",
)
Answer = Json | list[Json] | Callable[[Json], Json]


@dataclass(frozen=True)
class Fault:
    """An error that one Task raises at its first attempt in an execution, or at every one (`lasting`)."""

    state: str
    error: str
    cause: str = "injected by the test"
    lasting: bool = False


@dataclass
class Execution:
    """What became of an execution.

    Attributes:
        status: SUCCEEDED or FAILED.
        error: name of the error of a failed one.
        events: detail type and validated detail of every event it sent.
        calls: states whose Task was called, in order, retries included.
    """

    status: str = ""
    error: str = ""
    cause: str = ""
    events: list[tuple[str, Json]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


@contextlib.contextmanager
def interpreter() -> Iterator[None]:
    """Correct the interpreter as the local AWS does and leave out its pauses; everything is put back at the end."""
    originals = {name: getattr(stepfunctions, name) for name in PATCHED}
    language.correct()
    stepfunctions._scaled_sleep = lambda seconds: None
    stepfunctions._emit_execution_status_event = lambda execution: None
    real = originals["time"]
    stepfunctions.time = SimpleNamespace(**{**vars(real), "sleep": lambda seconds: None})
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(stepfunctions, name, original)


def run(
    definition: Json, execution_input: Json, answers: Mapping[str, Answer], fault: Fault | None = None
) -> Execution:
    """Run a definition to its end.

    Args:
        definition: without intrinsics.
        execution_input: its input.
        answers: result per Task; a list is used up one per call, its last element again and again.
        fault: error to raise.

    Raises:
        KeyError: a Task without an answer was reached.
    """
    outcome = Execution()
    lock = threading.Lock()

    def perform(resource: str, arguments: Any, timeout: float = 0) -> Any:
        state = arguments.pop(STATE)
        with lock:
            outcome.calls.append(state)
            attempt = outcome.calls.count(state)
        if fault and fault.state == state and (fault.lasting or attempt == 1):
            raise stepfunctions._ExecutionError(fault.error, fault.cause)
        payload = arguments.get("Payload")
        if isinstance(payload, dict) and "detail_type" in payload:
            outcome.events.append(_sent(payload))
            return {"StatusCode": 200, "Payload": {"event_id": "1"}}
        return copy.deepcopy(_answer(answers[state], attempt, arguments))

    stepfunctions._invoke_resource = perform
    stepfunctions._invoke_resource_with_timeout = perform
    record = _execute(_marked(definition), execution_input)
    outcome.status, outcome.error = record["status"], record.get("error", "")
    outcome.cause = record.get("cause", "")
    return outcome


def _answer(answer: Answer, attempt: int, arguments: Json) -> Json:
    if callable(answer):
        return answer(arguments)
    return answer[min(attempt, len(answer)) - 1] if isinstance(answer, list) else answer


def _sent(payload: Json) -> tuple[str, Json]:
    """Validate an event as the event emitter does; one it would refuse fails the Task."""
    try:
        detail = complete(
            payload["source"],
            payload["detail_type"],
            payload["detail"],
            workload="flight-delays",
            environment="local",
            now=dt.datetime.now(dt.UTC),
        )
    except ValueError as error:
        raise stepfunctions._ExecutionError("InvalidEvent", str(error)) from None
    return payload["detail_type"], detail.model_dump(mode="json")


def _marked(definition: Json) -> Json:
    marked = copy.deepcopy(definition)
    for name, state, _ in states(marked):
        if state["Type"] == "Task":
            state["Arguments"][STATE] = name
    return marked


def _execute(definition: Json, execution_input: Json) -> Json:
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:test"
    arn = "arn:aws:states:us-east-1:000000000000:execution:test:run-1"
    stepfunctions._state_machines[machine] = {"name": "test", "definition": json.dumps(definition), "roleArn": ""}
    stepfunctions._executions[arn] = {
        "executionArn": arn,
        "stateMachineArn": machine,
        "name": "run-1",
        "status": "RUNNING",
        "startDate": dt.datetime.now(dt.UTC).isoformat(),
        "input": json.dumps(execution_input),
        "events": [],
    }
    stepfunctions._run_execution(arn)
    record: Json = stepfunctions._executions[arn]
    return record
