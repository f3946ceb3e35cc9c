"""Every way through every workflow ends in its one declared event, and so does every failure of every Task."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.assembly import Assembly
from tests.compliance.test_tasks import emits
from tests.definitions import Definition, Task, definitions, tasks
from tests.workflows.interpreter import Execution, Fault, interpreter, run
from tests.workflows.scenarios import FAILURE_EVENTS, OTHER_OUTCOMES, SCENARIOS, Scenario

MISSING_ENDPOINT = Fault(
    "InspectEndpoint", "SageMaker.SageMakerException", 'Could not find endpoint "flight-delays-local".'
)
FATAL = ("SomethingNobodyForesaw", "States.Timeout")
"""Errors no Retry names: they reach the Catch at once."""


@pytest.fixture(scope="module", autouse=True)
def local_interpreter() -> Iterator[None]:
    with interpreter():
        yield


@pytest.fixture(scope="module")
def workflows(assembly: Assembly) -> Mapping[str, Definition]:
    return {each.stack.rsplit("-", 1)[-1]: each for each in definitions(assembly, "local")}


def outcome(workflow: Definition, scenario: Scenario, fault: Fault | None = None) -> Execution:
    return run(workflow.body, scenario.input, scenario.answers, fault)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: f"{s.kind}-{s.name}")
def test_each_way_ends_in_its_one_event(workflows: Mapping[str, Definition], scenario: Scenario) -> None:
    execution = outcome(workflows[scenario.kind], scenario)
    assert [name for name, _ in execution.events] == [scenario.event], execution
    assert execution.status == ("FAILED" if scenario.failed else "SUCCEEDED"), execution


def test_a_first_deployment_creates_the_endpoint(workflows: Mapping[str, Definition]) -> None:
    scenario = next(s for s in SCENARIOS if (s.kind, s.name) == ("serving", "updated"))
    execution = outcome(workflows["serving"], scenario, MISSING_ENDPOINT)
    assert [name for name, _ in execution.events] == ["Deployment Succeeded"], execution
    assert "CreateEndpoint" in execution.calls
    assert "UpdateEndpoint" not in execution.calls


def test_an_endpoint_born_dead_is_removed(workflows: Mapping[str, Definition]) -> None:
    base = next(s for s in SCENARIOS if (s.kind, s.name) == ("serving", "updated"))
    dead = {"EndpointStatus": "Failed", "EndpointConfigName": "", "FailureReason": "no capacity"}
    execution = run(workflows["serving"].body, base.input, {**base.answers, "LookAtEndpoint": dead}, MISSING_ENDPOINT)
    assert [name for name, _ in execution.events] == ["Deployment Failed"], execution
    assert "RemoveEndpoint" in execution.calls


@dataclass(frozen=True)
class Injection:
    """A fault in the first scenario that reaches its Task."""

    scenario: Scenario
    task: Task
    fault: Fault
    transient: bool


def injections(workflows: Mapping[str, Definition]) -> Iterator[Injection]:
    for kind, workflow in workflows.items():
        seen: set[str] = set()
        by_name = {task.name: task for task in tasks(workflow)}
        for scenario in (s for s in SCENARIOS if s.kind == kind):
            for name in dict.fromkeys(outcome(workflow, scenario).calls):
                if name in seen:
                    continue
                seen.add(name)
                task = by_name[name]
                for rule in task.body.get("Retry", []):
                    yield Injection(scenario, task, Fault(name, rule["ErrorEquals"][0]), transient=True)
                for error in (*FATAL, *declared(task)):
                    yield Injection(scenario, task, Fault(name, error), transient=False)


def declared(task: Task) -> Iterator[str]:
    for rule in task.body["Catch"]:
        yield from (error for error in rule["ErrorEquals"] if error != "States.ALL")


def complaint(injection: Injection, execution: Execution, kind: str) -> str:
    """Return what is wrong with the end of an execution, or nothing."""
    events = [name for name, _ in execution.events]
    name = injection.task.name
    where = f"{injection.task} with {injection.fault.error} in '{injection.scenario.name}'"
    if injection.transient:
        retried = execution.calls.count(name) > 1 and events == [injection.scenario.event]
        return "" if retried else f"{where}: was not retried to the same end: {events} {execution.error}"
    if emits(injection.task.body) and injection.scenario.failed | (injection.scenario.event == FAILURE_EVENTS[kind]):
        # The failure's own event could not be sent: only the failed execution, and its alarm, can tell.
        silent = not events and execution.status == "FAILED"
        return "" if silent or events == [FAILURE_EVENTS[kind]] else f"{where}: ended {execution.status} with {events}"
    wanted = OTHER_OUTCOMES.get((kind, name), FAILURE_EVENTS[kind])
    ended = events == [wanted] and execution.status == "FAILED"
    return "" if ended else f"{where}: ended {execution.status} with {events}, not {wanted}: {execution.cause}"


def test_every_failure_of_every_task_ends_in_the_declared_event(workflows: Mapping[str, Definition]) -> None:
    complaints, tried = [], 0
    for injection in injections(workflows):
        kind = injection.scenario.kind
        execution = outcome(workflows[kind], injection.scenario, injection.fault)
        complaints += [line for line in (complaint(injection, execution, kind),) if line]
        tried += 1
    assert tried > 100, "the workflows have more ways to fail than were tried"
    assert not complaints, "\n".join(complaints)


def test_every_task_is_reached_by_a_scenario(workflows: Mapping[str, Definition]) -> None:
    elsewhere = {"CreateEndpoint", "RemoveEndpoint"}
    for kind, workflow in workflows.items():
        calls = {name for s in SCENARIOS if s.kind == kind for name in outcome(workflow, s).calls}
        failing = {task.name for task in tasks(workflow) if task.name.startswith("EmitFailed")}
        missing = {task.name for task in tasks(workflow)} - calls - elsewhere - failing
        assert not missing, f"{workflow.name}: no scenario reaches {', '.join(sorted(missing))}"
