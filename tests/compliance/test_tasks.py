"""One walk over every state machine: nothing dies silently, only what is transient is retried, calls are real."""

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

from mlops_local.stepfunctions.errors import optimized_error, sdk_error
from tests.assembly import Assembly
from tests.definitions import Definition, Task, definitions, states, tasks

TRANSIENT = re.compile(
    r"TooManyRequests|ServiceException|InternalServer|InternalService|SdkClient|ClientExecutionTimeout|OperationTimeout"
    r"|ResourceNotReady|ENINotReady|ResourceConflict|EC2Throttled|EC2Unexpected|ResourceNumberLimitExceeded"
    r"|ResourceLimitExceeded|ConcurrentRunsExceeded|ConcurrentUpdate|TooManyUpdates|SageMaker\.Conflict|^Transient$|EventNotDelivered|EndpointUnavailable|GateContended"
)
"""Errors that may be gone at the next attempt: the service's own trouble, its limits, and our functions' word."""

BASE = re.compile(r"^(?P<service>\w+)\.(Amazon|AWS)?(?P=service)Exception$")
"""Base exceptions: throttling and server-side trouble arrive under these names, and wrong requests too."""

BUSY = ("ThrottlingException", "Throttling", "SlowDown", "ServiceUnavailable", "InternalFailure", "InternalError")
"""Codes that services answer with when they are busy or broken."""

INTEGRATION = re.compile(r"^arn:aws:states:::(aws-sdk:)?(?P<service>[a-z0-9-]+):(?P<action>\w+)(\.sync(:2)?)?$")
CLIENTS = {"sagemaker": "sagemaker", "sfn": "stepfunctions", "applicationautoscaling": "application-autoscaling"}


@pytest.fixture(scope="module")
def workflows(assembly: Assembly) -> list[Definition]:
    found = [each for environment in assembly.templates for each in definitions(assembly, environment)]
    assert found
    return found


@pytest.fixture(scope="module")
def every_task(workflows: list[Definition]) -> list[Task]:
    return [task for workflow in workflows for task in tasks(workflow)]


def test_the_workflows_of_the_loop_are_there(assembly: Assembly) -> None:
    kinds = {d.stack.rsplit("-", 1)[-1] for d in definitions(assembly, "prod")}
    assert kinds == {"data", "training", "serving", "monitoring"}


def test_every_task_has_a_timeout(every_task: list[Task]) -> None:
    endless = [str(t) for t in every_task if not 0 < t.body.get("TimeoutSeconds", 0) <= 5 * 86400]
    assert not endless


def test_no_task_gives_up_on_a_function_that_still_runs(assembly: Assembly) -> None:
    """It would tell of a failure while the function goes on: a refused file would be published all the same."""
    hasty, calls = [], 0
    for environment in assembly.templates:
        functions = assembly.resources("AWS::Lambda::Function", environment=environment)
        longest = {logical_id: resource["Properties"]["Timeout"] for _, _, logical_id, resource in functions}
        for task in (task for each in definitions(assembly, environment) for task in tasks(each)):
            if task.body["Resource"] == "arn:aws:states:::lambda:invoke":
                calls += 1
                runs = longest[task.body["Arguments"]["FunctionName"].rsplit(":", 1)[1]]
                waits = task.body["TimeoutSeconds"]
                hasty += [f"{environment} {task}: waits {waits} s for {runs} s"] if waits <= runs else []
    assert calls, "no function is called any more"
    assert not hasty, "\n".join(hasty)


def test_only_transient_errors_are_retried(every_task: list[Task]) -> None:
    wrong = [
        f"{task}: {error}"
        for task in every_task
        for rule in task.body.get("Retry", [])
        for error in rule["ErrorEquals"]
        if not (TRANSIENT.search(error) or BASE.match(error))
    ]
    assert not wrong, "an error that is no better the second time:\n" + "\n".join(wrong)


