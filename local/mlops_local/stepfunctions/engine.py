"""Puts our Task integrations into the emulator's interpreter, with the role and the limits of the real one."""

from __future__ import annotations

import contextvars
import json
import threading
import time
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from ..errors import AccessDenied
from ..patches import replace
from . import endings, integrations, logs, machines
from .calls import Caller
from .errors import TaskError
from .language import ENDED, MODULE, correct

if TYPE_CHECKING:
    from ..runtime import Runtime

LIMIT_BYTES = 262_144


@dataclass(frozen=True)
class Task:
    """The execution a task belongs to.

    Args:
        role_arn: Role of the state machine.
        state_machine_arn: For the role's trust policy.
        name: Of the execution; the session is named so.
        execution: The emulator's record, None in TestState.
        deadline: Monotonic seconds after which the task must end, 0 for never.
    """

    role_arn: str
    state_machine_arn: str
    name: str
    execution: dict[str, Any] | None
    deadline: float = 0.0

    def interrupted(self) -> str:
        """Why a waiting task must stop: its own timeout, or the end of its execution; else nothing."""
        if endings.ended(self.execution):
            return ENDED
        return "States.Timeout" if self.deadline and time.monotonic() > self.deadline else ""


_current: contextvars.ContextVar[Task] = contextvars.ContextVar("mlops_local_task")


def register(runtime: Runtime) -> None:
    """Replaces the emulator's task execution; the language (states, JSONata, Retry, Catch) stays its own."""
    replace(MODULE, "_execute_task", _limited(_in_task_context))
    for name in ("_execute_pass", "_execute_parallel", "_execute_map"):
        replace(MODULE, name, _limited(lambda original: original))
    replace(MODULE, "_invoke_resource", lambda _: _invoking(runtime))
    replace(MODULE, "_invoke_resource_with_timeout", _timing)
    replace(MODULE, "_invoke_with_callback", lambda _: _calling_back(runtime))
    correct()
    machines.register()
    logs.register()
    endings.register(runtime)


def _in_task_context(original: Any) -> Any:
    from ministack.services import stepfunctions

    def execute(state: dict[str, Any], raw_input: Any, execution: Any, context: dict[str, Any]) -> Any:
        arn = context.get("StateMachine", {}).get("Id", "")
        machine = stepfunctions._state_machines.get(arn) or {}
        role = machine.get("roleArn", "")
        context["Execution"].setdefault("RoleArn", role)
        endings.check(execution)
        task = Task(role, arn, context["Execution"].get("Name", "test"), execution)
        token = _current.set(task)
        try:
            done = original(state, raw_input, execution, context)
        finally:
            _current.reset(token)
        endings.check(execution)
        return done

    return execute


def _limited(make: Any) -> Any:
    """Fails a state whose output is larger than Step Functions carries."""

    def wrapped(original: Any) -> Any:
        inner = make(original)

        def execute(*args: Any) -> Any:
            output, following = inner(*args)
            _check_size(output, "output of a state")
            return output, following

        return execute

    return wrapped


def _check_size(value: Any, what: str) -> None:
    from ministack.services import stepfunctions

    size = len(json.dumps(value, ensure_ascii=False).encode())
    if size > LIMIT_BYTES:
        raise stepfunctions._ExecutionError(
            "States.DataLimitExceeded", f"the {what} has {size} bytes, the limit is {LIMIT_BYTES}: pass an S3 URI"
        )


def _invoking(runtime: Runtime) -> Any:
    from ministack.services import stepfunctions

    def invoke(resource: str, arguments: Any) -> Any:
        _check_size(arguments, "input of a task")
        if ":activity:" in resource:
            return stepfunctions._invoke_activity(resource, arguments)
        task = _current.get()
        try:
            session = runtime.session_for_role(
                task.role_arn, "states.amazonaws.com", task.name, source_arn=task.state_machine_arn
            )
            result = integrations.perform(Caller(runtime, session), resource, arguments, task.interrupted)
        except TaskError as failure:
            raise stepfunctions._ExecutionError(failure.error, failure.cause) from None
        except AccessDenied as denied:
            raise stepfunctions._ExecutionError("States.Permissions", denied.message) from None
        _check_size(result, "result of a task")
        return result

    return invoke


def _timing(original: Any) -> Any:
    def invoke(resource: str, arguments: Any, timeout: float) -> Any:
        token = _current.set(changed(_current.get(), deadline=time.monotonic() + timeout))
        try:
            return original(resource, arguments, timeout)
        finally:
            _current.reset(token)

    return invoke


def _calling_back(runtime: Runtime) -> Any:
    from ministack.services import stepfunctions

    invoke = _invoking(runtime)

    def invoke_and_wait(resource: str, arguments: Any, token: str, state: dict[str, Any]) -> Any:
        called = threading.Event()
        stepfunctions._task_tokens[token] = {"event": called, "result": None, "error": None, "heartbeat": None}
        try:
            invoke(resource.replace(".waitForTaskToken", ""), arguments)
            if not called.wait(timeout=state.get("TimeoutSeconds", 99_999_999)):
                raise stepfunctions._ExecutionError("States.Timeout", "nobody called back in time")
        finally:
            outcome = stepfunctions._task_tokens.pop(token, {})
        if outcome.get("error"):
            raise stepfunctions._ExecutionError(
                outcome["error"].get("Error", "States.TaskFailed"), outcome["error"].get("Cause", "")
            )
        return json.loads(outcome.get("result") or "{}")

    return invoke_and_wait
