"""The history of executions in the log group that a state machine names, as Step Functions' own log delivery writes it.

Written aside and in batches: an execution is not held up. Delivery is best effort, as in AWS: a group that is gone
loses its events. The role is not asked whether it may set up a delivery.
"""

from __future__ import annotations

import itertools
import json
import logging
import queue
import secrets
import threading
import time
from typing import Any

from ..patches import replace
from .language import MODULE

logger = logging.getLogger(__name__)

_BATCH_SECONDS = 0.25
_LONGEST_BYTES = 248 * 1024
_FATAL = ("ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut")
_ERRORS = ("Aborted", "Failed", "TimedOut", "FailStateEntered")
_DATA = ("input", "output", "parameters")
_Line = tuple[str, str, int, dict[str, Any], str, bool]


def register() -> None:
    """Watches the histories and starts to write; must come before whatever decides that an event does not count."""
    lines: queue.SimpleQueue[_Line] = queue.SimpleQueue()
    replace(MODULE, "_run_execution", lambda original: _begun(lines, original))
    replace(MODULE, "_add_event", lambda original: _added(lines, original))
    threading.Thread(target=_deliver, args=(lines,), name="execution-logs", daemon=True).start()


def group_of(configuration: dict[str, Any]) -> str:
    """The log group of a logging configuration, or nothing when it is off."""
    if configuration.get("level", "OFF") == "OFF":
        return ""
    destinations = configuration.get("destinations") or [{}]
    arn = str(destinations[0].get("cloudWatchLogsLogGroup", {}).get("logGroupArn", ""))
    return arn.partition(":log-group:")[2].removesuffix(":*")


def is_logged(level: str, event_type: str) -> bool:
    """Whether events of a type are logged on a level."""
    if level == "ALL":
        return True
    return event_type in _FATAL or (level == "ERROR" and event_type.endswith(_ERRORS))


def message(execution_arn: str, event: dict[str, Any], milliseconds: int, *, with_data: bool) -> str:
    """One event of a history as it is logged."""
    details = dict(next((value for key, value in event.items() if key.endswith("EventDetails")), {}))
    for name in _DATA:
        text = details.pop(name, None)
        if with_data and isinstance(text, str):
            whole = text.encode()
            details[name] = whole[:_LONGEST_BYTES].decode("utf-8", "ignore")
            details[f"{name}Details"] = {"truncated": len(whole) > _LONGEST_BYTES}
    return json.dumps(
        {
            "id": str(event["id"]),
            "type": event["type"],
            "details": details,
            "previous_event_id": str(event.get("previousEventId", event["id"] - 1)),
            "event_timestamp": str(milliseconds),
            "execution_arn": execution_arn,
        }
    )


def _begun(lines: queue.SimpleQueue[_Line], original: Any) -> Any:
    from ministack.services import stepfunctions

    def run(arn: str) -> None:
        execution = stepfunctions._executions.get(arn)
        for event in list(execution["events"]) if execution else []:  # its start is in the history already
            _put(lines, execution, event)
        original(arn)

    return run


def _added(lines: queue.SimpleQueue[_Line], original: Any) -> Any:
    def add(execution: dict[str, Any], event_type: str, details: dict[str, Any] | None = None) -> Any:
        event = original(execution, event_type, details)
        _put(lines, execution, event)
        return event

    return add


def _put(lines: queue.SimpleQueue[_Line], execution: dict[str, Any], event: dict[str, Any]) -> None:
    from ministack.services import stepfunctions

    machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
    configuration = machine.get("loggingConfiguration") or {}
    group = group_of(configuration)
    if group and is_logged(configuration["level"], event["type"]):
        with_data = bool(configuration.get("includeExecutionData"))
        arn = execution["executionArn"]
        lines.put((group, machine["name"], int(time.time() * 1000), event, arn, with_data))


def _deliver(lines: queue.SimpleQueue[_Line]) -> None:
    streams: dict[tuple[str, str], str] = {}
    while True:
        batch = [lines.get()]
        time.sleep(_BATCH_SECONDS)
        while not lines.empty():
            batch.append(lines.get())
        batch.sort(key=lambda line: line[:2])  # stable: the order of a machine's events stays
        for (group, machine), found in itertools.groupby(batch, key=lambda line: line[:2]):
            try:
                _write(streams, group, machine, list(found))
            except Exception:  # the next ones must be delivered
                logger.exception("events of %s could not be logged to %s", machine, group)


def _write(streams: dict[tuple[str, str], str], group: str, machine: str, found: list[_Line]) -> None:
    from ministack.services import cloudwatch_logs

    minute = time.strftime("%Y-%m-%d-%H-%M", time.gmtime())
    stream = streams.setdefault((group, machine), f"states/{machine}/{minute}/{secrets.token_hex(4)}")
    names = {"logGroupName": group, "logStreamName": stream}
    events = [
        {"timestamp": at, "message": message(arn, event, at, with_data=with_data)}
        for _, _, at, event, arn, with_data in found
    ]
    if stream not in (cloudwatch_logs._log_groups.get(group) or {}).get("streams", {}):
        cloudwatch_logs._create_log_stream(names)
    status, _, answer = cloudwatch_logs._put_log_events({**names, "logEvents": events})
    if status != 200:
        logger.warning("%s events of %s are not logged: %s", len(events), machine, answer.decode())