def test_a_name_that_wrong_requests_share_is_retried_for_seconds_only(every_task: list[Task]) -> None:
    rules = [
        rule
        for task in every_task
        for rule in task.body.get("Retry", [])
        # AWS recommends this rule of its own for calls of functions; their errors have names, save a denied call.
        if any(BASE.match(error) for error in rule["ErrorEquals"])
        and "Lambda.AWSLambdaException" not in rule["ErrorEquals"]
    ]
    assert rules
    for rule in rules:
        pauses = (
            min(rule["IntervalSeconds"] * rule["BackoffRate"] ** n, rule["MaxDelaySeconds"])
            for n in range(rule["MaxAttempts"])
        )
        assert sum(pauses) <= 15, rule


def retried(task: Task) -> set[str]:
    return {error for rule in task.body.get("Retry", []) for error in rule["ErrorEquals"]}


def reported(task: Task, code: str) -> str:
    """Return the error's name when the task's service answers with a code."""
    model = operation(task)
    assert model
    known = frozenset(str(name) for shape in model.error_shapes for name in (shape.name, shape.error_code))
    if "aws-sdk:" in task.body["Resource"]:
        return sdk_error(str(model.service_model.metadata["serviceId"]), code, known)
    return optimized_error(task.body["Resource"].split(":")[5], code, known)


def service_calls(every_task: list[Task]) -> list[Task]:
    calls = [task for task in every_task if operation(task)]
    assert calls
    return calls


def test_a_busy_service_is_asked_again(every_task: list[Task]) -> None:
    lost = [
        f"{task}: {code} arrives as {name}"
        for task in service_calls(every_task)
        for code in BUSY
        if (name := reported(task, code)) not in retried(task)
    ]
    assert not lost, "\n".join(lost)


def test_no_name_is_retried_that_its_service_never_reports(every_task: list[Task]) -> None:
    possible: dict[str, set[str]] = {}
    for task in service_calls(every_task):
        base = reported(task, "SomethingWithoutAName")
        model = operation(task)
        codes = [str(shape.error_code) for shape in model.error_shapes] if model else []
        client = f"{base.partition('.')[0]}.SdkClientException"
        possible.setdefault(base, set()).update({base, client, *(reported(task, code) for code in codes)})
    for task in service_calls(every_task):
        assert retried(task) <= possible[reported(task, "SomethingWithoutAName")], str(task)


def test_every_task_retries_something(every_task: list[Task]) -> None:
    assert [str(task) for task in every_task if not task.body.get("Retry")] == []


def test_every_task_catches_everything(every_task: list[Task]) -> None:
    loose = [
        str(t) for t in every_task if not any("States.ALL" in rule["ErrorEquals"] for rule in t.body.get("Catch", []))
    ]
    assert not loose


def emits(state: dict[str, Any]) -> bool:
    return "detail_type" in state.get("Arguments", {}).get("Payload", {})


def targets(state: dict[str, Any]) -> Iterator[str]:
    for rule in (state, *state.get("Choices", []), *state.get("Catch", [])):
        yield from (rule[key] for key in ("Next", "Default") if key in rule)


