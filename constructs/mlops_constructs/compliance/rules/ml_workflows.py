"""ML-10 for workflows: nothing runs for ever, repeats what cannot succeed, or dies without saying so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlops_constructs.compliance.asked import objects, texts
from mlops_constructs.compliance.asl import Machine, State, machines
from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

_DAY = 86400
_LONGEST_TASK = 5 * _DAY  # the longest training SageMaker allows without a raised quota
_MOST_ATTEMPTS = 30
_NOT_TRANSIENT = {
    "States.ALL",
    "States.TaskFailed",
    "States.Permissions",
    "States.Runtime",
    "States.DataLimitExceeded",
    "States.ParameterPathFailure",
    "States.QueryEvaluationError",
}
_SAYS = {
    ("lambda", "invoke"),
    ("events", "putEvents"),
    ("eventbridge", "putEvents"),
    ("sns", "publish"),
    ("sqs", "sendMessage"),
    ("states", "startExecution"),
}


def _readable(estate: Estate) -> Iterator[Judgement]:
    for machine in machines(estate):
        ok = machine.definition is not None and any(True for _ in machine.states())
        yield Judgement(machine.resource, ok, message="the definition is not in the template, or not JSON with states")


def _machine_timeout(estate: Estate) -> Iterator[Judgement]:
    for machine in machines(estate):
        if machine.definition is not None and machine.resource.get("StateMachineType") != "EXPRESS":
            ok = _seconds(machine.definition.get("TimeoutSeconds")) is not None
            yield Judgement(machine.resource, ok, message="an execution may run for a year: no TimeoutSeconds")


def _task_timeout(estate: Estate) -> Iterator[Judgement]:
    for machine, state in _all(estate, "Task"):
        seconds = _seconds(state.body.get("TimeoutSeconds"))
        given = seconds is not None or "TimeoutSecondsPath" in state.body
        ok = given and (seconds or 0) <= _LONGEST_TASK
        yield _say(machine, state, ok, f"{state.name} may wait {'too long' if given else 'for ever'}")


def _retries(estate: Estate) -> Iterator[Judgement]:
    for machine, state in _all(estate, "Task"):
        retries = state.list("Retry")
        bounded = all(0 < _number(each.get("MaxAttempts", 3)) <= _MOST_ATTEMPTS for each in retries)
        ok = bool(retries) and bounded
        yield _say(machine, state, ok, f"{state.name} is not repeated after a throttle, or without bound")


def _transient(estate: Estate) -> Iterator[Judgement]:
    for machine, state in _all(estate, "Task", "Map", "Parallel"):
        retries = state.list("Retry")
        if retries:
            blind = sorted({error for each in retries for error in _errors(each)} & _NOT_TRANSIENT)
            growing = all(_number(each.get("BackoffRate", 2)) >= 1 for each in retries)
            message = f"{state.name} repeats {', '.join(blind)}, which cannot succeed the second time"
            yield _say(machine, state, not blind and growing, message)


def _caught(estate: Estate) -> Iterator[Judgement]:
    for machine, state in _all(estate, "Task", "Map", "Parallel"):
        ok = any(_catches_all(each) for each in (state, *state.within))
        yield _say(machine, state, ok, f"nothing catches a failure of {state.name}")


def _outcome(estate: Estate) -> Iterator[Judgement]:
    for machine, state in _all(estate, "Task", "Map", "Parallel"):
        for position, target in enumerate(_targets(state)):
            reached = _reach(target, state.siblings)
            fails = any(body.get("Type") == "Fail" for body in reached.values())
            # A branch fails into its Map or Parallel, which is judged itself; the state that sends the event cannot.
            inside = any(_catches_all(each) for each in state.within)
            said = (
                inside
                or _announces(state)
                or any(_says(name, body) for name, body in reached.items() if body is not state.body)
            )
            message = f"a failure of {state.name} ends {'without a word' if fails else 'as a success'}"
            detail = state.name if not position else f"{state.name}:{position}"
            yield Judgement(machine.resource, fails and said, detail=detail, message=message)


def _catches_all(state: State) -> bool:
    return any("States.ALL" in _errors(each) and each.get("Next") for each in state.list("Catch"))


def _errors(rule: Mapping[str, Any]) -> set[str]:
    named = rule.get("ErrorEquals")
    return texts(named if isinstance(named, list) else [])


def _targets(state: State) -> list[str]:
    return list(dict.fromkeys(str(each.get("Next")) for each in state.list("Catch")))


def _reach(start: str, siblings: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    pending = [start]
    while pending:
        name = pending.pop()
        body = siblings.get(name)
        if name in found or not isinstance(body, Mapping):
            continue
        found[name] = body
        pending += [str(body[key]) for key in ("Next", "Default") if key in body]
        pending += [str(choice.get("Next")) for choice in objects(body.get("Choices"))]
    return found


def _says(name: str, body: Mapping[str, Any]) -> bool:
    return body.get("Type") == "Task" and State(name, body, {}).integration in _SAYS


def _announces(state: State) -> bool:
    """Whether sending an event is what the state is for."""
    payload = state.arguments.get("Payload")
    typed = isinstance(payload, Mapping) and bool({"detail_type", "detail-type", "DetailType"} & set(payload))
    return typed or state.integration in _SAYS - {("lambda", "invoke"), ("states", "startExecution")}


def _all(estate: Estate, *kinds: str) -> Iterator[tuple[Machine, State]]:
    for machine in machines(estate):
        for state in machine.states():
            if state.kind in kinds:
                yield machine, state


def _say(machine: Machine, state: State, ok: bool, message: str) -> Judgement:
    return Judgement(machine.resource, ok, detail=state.name, message=message)


def _seconds(value: Any) -> float | None:
    """A timeout that is a number or an expression; an expression counts, its value is the execution's."""
    if isinstance(value, str) and value.strip().startswith("{%"):
        return 1.0
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


