"""Amazon States Language (JSONata) as plain data: every function returns one state.

The functions are pure, so a test can walk every definition without synthesizing anything. `task` demands a timeout and
the state that handles failure: a Task without them cannot be written by accident.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from mlops_constructs.orchestration.callee import Callee
from mlops_constructs.orchestration.retries import LAMBDA_TRANSIENT, Retry

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
State: TypeAlias = dict[str, Json]


# What a Catch remembers: the failing state, the error's name and its cause, for the event the execution ends in.
# Cut to 2,000 characters: an event may hold 256 KB, a stack trace in an alert helps nobody.
FAILURE: str = (
    "{% {'step': $states.context.State.Name, 'error': $states.errorOutput.Error,"
    " 'cause': $exists($states.errorOutput.Cause) ? $substring($states.errorOutput.Cause, 0, 2000) : ''} %}"
)


def task(
    resource: str,
    arguments: Mapping[str, Json],
    *,
    next: str,
    timeout_seconds: int,
    retry: Sequence[Retry],
    catch_next: str,
    output: Json = None,
    assign: Mapping[str, Json] | None = None,
    catch_assign: Mapping[str, Json] | None = None,
    catch_first: Sequence[State] = (),
) -> State:
    """A Task state. Any error that outlives its retries is remembered as `$failure` and goes to `catch_next`.

    Args:
        resource: Integration ARN, for example `arn:aws:states:::glue:startJobRun.sync`.
        arguments: Arguments of the call; strings may be JSONata expressions.
        next: State that follows success.
        timeout_seconds: Longest run of one attempt, at least 1.
        retry: Rules for transient errors only: see `retries`, for example `sdk_transient("S3")`.
        catch_next: State that leads to the workflow's failure event.
        output: Output of the state; the call's result by default.
        assign: Workflow variables set on success.
        catch_assign: Further variables set on failure, beside `failure`.
        catch_first: Catch rules for expected errors (`catch("SageMaker.ValidationException", ...)`), tried first.

    Raises:
        ValueError: The timeout is not positive.
    """
    if timeout_seconds < 1:
        raise ValueError(f"timeout_seconds of {resource} must be at least 1, got {timeout_seconds}")
    state: State = {
        "Type": "Task",
        "Resource": resource,
        "Arguments": dict(arguments),
        "TimeoutSeconds": timeout_seconds,
    }
    if retry:
        state["Retry"] = [dict(rule) for rule in retry]
    everything: State = {
        "ErrorEquals": ["States.ALL"],
        "Next": catch_next,
        "Assign": {"failure": FAILURE, **(catch_assign or {})},
    }
    state["Catch"] = [*catch_first, everything]
    return _finish(state, next, output, assign)


def catch(*errors: str, next: str, assign: Mapping[str, Json] | None = None) -> State:
    """A Catch rule for an error that is part of the plan (for example: the endpoint does not exist yet)."""
    rule: State = {"ErrorEquals": list(errors), "Next": next}
    if assign:
        rule["Assign"] = dict(assign)
    return rule


def invoke(
    function: Callee,
    payload: Json,
    *,
    next: str,
    catch_next: str,
    output: Json = "{% $states.result.Payload %}",
    assign: Mapping[str, Json] | None = None,
    catch_assign: Mapping[str, Json] | None = None,
) -> State:
    """A Task that calls a Lambda function and passes its answer on (not the envelope around it).

    It waits longer than the function may run, so it never gives up on one that goes on.
    """
    return task(
        "arn:aws:states:::lambda:invoke",
        {"FunctionName": function.arn, "Payload": payload},
        next=next,
        timeout_seconds=function.task_timeout_seconds,
        retry=LAMBDA_TRANSIENT,
        catch_next=catch_next,
        output=output,
        assign=assign,
        catch_assign=catch_assign,
    )


def emit(
    emitter: Callee,
    *,
    source: str,
    detail_type: str,
    workload: str,
    environment_name: str,
    detail: Mapping[str, Json],
    next: str,
    catch_next: str,
    catch_assign: Mapping[str, Json] | None = None,
) -> State:
    """A Task that puts one platform event on the bus through the event emitter, which validates it first.

    The fields every event has (`schema_version`, `workload`, `environment`, `execution`, `occurred_at`) are filled in
    here; the time is the moment the state was entered, so a retry repeats the same event.
    """
    common: State = {
        "schema_version": "1",
        "workload": workload,
        "environment": environment_name,
        "execution": "{% $states.context.Execution.Id %}",
        "occurred_at": "{% $states.context.State.EnteredTime %}",
    }
    payload: State = {"source": source, "detail_type": detail_type, "detail": {**common, **detail}}
    return invoke(emitter, payload, next=next, catch_next=catch_next, catch_assign=catch_assign)


def choice(choices: Sequence[tuple[str, str]], *, default: str, output: Json = None) -> State:
    """A Choice of (JSONata condition, next state) pairs, tried in order; the default is mandatory."""
    state: State = {
        "Type": "Choice",
        "Choices": [{"Condition": condition, "Next": target} for condition, target in choices],
    }
    state["Default"] = default
    if output is not None:
        state["Output"] = output
    return state


def wait(seconds: int, *, next: str, assign: Mapping[str, Json] | None = None) -> State:
    """A pause of so many seconds, at least 1."""
    return _finish({"Type": "Wait", "Seconds": seconds}, next, None, assign)


def pass_(*, next: str, output: Json = None, assign: Mapping[str, Json] | None = None) -> State:
    """A Pass state: sets variables or shapes the output."""
    return _finish({"Type": "Pass"}, next, output, assign)


def branch(start_at: str, states: Mapping[str, State]) -> State:
    """One branch of a `parallel`."""
    return {"StartAt": start_at, "States": dict(states)}


def parallel(
    branches: Sequence[State],
    *,
    next: str,
    catch_next: str,
    output: Json = None,
    assign: Mapping[str, Json] | None = None,
) -> State:
    """A Parallel state. Variables of a branch end with it, so a failing branch hands its failure on, caught here.

    Inside, `outcomes.caught_as_output` and `outcomes.reraise` do that.
    """
    state: State = {
        "Type": "Parallel",
        "Branches": list(branches),
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": catch_next, "Assign": {"failure": FAILURE}}],
    }
    return _finish(state, next, output, assign)


def map_(
    items: Json,
    processor: State,
    *,
    max_concurrency: int,
    next: str,
    catch_next: str,
    output: Json = None,
    assign: Mapping[str, Json] | None = None,
) -> State:
    """An inline Map state: the same branch for every item, results in the order of the items.

    Args:
        items: Array of what is worked on (may be JSONata); each is the input of its own run of the branch.
        processor: The `branch` each item goes through; like a Parallel's, a failing one ends in a Fail state.
        max_concurrency: Items worked on at a time, at least 1.
        next: State that follows when every item is done.
        catch_next: State that follows when one item failed, with `$failure` set.
        output: Output of the state; the list of results by default.
        assign: Workflow variables set on success.

    Raises:
        ValueError: The concurrency is not positive; Step Functions takes 0 for no limit at all.
    """
    if max_concurrency < 1:
        raise ValueError(f"max_concurrency must be at least 1, got {max_concurrency}")
    state: State = {
        "Type": "Map",
        "Items": items,
        "MaxConcurrency": max_concurrency,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **processor},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": catch_next, "Assign": {"failure": FAILURE}}],
    }
    return _finish(state, next, output, assign)


def succeed(output: Json = None) -> State:
    """The end of an execution that did what it was for (a rejected file is such an end)."""
    return {"Type": "Succeed"} if output is None else {"Type": "Succeed", "Output": output}


def fail(error: str, cause: str) -> State:
    """The end of an execution that failed; the failed-executions alarm sees it. Both may be JSONata expressions."""
    return {"Type": "Fail", "Error": error, "Cause": cause}


def definition(start_at: str, states: Mapping[str, State], *, comment: str, timeout_seconds: int = 86_400) -> State:
    """The whole state machine.

    Args:
        start_at: Name of the first state.
        states: The states by name.
        comment: What the workflow is called.
        timeout_seconds: An execution is stopped after this long; a day by default, where AWS allows a year.

    Raises:
        ValueError: A transition leads to a state that does not exist.
    """
    _check_targets(start_at, states, where=comment)
    return {
        "Comment": comment,
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": timeout_seconds,
        "StartAt": start_at,
        "States": dict(states),
    }


def _finish(state: State, next_state: str, output: Json, assign: Mapping[str, Json] | None) -> State:
    if output is not None:
        state["Output"] = output
    if assign:
        state["Assign"] = dict(assign)
    state["Next"] = next_state
    return state


def _check_targets(start_at: str, states: Mapping[str, State], *, where: str) -> None:
    targets = {start_at}
    for state in states.values():
        rules = [*_mappings(state.get("Catch")), *_mappings(state.get("Choices")), state]
        targets.update(str(rule[key]) for rule in rules for key in ("Next", "Default") if key in rule)
        processor = state.get("ItemProcessor")
        for inner in (*_mappings(state.get("Branches")), *([_mapping(processor)] if processor else [])):
            inner_states = inner["States"]
            if isinstance(inner_states, Mapping):
                _check_targets(
                    str(inner["StartAt"]), {k: dict(_mapping(v)) for k, v in inner_states.items()}, where=where
                )
    if missing := sorted(targets - set(states)):
        raise ValueError(f"{where}: no state is named {', '.join(missing)}; the states are {', '.join(states)}")


def _mapping(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise TypeError(f"a state must be an object, got {value!r}")
    return value


def _mappings(value: Json) -> list[Mapping[str, Json]]:
    return [_mapping(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else []