def silent_ends(name: str, scope: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the ways from a state to an end on which no event is emitted. A loop ends nowhere and is left out."""
    state = scope[name]
    if emits(state) or name in path:
        return
    path = (*path, name)
    following = list(targets(state))
    if not following:
        yield path
    for each in following:
        yield from silent_ends(each, scope, path)


def test_every_way_through_a_workflow_emits_its_event(workflows: list[Definition]) -> None:
    silent = [
        f"{workflow.name}: {' -> '.join(path)}"
        for workflow in workflows
        for path in silent_ends(workflow.body["StartAt"], workflow.body["States"])
    ]
    assert not silent, "\n".join(silent)


def test_a_failing_branch_fails_its_parallel_state_which_catches_it(workflows: list[Definition]) -> None:
    for workflow in workflows:
        for name, state, _ in states(workflow.body):
            if state["Type"] in ("Parallel", "Map"):
                assert any("States.ALL" in r["ErrorEquals"] for r in state.get("Catch", [])), f"{workflow.name}.{name}"


def variables(body: dict[str, Any]) -> set[str]:
    rules = [r for s in body["States"].values() for r in (s, *s.get("Catch", []), *s.get("Choices", []))]
    return {name for rule in rules for name in rule.get("Assign", {})}


def test_no_branch_assigns_a_variable_of_its_surroundings(workflows: list[Definition]) -> None:
    """AWS refuses such a definition, and a branch's variables end with it; the local interpreter shares them all."""
    wrong = []
    for workflow in workflows:
        outer = variables(workflow.body)
        for name, state, _ in states(workflow.body):
            for branch in (*state.get("Branches", []), *filter(None, (state.get("ItemProcessor"),))):
                wrong += [f"{workflow.name}.{name}: ${each}" for each in sorted(variables(branch) & outer)]
    assert not wrong


def distinct(workflows: list[Definition]) -> list[Definition]:
    """Return the definitions that differ in more than numbers and the names of their environment."""
    neutral = re.compile(r"(?<![a-z])(local|dev|staging|prod)(?![a-z])|\d+")
    return list({neutral.sub("", json.dumps(each.body)): each for each in workflows}.values())


def test_the_language_validator_accepts_every_definition(workflows: list[Definition], root: Path) -> None:
    script = (
        "const validate = require('asl-validator');"
        "const all = JSON.parse(require('fs').readFileSync(0));"
        "console.log(JSON.stringify(all.map(d => validate(d, {checkPaths: true, checkArn: true}))"
        ".map(r => r.isValid ? '' : r.errorsText('; '))));"
    )
    bodies = [workflow.body for workflow in distinct(workflows)]
    broken = {**bodies[0], "StartAt": "Nowhere"}
    answer = subprocess.run(
        ["node", "-e", script],
        input=json.dumps([*bodies, broken]),
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    *errors, mutant = json.loads(answer.stdout)
    assert mutant, "the validator accepts a definition that starts nowhere"
    assert not [f"{body['Comment']}: {error}" for body, error in zip(bodies, errors, strict=True) if error]


def check(value: Any, shape: Shape, where: str) -> Iterator[str]:
    """Yield what in a call's parameters the service's model does not know; JSONata expressions may become anything."""
    if isinstance(value, str) and value.startswith("{%"):
        return
    match shape.type_name:
        case "structure" if isinstance(value, dict) and isinstance(shape, StructureShape):
            members = {_state_name(name): member for name, member in shape.members.items()}
            yield from (
                f"{where}.{key}: unknown, {shape.name} has {', '.join(members)}" for key in value.keys() - members
            )
            missing = {_state_name(name) for name in shape.required_members} - value.keys()
            yield from (f"{where}.{key}: missing" for key in sorted(missing))
            for key in value.keys() & members:
                yield from check(value[key], members[key], f"{where}.{key}")
        case "list" if isinstance(value, list):
            for index, item in enumerate(value):
                yield from check(item, shape.member, f"{where}[{index}]")  # type: ignore[attr-defined]
        case "map" if isinstance(value, dict):
            for key, item in value.items():
                yield from check(item, shape.value, f"{where}.{key}")  # type: ignore[attr-defined]
        case "string" if isinstance(value, str):
            if getattr(shape, "enum", None) and value not in shape.enum:  # type: ignore[attr-defined]
                yield f"{where}: {value!r} is none of {', '.join(shape.enum)}"  # type: ignore[attr-defined]
            limit = shape.metadata.get("max")
            if limit and len(value) > limit:
                yield f"{where}: {len(value)} characters, the limit is {limit}"
        case "integer" | "long" | "double" | "float" if isinstance(value, int | float) and not isinstance(value, bool):
            low, high = shape.metadata.get("min", value), shape.metadata.get("max", value)
            if not low <= value <= high:
                yield f"{where}: {value} is not between {low} and {high}"
        case "boolean" if isinstance(value, bool):
            pass
        case "blob" | "timestamp":
            pass
        case expected:
            yield f"{where}: {value!r} is no {expected}"


def _state_name(member: str) -> str:
    """Step Functions writes every parameter in PascalCase."""
    return member[:1].upper() + member[1:]


@cache
def service_model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def operation(task: Task) -> OperationModel | None:
    match = INTEGRATION.match(task.body["Resource"])
    assert match, f"{task}: {task.body['Resource']} is no integration"
    if match["service"] in ("lambda", "events"):
        return None
    service = CLIENTS.get(match["service"], match["service"])
    model = service_model(service)
    name = match["action"][:1].upper() + match["action"][1:]
    assert name in model.operation_names, f"{task}: {service} has no {name}"
    return model.operation_model(name)


def test_every_call_has_parameters_its_service_knows(assembly: Assembly) -> None:
    wrong, calls = [], 0
    for each in definitions(assembly, "prod"):
        for task in tasks(each):
            model = operation(task)
            if model and model.input_shape:
                calls += 1
                wrong += check(task.body.get("Arguments", {}), model.input_shape, str(task))
    assert calls, "no SDK integration was checked"
    assert not wrong, "\n".join(wrong)


def test_the_parameter_check_bites() -> None:
    shape = service_model("sagemaker").operation_model("StopTrainingJob").input_shape
    assert shape
    assert list(check({"TrainingJobNam": "x"}, shape, "call")) == [
        "call.TrainingJobNam: unknown, StopTrainingJobRequest has TrainingJobName",
        "call.TrainingJobName: missing",
    ]
    assert list(check({"TrainingJobName": 7}, shape, "call")) == ["call.TrainingJobName: 7 is no string"]


ENCRYPTED = {
    "createTrainingJob": ("ResourceConfig.VolumeKmsKeyId", "OutputDataConfig.KmsKeyId", "VpcConfig.Subnets"),
    "createProcessingJob": (
        "ProcessingResources.ClusterConfig.VolumeKmsKeyId",
        "ProcessingOutputConfig.KmsKeyId",
        "NetworkConfig.VpcConfig.Subnets",
    ),
    "createEndpointConfig": ("KmsKeyId", "DataCaptureConfig.KmsKeyId"),
    "createModel": ("VpcConfig.Subnets",),
}
"""What a call that moves data must name: our key for volumes and outputs, and the network."""


def unprotected(task: Task) -> Iterator[str]:
    match = INTEGRATION.match(task.body["Resource"])
    for path in ENCRYPTED.get(match["action"] if match else "", ()):
        value: Any = task.body["Arguments"]
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if not value:
            yield f"{task} lacks {path}"


def test_jobs_and_endpoints_use_our_key_and_network(assembly: Assembly) -> None:
    every = [task for d in definitions(assembly, "prod") for task in tasks(d)]
    assert not [line for task in every for line in unprotected(task)]
    used = {m["action"] for task in every if (m := INTEGRATION.match(task.body["Resource"]))}
    assert set(ENCRYPTED) <= used, "the promise is about calls that nobody makes any more"


@pytest.mark.parametrize("action", ENCRYPTED)
def test_a_call_without_key_or_network_is_caught(assembly: Assembly, action: str) -> None:
    every = [task for d in definitions(assembly, "prod") for task in tasks(d)]
    task = next(each for each in every if f":{action}" in each.body["Resource"])
    for path in ENCRYPTED[action]:
        mutant = json.loads(json.dumps(task.body))
        target = mutant["Arguments"]
        *parents, last = path.split(".")
        for part in parents:
            target = target[part]
        del target[last]
        assert list(unprotected(Task(task.workflow, task.name, mutant, task.scope))) == [f"{task} lacks {path}"]
