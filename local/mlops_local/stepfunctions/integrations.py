"""What a Task's `Resource` does: Lambda, SDK calls, events, queues, tables, jobs with `.sync`, nested executions."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .calls import Caller, boto3_name
from .errors import TaskError

_FIRST_POLL_SECONDS, _LAST_POLL_SECONDS = 0.02, 0.2
_RESOURCE = re.compile(r"arn:aws:states:::(?P<body>[^.]+)(?P<pattern>\.[\w:]+)?$")


@dataclass(frozen=True)
class Sync:
    """How the end of a job is recognised.

    Args:
        name: Member of the request or response that names the job.
        describe: Operation that shows it.
        stop: Operation that ends it when the task times out or its execution is stopped.
        status: Path of the status in the description.
        done: Statuses of success.
        failed: Statuses of failure.
    """

    name: str
    describe: str
    stop: str
    status: str
    done: tuple[str, ...] = ("Completed",)
    failed: tuple[str, ...] = ("Failed", "Stopped")


_SAGEMAKER = {
    f"create{kind}Job": Sync(f"{kind}JobName", f"describe{kind}Job", f"stop{kind}Job", f"{kind}JobStatus")
    for kind in ("Training", "Processing", "Transform")
} | {
    "createHyperParameterTuningJob": Sync(
        "HyperParameterTuningJobName",
        "describeHyperParameterTuningJob",
        "stopHyperParameterTuningJob",
        "HyperParameterTuningJobStatus",
    )
}
_SAGEMAKER_CALLS = {"createModel", "createEndpointConfig", "createEndpoint", "updateEndpoint", "addTags"}
_OPTIMIZED_SIMPLE = {
    "sqs": ("sqs", {"sendMessage"}),
    "sns": ("sns", {"publish"}),
    "dynamodb": ("dynamodb", {"getItem", "putItem", "updateItem", "deleteItem"}),
}
Interrupted = Callable[[], str]


def perform(caller: Caller, resource: str, arguments: Any, interrupted: Interrupted) -> Any:
    """Does what a Task's resource says and returns the result as state data.

    Args:
        caller: Acts as the state machine's role.
        resource: The Task's `Resource`.
        arguments: Its evaluated arguments.
        interrupted: Says why a waiting task must stop (`States.Timeout` ...), or nothing.

    Raises:
        TaskError: the task failed, or the integration is not supported (with its name).
    """
    if re.match(r"arn:aws:lambda:[\w-]+:\d{12}:function:", resource):
        return _invoke(caller, {"FunctionName": resource, "Payload": arguments})["Payload"]
    match = _RESOURCE.match(resource)
    if match is None:
        raise unsupported(resource)
    service, _, operation = match["body"].rpartition(":")
    pattern = (match["pattern"] or "").lstrip(".")
    if service.startswith("aws-sdk:") and not pattern:
        name = boto3_name(service.removeprefix("aws-sdk:"), caller.session.get_available_services())
        return caller.call(name, operation, arguments)
    if service == "lambda" and operation == "invoke" and not pattern:
        return _invoke(caller, arguments)
    if service == "events" and operation == "putEvents" and not pattern:
        return _put_events(caller, arguments)
    if service in _OPTIMIZED_SIMPLE and operation in _OPTIMIZED_SIMPLE[service][1] and not pattern:
        return caller.call(_OPTIMIZED_SIMPLE[service][0], operation, arguments, optimized=service)
    if service == "sagemaker":
        return _sagemaker(caller, resource, operation, pattern, arguments, interrupted)
    if service == "glue" and operation == "startJobRun":
        return _glue(caller, resource, pattern, arguments, interrupted)
    if service == "states" and operation == "startExecution":
        return _start_execution(caller, resource, pattern, arguments, interrupted)
    raise unsupported(resource)


def unsupported(resource: str) -> TaskError:
    """The failure for an integration this local AWS does not have."""
    return TaskError("States.Runtime", f"the local AWS does not support the integration {resource}")


def _invoke(caller: Caller, arguments: Any) -> dict[str, Any]:
    payload = arguments.get("Payload", {})
    request = {**arguments, "Payload": json.dumps(payload)}
    answer = caller.call("lambda", "invoke", request, optimized="lambda")
    text = answer.get("Payload") or "null"
    if answer.get("FunctionError"):
        details = json.loads(text)
        raise TaskError(details.get("errorType", "Lambda.Unknown"), text)
    if arguments.get("InvocationType", "RequestResponse") == "RequestResponse":
        answer["Payload"] = json.loads(text)
    return answer


def _put_events(caller: Caller, arguments: Any) -> dict[str, Any]:
    answer = caller.call("events", "putEvents", arguments, optimized="events")
    if answer.get("FailedEntryCount"):
        raise TaskError("EventBridge.FailedEntry", json.dumps(answer))
    return answer


def _sagemaker(
    caller: Caller, resource: str, operation: str, pattern: str, arguments: Any, interrupted: Interrupted
) -> Any:
    sync = _SAGEMAKER.get(operation)
    if (
        pattern not in ("", "sync")
        or (pattern and sync is None)
        or (sync is None and operation not in _SAGEMAKER_CALLS)
    ):
        raise unsupported(resource)
    answer = caller.call("sagemaker", operation, arguments, optimized="sagemaker")
    if not pattern or sync is None:
        return answer
    name = {sync.name: arguments[sync.name]}

    def describe() -> dict[str, Any]:
        return caller.call("sagemaker", sync.describe, name, optimized="sagemaker")

    return _wait(describe, sync, interrupted, lambda: caller.call("sagemaker", sync.stop, name, optimized="sagemaker"))


def _glue(caller: Caller, resource: str, pattern: str, arguments: Any, interrupted: Interrupted) -> Any:
    if pattern not in ("", "sync"):
        raise unsupported(resource)
    run = caller.call("glue", "startJobRun", arguments, optimized="glue")["JobRunId"]
    if not pattern:
        return {"JobRunId": run}
    job = arguments["JobName"]
    states = Sync(
        "JobRunId",
        "getJobRun",
        "batchStopJobRun",
        "JobRunState",
        ("SUCCEEDED",),
        ("FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"),
    )

    def describe() -> dict[str, Any]:
        run_details = caller.call("glue", "getJobRun", {"JobName": job, "RunId": run}, optimized="glue")
        details: dict[str, Any] = run_details["JobRun"]
        return details

    return _wait(
        describe,
        states,
        interrupted,
        lambda: caller.call("glue", "batchStopJobRun", {"JobName": job, "JobRunIds": [run]}, optimized="glue"),
    )


def _start_execution(caller: Caller, resource: str, pattern: str, arguments: Any, interrupted: Interrupted) -> Any:
    if pattern not in ("", "sync", "sync:2"):
        raise unsupported(resource)
    answer = caller.call("stepfunctions", "startExecution", arguments, optimized="states")
    if not pattern:
        return answer
    arn = {"ExecutionArn": answer["ExecutionArn"]}
    states = Sync("ExecutionArn", "", "", "Status", ("SUCCEEDED",), ("FAILED", "TIMED_OUT", "ABORTED"))
    result = _wait(
        lambda: caller.call("stepfunctions", "describeExecution", arn, optimized="states"),
        states,
        interrupted,
        lambda: caller.call("stepfunctions", "stopExecution", arn, optimized="states"),
    )
    if pattern == "sync:2":  # the newer form parses the texts
        result = {**result, "Output": json.loads(result["Output"]), "Input": json.loads(result["Input"])}
    return result


def _wait(
    describe: Callable[[], dict[str, Any]], sync: Sync, interrupted: Interrupted, stop: Callable[[], Any]
) -> dict[str, Any]:
    pause = _FIRST_POLL_SECONDS
    while True:
        details = describe()
        status = details[sync.status]
        if status in sync.done:
            return details
        if status in sync.failed:
            raise TaskError("States.TaskFailed", json.dumps(details))
        reason = interrupted()
        if reason:
            stop()
            raise TaskError(reason, f"stopped while {sync.name} was {status}")
        time.sleep(pause)
        pause = min(pause * 1.5, _LAST_POLL_SECONDS)
