"""How an execution ends besides succeeding or failing: after the machine's own TimeoutSeconds, and in CloudWatch."""

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from ..patches import replace
from .language import ENDED, MODULE

if TYPE_CHECKING:
    from ..runtime import Runtime

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
_NAMESPACE = "AWS/States"
_METRICS = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


class Clock:
    """The time of one execution as AWS counts it: what has passed, and what its Wait states left out.

    Args:
        execution: The emulator's record.
        seconds: The machine's TimeoutSeconds.
    """

    def __init__(self, execution: dict[str, Any], seconds: float) -> None:
        self._execution, self._seconds = execution, seconds
        self._began, self._skipped = time.monotonic(), 0.0
        # The watching thread acts for the account and region of whoever started the execution.
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()

    def skip(self, seconds: float) -> None:
        """Counts a pause that was not made, and leaves the execution when that was too long."""
        self._skipped += seconds
        self.look()
        check(self._execution)

    def look(self) -> None:
        """Ends the execution once its time is over."""
        with self._lock:
            if time.monotonic() - self._began + self._skipped > self._seconds:
                self._context.run(_time_out, self._execution, self._seconds)


_clock: contextvars.ContextVar[Clock | None] = contextvars.ContextVar("mlops_local_clock", default=None)
_running: set[Clock] = set()


def register(runtime: Runtime) -> None:
    """Replaces how executions run, wait and end, and starts to watch the time."""
    replace(MODULE, "_run_execution", _timed)
    replace(MODULE, "_scaled_sleep", _counted)
    replace(MODULE, "_run_sub_machine", _uncounted)
    replace(MODULE, "_fail_execution", _once)
    replace(MODULE, "_add_event", _final)
    replace(MODULE, "_emit_execution_status_event", lambda original: _measured(runtime, original))
    threading.Thread(target=_watch, name="execution-timeouts", daemon=True).start()


def ended(execution: dict[str, Any] | None) -> bool:
    """Whether an execution was stopped or timed out while one of its states runs; False in TestState."""
    return execution is not None and execution.get("status") != "RUNNING"


def check(execution: dict[str, Any] | None) -> None:
    """Leave an execution that was ended: none of its states is entered or left any more."""
    from ministack.services import stepfunctions

    if ended(execution):
        raise stepfunctions._ExecutionError(ENDED, "the execution was stopped or timed out")


def _watch() -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        for clock in tuple(_running):
            try:
                clock.look()
            except Exception:  # one execution must not end the watch of the others
                logger.exception("an execution could not be timed out")


def _time_out(execution: dict[str, Any], seconds: float) -> None:
    from ministack.services import stepfunctions

    if ended(execution):
        return
    details = {"error": "States.Timeout", "cause": f"the execution ran longer than its {seconds:g} seconds"}
    execution.update(status="TIMED_OUT", stopDate=stepfunctions.now_iso(), **details)
    stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": details})
    stepfunctions._emit_execution_status_event(execution)


def _timed(original: Any) -> Any:
    from ministack.services import stepfunctions

    def run(arn: str) -> None:
        execution = stepfunctions._executions.get(arn)
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) if execution else None
        seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
        if execution is None or seconds is None:
            original(arn)
            return
        clock = Clock(execution, seconds)
        token = _clock.set(clock)
        _running.add(clock)
        try:
            original(arn)
        finally:
            _running.discard(clock)
            _clock.reset(token)

    return run


def _counted(original: Any) -> Any:
    def sleep(seconds: float) -> None:
        began = time.monotonic()
        original(seconds)
        clock = _clock.get()
        if clock:
            clock.skip(max(seconds - (time.monotonic() - began), 0.0))

    return sleep


def _uncounted(original: Any) -> Any:
    """Pauses inside a branch are not counted: those of branches side by side would add up."""

    def run(*given: Any) -> Any:
        token = _clock.set(None)
        try:
            return original(*given)
        finally:
            _clock.reset(token)

    return run


def _once(original: Any) -> Any:
    """A state that breaks because its execution was ended must not end it again as failed."""

    def fail(execution: dict[str, Any], error: str, cause: str) -> None:
        if error != ENDED and not ended(execution):
            original(execution, error, cause)

    return fail


def _final(original: Any) -> Any:
    """The history closes with the end of the execution: a function that answers later adds nothing to it."""

    def add(execution: dict[str, Any], event_type: str, details: dict[str, Any] | None = None) -> Any:
        if ended(execution) and not event_type.startswith("Execution"):
            return {}
        return original(execution, event_type, details)

    return add


def _measured(runtime: Runtime, original: Any) -> Any:
    """An event for each status, and for the last one a metric; published aside, as stopping runs on the event loop."""

    def emit(execution: dict[str, Any]) -> None:
        original(execution)
        name = _METRICS.get(execution["status"])
        if name:
            arn = execution["stateMachineArn"]
            threading.Thread(target=_publish, args=(runtime, name, arn), name="execution-metrics", daemon=True).start()

    return emit


def _publish(runtime: Runtime, name: str, machine: str) -> None:
    dimensions = [{"Name": "StateMachineArn", "Value": machine}]
    datum = {"MetricName": name, "Dimensions": dimensions, "Value": 1.0, "Unit": "Count"}
    try:
        runtime.client("cloudwatch").put_metric_data(Namespace=_NAMESPACE, MetricData=[datum])
    except Exception:  # a lost metric must be seen
        logger.exception("the metric %s could not be published", name)
