"""Corrections to the emulator's interpretation of the language: scopes of variables, JSONata in Parallel, wildcards."""

from __future__ import annotations

import time
from typing import Any

from ..patches import replace

MODULE = "ministack.services.stepfunctions"
# With SFN_WAIT_SCALE=0 a loop of Wait and Describe would spin.
_LEAST_WAIT_SECONDS = 0.05
# What a state of an execution fails with that was stopped or timed out: nothing catches it, and nobody sees it.
ENDED = "mlops_local.ExecutionEnded"
_TERMINAL = ("States.DataLimitExceeded", "States.Runtime", ENDED)


def correct() -> None:
    """Replaces what differs from the real interpreter in ways the workflows would notice."""
    replace(MODULE, "_error_matches", _matching)
    replace(MODULE, "_scaled_sleep", _sleeping)
    replace(MODULE, "_start_execution", _starting)
    replace(MODULE, "_run_sub_machine", _scoped)
    replace(MODULE, "_run_parallel_branches", _parallel)


def _matching(original: Any) -> Any:
    def matches(error_equals: list[str], error: str) -> bool:
        if error in _TERMINAL:  # wildcards don't catch these
            return error in error_equals
        return bool(original(error_equals, error))

    return matches


def _sleeping(original: Any) -> Any:
    from ministack.services import stepfunctions

    def sleep(seconds: float) -> None:
        time.sleep(max(seconds * stepfunctions._SFN_WAIT_SCALE, min(seconds, _LEAST_WAIT_SECONDS)))

    return sleep


def _starting(original: Any) -> Any:
    """The same name and input as a running execution is the same request, not an error."""
    from ministack.core.responses import json_response
    from ministack.services import stepfunctions

    def start(data: dict[str, Any]) -> Any:
        name, machine = data.get("name"), data.get("stateMachineArn", "")
        if name:
            arn = machine.replace(":stateMachine:", ":execution:") + f":{name}"
            known = stepfunctions._executions.get(arn)
            if known and known["status"] == "RUNNING" and known["input"] == data.get("input", "{}"):
                return json_response({"executionArn": arn, "startDate": known["startDate"]})
        return original(data)

    return start


def _scoped(original: Any) -> Any:
    """A branch sees the variables around it; what it assigns stays inside."""

    def run(states: Any, start_at: Any, input_data: Any, execution: Any, context: dict[str, Any]) -> Any:
        inner = {**context, "variables": dict(context.get("variables", {}))}
        return original(states, start_at, input_data, execution, inner)

    return run


def _parallel(original: Any) -> Any:
    """Arguments, Output and Assign of a JSONata Parallel state, which the emulator leaves out."""
    from ministack.services import stepfunctions as interpreter

    def run(state: dict[str, Any], raw_input: Any, execution: Any, context: dict[str, Any]) -> Any:
        if interpreter._state_query_language(state, context) != "JSONata":
            return original(state, raw_input, execution, context)
        arguments = interpreter._apply_jsonata_arguments(state, raw_input, context)
        bare = {key: value for key, value in state.items() if key in ("Branches", "Next", "End", "Type")}
        results, following = original(bare, arguments, execution, context)
        output = interpreter._apply_jsonata_output(state, raw_input, context, result=results, default=results)
        interpreter._apply_state_assign(state, raw_input, context, result=results)
        return output, following

    return run