RULES: tuple[Rule, ...] = (
    Rule(
        id="ML-10.workflow-readable",
        title="A workflow's definition can be reviewed",
        rationale="What is not in the template is not reviewed, and may change without a deployment.",
        remedy="Put the definition into the template instead of a file in S3.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_readable,
    ),
    Rule(
        id="ML-10.workflow-timeout",
        title="Every workflow has a timeout",
        rationale="Without one a standard workflow may wait a year, with its jobs and its lease.",
        remedy="Set TimeoutSeconds at the top of the definition.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_machine_timeout,
    ),
    Rule(
        id="ML-10.task-timeout",
        title="Every task has a timeout",
        rationale="A task whose answer is lost waits for ever and holds the workflow.",
        remedy="Set TimeoutSeconds, at most five days.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_task_timeout,
    ),
    Rule(
        id="ML-10.task-retry",
        title="Every task survives a throttle",
        rationale="Throttles and short outages are normal; without a retry each one loses an execution.",
        remedy="Retry the service's transient errors, at most 30 times.",
        severity=Severity.LOW,
        phase=Phase.REPEATABLE,
        check=_retries,
    ),
    Rule(
        id="ML-10.retry-transient",
        title="Only transient errors are repeated",
        rationale="Repeating a wrong request costs time and money and hides the reason.",
        remedy="Name the transient errors in ErrorEquals, never States.ALL or States.TaskFailed; back off.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_transient,
    ),
    Rule(
        id="ML-10.catch-all",
        title="Every failure is caught",
        rationale="An execution that dies without its failure event leaves the next step waiting.",
        remedy="Catch States.ALL in the state or in the Map or Parallel around it.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_caught,
        also=("OPS-1",),
    ),
    Rule(
        id="ML-10.failure-outcome",
        title="A caught failure is announced and ends as a failure",
        rationale="A Catch into a success hides the failure from alarms and from people.",
        remedy="Lead the Catch over a task that sends the failure event to a Fail state.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_outcome,
        also=("OPS-1",),
    ),
)
