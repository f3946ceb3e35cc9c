"""Every way through every workflow ends in its one declared event, and so does every failure of every Task."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from ministack.services import stepfunctions

from champion_challenge.handler import Contest
from mlops_runtime.observability import parse
from register_model.logic import Candidate
from tests.compliance.test_tasks import emits
from tests.definitions import Definition, Task, tasks
from tests.workflows.interpreter import Execution, Fault, run
from tests.workflows.scenarios import (
    CREATING,
    CURRENT,
    FAILURE_EVENTS,
    FORMER_PACKAGE,
    ORIGIN,
    OTHER_OUTCOMES,
    PACKAGE,
    PUBLISHED,
    SCENARIOS,
    TRAINED,
    VERDICT,
    Scenario,
    function,
    missing,
)

Json = dict[str, Any]
FATAL = "States.Timeout"
"""An error that no Retry names: it reaches the Catch at once."""


def outcome(workflow: Definition, scenario: Scenario, fault: Fault | None = None) -> Execution:
    return run(workflow.body, scenario.input, scenario.answers, fault)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: f"{s.kind}-{s.name}")
def test_each_way_ends_in_its_one_event(workflows: Mapping[str, Definition], scenario: Scenario) -> None:
    execution = outcome(workflows[scenario.kind], scenario)
    assert [name for name, _ in execution.events] == [scenario.event], execution
    assert execution.status == ("FAILED" if scenario.failed else "SUCCEEDED"), execution


def test_an_overtaken_file_is_curated_and_judged_once_more(workflows: Mapping[str, Definition]) -> None:
    tokens: list[str] = []

    def remember(arguments: Json) -> Json:
        tokens.append(arguments["ClientToken"])
        return {"RunId": f"dqrun-{len(tokens)}"}

    base = scenario("data", "overtaken by a file with some of its keys")
    execution = run(workflows["data"].body, base.input, {**base.answers, "StartQuality": remember})
    steps = [call for call in execution.calls if call in ("Curate", "QualityGate", "Publish", "Quarantine")]
    assert steps == ["Curate", "QualityGate", "Publish"] * 2
    assert tokens == ["run-1-1", "run-1-2"]  # with one token Glue would answer the second with the first run


def test_a_published_file_is_announced_although_publishing_it_failed(workflows: Mapping[str, Definition]) -> None:
    execution = outcome(workflows["data"], scenario("data", "published, though nobody heard of it"))
    assert execution.calls[-4:] == ["Publish", "Quarantine", "PublishAgain", "EmitReady"]
    ((name, detail),) = execution.events
    assert (name, detail["snapshot_id"], detail["rows"]) == ("Dataset Ready", PUBLISHED["snapshot_id"], 10)


def test_a_published_file_that_cannot_be_announced_is_told_as_such(workflows: Mapping[str, Definition]) -> None:
    base = scenario("data", "published, though nobody heard of it")
    execution = outcome(workflows["data"], base, Fault("PublishAgain", "States.Timeout", lasting=True))
    assert execution.calls.count("PublishAgain") == 1  # and it does not go round in circles
    ((name, detail),) = execution.events
    assert (name, detail["reason_code"]) == ("Dataset Rejected", "announcement_failed")
    assert detail["reason"].startswith("the rows are published, but Dataset Ready could not be sent")
    assert execution.status == "FAILED"


def test_a_first_deployment_creates_the_endpoint(workflows: Mapping[str, Definition]) -> None:
    execution = outcome(workflows["serving"], scenario("serving", "first deployment"))
    assert "CreateEndpoint" in execution.calls
    assert not {"UpdateEndpoint", "RemoveEndpoint"} & set(execution.calls)


@pytest.mark.parametrize(
    ("name", "error"),
    [("first smoke test fails", "SmokeTestFailed"), ("first endpoint is born dead", "EndpointFailed")],
)
def test_a_first_endpoint_that_does_not_pass_is_removed_with_its_config(
    workflows: Mapping[str, Definition], name: str, error: str
) -> None:
    removed: list[Json] = []

    def remember(arguments: Json) -> Json:
        removed.append(arguments)
        return {}

    base = scenario("serving", name)
    answers = {**base.answers, "RemoveEndpoint": remember, "RemoveConfig": remember}
    execution = run(workflows["serving"].body, base.input, answers)
    assert removed == [
        {"EndpointName": "flight-delays-local"},
        {"EndpointConfigName": "flight-delays-local-v3-run-1"},
    ]
    assert execution.calls[-4:] == ["RemoveEndpoint", "RemoveConfig", "RejectFailed", "EmitFailed"]
    ((_, detail),) = execution.events
    assert detail["error"] == error
    assert detail["cause"].endswith("; the new endpoint was removed")


@pytest.mark.parametrize("state", ["LookAtEndpoint", "LiveConfigCheck", "SmokeTest"])
def test_a_first_endpoint_that_could_not_be_verified_is_removed(
    workflows: Mapping[str, Definition], state: str
) -> None:
    fault = Fault(state, "SomethingNobodyForesaw", "what the service said", lasting=True)
    execution = outcome(workflows["serving"], scenario("serving", "first deployment"), fault)
    assert "RemoveEndpoint" in execution.calls, execution
    ((name, detail),) = execution.events
    assert (name, detail["error"]) == ("Deployment Failed", "SomethingNobodyForesaw")
    assert detail["cause"] == "what the service said; the new endpoint was removed"


@pytest.mark.parametrize(("name", "state"), [("updated", "LookAtEndpoint"), ("smoke test fails", "LookAtRestore")])
def test_what_could_not_be_seen_once_is_looked_at_again(
    workflows: Mapping[str, Definition], name: str, state: str
) -> None:
    """SageMaker goes on with what it was asked for, whatever becomes of a question about it."""
    base = scenario("serving", name)
    execution = outcome(workflows["serving"], base, Fault(state, "SageMaker.SomethingElse"))
    undisturbed = outcome(workflows["serving"], base)
    assert execution.calls == undisturbed.calls
    ((name, detail),), ((usual, usually),) = execution.events, undisturbed.events
    assert (name, {**detail, "occurred_at": ""}) == (usual, {**usually, "occurred_at": ""})


def test_a_restore_that_cannot_be_seen_tells_why_there_was_one(workflows: Mapping[str, Definition]) -> None:
    fault = Fault("LookAtRestore", "SageMaker.SomethingElse", lasting=True)
    execution = outcome(workflows["serving"], scenario("serving", "smoke test fails"), fault)
    ((name, detail),) = execution.events
    assert (name, detail["error"]) == ("Deployment Failed", "RestoreFailed")
    assert detail["cause"].startswith("score 7 is not a probability; the former config could not be restored: ")
    assert detail["cause"].endswith("it could not be described: SageMaker.SomethingElse")


def test_an_update_that_could_not_be_checked_is_taken_back(workflows: Mapping[str, Definition]) -> None:
    base = scenario("serving", "updated")
    execution = outcome(workflows["serving"], base, Fault("LiveConfigCheck", "States.Timeout"))
    assert "RestorePrevious" in execution.calls
    ((name, detail),) = execution.events
    assert (name, detail["error"]) == ("Deployment Rolled Back", "States.Timeout")


@pytest.mark.parametrize("state", ["RegisterScaling", "PutScalingPolicy", "PublishChampion", "EmitSucceeded"])
def test_a_first_endpoint_that_passed_stays(workflows: Mapping[str, Definition], state: str) -> None:
    execution = outcome(workflows["serving"], scenario("serving", "first deployment"), Fault(state, "States.Timeout"))
    assert [name for name, _ in execution.events] == ["Deployment Failed"], execution
    assert "RemoveEndpoint" not in execution.calls


@pytest.mark.parametrize(
    "now",
    [{**CURRENT, "EndpointStatus": "Updating"}, {**CURRENT, "EndpointConfigName": "flight-delays-local-v4-run-2"}],
)
def test_a_new_endpoint_that_somebody_else_changes_by_now_is_left_alone(
    workflows: Mapping[str, Definition], now: Json
) -> None:
    base = scenario("serving", "first smoke test fails")
    execution = run(workflows["serving"].body, base.input, {**base.answers, "LookBeforeRemoval": now})
    assert "RemoveEndpoint" not in execution.calls
    ((_, detail),) = execution.events
    assert detail["error"] == "SmokeTestFailed"
    assert detail["cause"].endswith(
        f"somebody else changes it: it is {now['EndpointStatus']} with {now['EndpointConfigName']}"
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("LookBeforeRemoval", "; the new endpoint could not be removed: States.Timeout"),
        ("RemoveEndpoint", "; the new endpoint could not be removed: States.Timeout"),
        ("RemoveConfig", "; the new endpoint was removed (but its config could not be: States.Timeout)"),
    ],
)
def test_a_removal_that_fails_is_told_beside_the_first_failure(
    workflows: Mapping[str, Definition], state: str, said: str
) -> None:
    base = scenario("serving", "first smoke test fails")
    execution = outcome(workflows["serving"], base, Fault(state, "States.Timeout"))
    assert "RejectFailed" in execution.calls
    ((name, detail),) = execution.events
    assert (name, detail["error"]) == ("Deployment Failed", "SmokeTestFailed")
    assert detail["cause"].endswith(said)


def test_nothing_is_restored_that_went_while_a_deployment_waited_for_its_turn(
    workflows: Mapping[str, Definition],
) -> None:
    """The endpoint of another first deployment: it failed and was removed."""
    looks = iter([CREATING, {**CURRENT, "EndpointStatus": "Deleting"}])

    def look(arguments: Json) -> Json:
        return next(looks, None) or missing(arguments)

    base = scenario("serving", "first smoke test fails")
    execution = run(workflows["serving"].body, base.input, {**base.answers, "InspectEndpoint": look})
    assert "RestorePrevious" not in execution.calls
    assert "RemoveEndpoint" in execution.calls


def scenario(kind: str, name: str) -> Scenario:
    return next(s for s in SCENARIOS if (s.kind, s.name) == (kind, name))


def judging_former_champions(workflow: Definition) -> dict[str, Any]:
    """The train workflow as a workload with `former_champions: 3` gets it; flight-delays says 0."""
    text = json.dumps(workflow.body)
    for none, three in (("$count($kept) > 0 or", "$count($kept) > 3 or"), ("[[0..0]]", "[[0..6]]")):
        assert text.count(none) == 1
        text = text.replace(none, three)
    body: dict[str, Any] = json.loads(text)
    return body


def test_a_former_champion_is_judged_and_returns_without_a_refit(workflows: Mapping[str, Definition]) -> None:
    sent: list[dict[str, Any]] = []

    def remember(arguments: dict[str, Any]) -> dict[str, Any]:
        sent.append(arguments["Payload"])
        return function({"model_package_arn": FORMER_PACKAGE, "version": 4, "approval_status": "Approved"})

    base = scenario("training", "former champion returns")
    execution = run(
        judging_former_champions(workflows["training"]), base.input, {**base.answers, "Reinstate": remember}
    )
    assert execution.calls.count("EvaluateModel") == 3
    assert not {"Refit", "Register"} & set(execution.calls)
    (payload,) = sent
    assert payload["reinstatement"]["reinstates"] == FORMER_PACKAGE
    assert (payload["run_id"], payload["reinstatement"]["run_id"]) == (ORIGIN["run_id"], "run-1")
    assert parse(Candidate, payload).training_job_name == ORIGIN["training_job"]


def test_the_challenge_gets_an_evaluation_of_everyone(workflows: Mapping[str, Definition]) -> None:
    sent: list[dict[str, Any]] = []

    def remember(arguments: dict[str, Any]) -> dict[str, Any]:
        sent.append(arguments["Payload"])
        return function(VERDICT)

    base = scenario("training", "challenger wins")
    run(judging_former_champions(workflows["training"]), base.input, {**base.answers, "Challenge": remember})
    contest = parse(Contest, sent[0])
    assert contest.challenger_uri.endswith("/run-1/evaluation/challenger/evaluation.json")
    assert str(contest.champion_uri).endswith("/run-1/evaluation/champion/evaluation.json")
    assert [(each.version, each.model_package_arn) for each in contest.former] == [(2, FORMER_PACKAGE)]


@pytest.mark.parametrize(
    ("parameters", "champion"),
    [
        ([{"Value": PACKAGE}], PACKAGE),
        ([{"Value": FORMER_PACKAGE}], FORMER_PACKAGE),
        ([{"Value": "none"}], PACKAGE),
        ([], PACKAGE),
    ],
    ids=["the newest serves", "an earlier one serves", "nothing serves yet", "the workload does not serve"],
)
def test_the_challenger_meets_what_serves(
    workflows: Mapping[str, Definition], parameters: list[Json], champion: str
) -> None:
    """Both versions are approved, the newer one is listed first."""
    judged: list[str] = []

    def remember(arguments: Json) -> Json:
        judged.extend(
            each["S3Input"]["S3Uri"] for each in arguments["ProcessingInputs"] if each["InputName"] == "model"
        )
        return {"ProcessingJobName": "evaluation"}

    base = scenario("training", "challenger wins")
    answers = {**base.answers, "EvaluateModel": remember, "ReadChampion": {"Parameters": parameters}}
    execution = run(workflows["training"].body, base.input, answers)
    assert [name for name, _ in execution.events] == ["Model Registered"], execution
    assert sorted(judged) == sorted(
        [TRAINED["ModelArtifacts"]["S3ModelArtifacts"], f"s3://artefacts/{champion}/model.tar.gz"]
    )


def test_a_failed_evaluation_is_told_by_its_step_and_model(workflows: Mapping[str, Definition]) -> None:
    fault = Fault("EvaluateModel", "States.TaskFailed", "no such image")
    ((name, detail),) = outcome(workflows["training"], scenario("training", "challenger wins"), fault).events
    assert (name, detail["step"], detail["error"]) == ("Training Failed", "EvaluateModel", "States.TaskFailed")
    assert re.fullmatch(r"EvaluateModel: (challenger|champion|former-2): no such image", detail["cause"])


@pytest.mark.parametrize(
    ("kind", "name", "step"),
    [
        *(
            ("training", "challenger wins", step)
            for step in ("Features", "Train", "Baseline", "EvaluateModel", "Refit")
        ),
        ("monitoring", "no drift", "Monitor"),
    ],
)
def test_a_job_that_was_made_although_nobody_heard_of_it_does_not_fail_its_step(
    workflows: Mapping[str, Definition], kind: str, name: str, step: str
) -> None:
    base, made = scenario(kind, name), set[str]()

    def create(arguments: Json) -> Json:
        job = arguments.get("TrainingJobName") or arguments["ProcessingJobName"]
        if job in made:
            raise stepfunctions._ExecutionError("SageMaker.ResourceInUseException", f"{job} exists")
        made.add(job)
        if len(made) == 1:
            raise stepfunctions._ExecutionError("SageMaker.SdkClientException", "no answer")
        given = base.answers[step]
        assert isinstance(given, dict)
        return given

    execution = run(workflows[kind].body, base.input, {**base.answers, step: create})
    assert [event for event, _ in execution.events] == [base.event], execution
    assert len(made) == execution.calls.count(step) > 1


@pytest.mark.parametrize("name", [s.name for s in SCENARIOS if s.kind == "serving" and s.failed])
def test_a_package_that_does_not_come_to_serve_is_rejected(workflows: Mapping[str, Definition], name: str) -> None:
    execution = outcome(workflows["serving"], scenario("serving", name))
    rejected = [call for call in execution.calls if call.startswith("Reject")]
    # A package without approval is left as it is: it may be waiting for a person.
    assert len(rejected) == (name != "not approved"), execution


def test_a_frozen_promotion_leaves_the_endpoint_alone(workflows: Mapping[str, Definition]) -> None:
    execution = outcome(workflows["serving"], scenario("serving", "promotion is frozen"))
    ((_, detail),) = execution.events
    assert detail["error"] == "PromotionFrozen"
    assert detail["cause"].startswith("promotion is frozen: approve the version again")
    assert not {"CreateEndpoint", "UpdateEndpoint"} & set(execution.calls), execution


def test_a_freeze_switch_that_is_not_there_counts_as_frozen(workflows: Mapping[str, Definition]) -> None:
    fault = Fault("ReadFreeze", "Ssm.ParameterNotFoundException")
    execution = outcome(workflows["serving"], scenario("serving", "updated"), fault)
    assert [name for name, _ in execution.events] == ["Deployment Failed"], execution
    assert not {"CreateEndpoint", "UpdateEndpoint"} & set(execution.calls), execution


def test_a_failed_deployment_rejects_with_its_cause(workflows: Mapping[str, Definition]) -> None:
    sent: list[dict[str, Any]] = []

    def remember(arguments: dict[str, Any]) -> dict[str, Any]:
        sent.append(arguments)
        return {"ModelPackageArn": PACKAGE}

    base = scenario("serving", "updated")
    fault = Fault("CreateModel", "SageMaker.ValidationException", "no\nsuch  image " + "x" * 2000)
    run(workflows["serving"].body, base.input, {**base.answers, "RejectFailed": remember}, fault)
    ((arguments),) = sent
    assert (arguments["ModelPackageArn"], arguments["ModelApprovalStatus"]) == (PACKAGE, "Rejected")
    assert arguments["ApprovalDescription"].startswith("SageMaker.ValidationException: no such image xxx")
    assert len(arguments["ApprovalDescription"]) == 1024


def test_a_package_that_serves_stays_approved_whatever_comes_after(workflows: Mapping[str, Definition]) -> None:
    base = scenario("serving", "updated")
    for state in ("RegisterScaling", "PutScalingPolicy", "PublishChampion", "EmitSucceeded"):
        execution = outcome(workflows["serving"], base, Fault(state, "States.Timeout"))
        assert [name for name, _ in execution.events] == ["Deployment Failed"], execution
        assert not [call for call in execution.calls if call.startswith("Reject")], execution


def test_an_outcome_is_told_even_if_its_package_cannot_be_rejected(workflows: Mapping[str, Definition]) -> None:
    base = scenario("serving", "smoke test fails")
    ((name, detail),) = outcome(workflows["serving"], base, Fault("RejectRolledBack", "SageMaker.Denied")).events
    assert (name, detail["error"]) == ("Deployment Rolled Back", "SmokeTestFailed")
    assert detail["cause"].endswith("(and the package could not be rejected: SageMaker.Denied)")


@dataclass(frozen=True)
class Injection:
    """A fault in the first scenario that reaches its Task."""

    scenario: Scenario
    task: Task
    fault: Fault
    transient: bool


def injections(workflows: Mapping[str, Definition]) -> Iterator[Injection]:
    taken: set[str] = set()
    for kind, workflow in workflows.items():
        seen: set[str] = set()
        by_name = {task.name: task for task in tasks(workflow)}
        for scenario in (s for s in SCENARIOS if s.kind == kind):
            for name in dict.fromkeys(outcome(workflow, scenario).calls):
                if name in seen:
                    continue
                seen.add(name)
                task = by_name[name]
                rules = task.body.get("Retry", [])
                # The names of a rule are one to the interpreter: every rule of a Task is tried, and every name once.
                for errors in (rule["ErrorEquals"] for rule in rules):
                    for error in [each for each in errors if each not in taken] or errors[:1]:
                        taken.add(error)
                        yield Injection(scenario, task, Fault(name, error), transient=True)
                outlived = min(rules, key=lambda rule: rule["MaxAttempts"])["ErrorEquals"][-1]
                for error in dict.fromkeys((FATAL, outlived, *declared(task))):
                    yield Injection(scenario, task, Fault(name, error, lasting=True), transient=False)


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
    complaints, tried, names = [], 0, set()
    for injection in injections(workflows):
        kind = injection.scenario.kind
        execution = outcome(workflows[kind], injection.scenario, injection.fault)
        complaints += [line for line in (complaint(injection, execution, kind),) if line]
        tried += 1
        names.add(injection.fault.error)
    assert tried > 100, "the workflows have more ways to fail than were tried"
    every = {
        error
        for workflow in workflows.values()
        for task in tasks(workflow)
        for rule in task.body["Retry"]
        for error in rule["ErrorEquals"]
    }
    assert every <= names, f"never tried: {', '.join(sorted(every - names))}"
    assert not complaints, "\n".join(complaints)


def test_every_task_is_reached_by_a_scenario(workflows: Mapping[str, Definition]) -> None:
    for kind, workflow in workflows.items():
        calls = {name for s in SCENARIOS if s.kind == kind for name in outcome(workflow, s).calls}
        failing = {task.name for task in tasks(workflow) if task.name.startswith("EmitFailed")}
        unreached = {task.name for task in tasks(workflow)} - calls - failing
        assert not unreached, f"{workflow.name}: no scenario reaches {', '.join(sorted(unreached))}"
