"""Roles that exist do the work of those the constructs would make: none is made, and each gets the same permissions."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack, assertions
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from mlops_constructs.control import PlatformControl
from mlops_constructs.datalake import AccessLogBucket, Column, Dataset, Ingestion, IngestionRoles, Lake
from mlops_constructs.governance import PrivateNetwork
from mlops_constructs.monitoring import MonitorRoles
from mlops_constructs.orchestration import PlatformBus, PlatformFunction, Workflow
from mlops_constructs.orchestration import states as asl
from mlops_constructs.orchestration.bus import connect
from mlops_constructs.serving import ServingRoles
from mlops_constructs.training import TrainingRoles
from tests.unit import ml_stack
from tests.unit.ml_stack import given

Json = dict[str, Any]
ENVIRONMENT = Environment(account="111111111111", region="eu-west-1")
DATASET = Dataset(
    name="claims",
    columns=(Column(name="id", type="string"), Column(name="at", type="timestamp")),
    key="id",
    event_time="at",
    quality_rules=("RowCount > 0",),
)


def ingestion(*, own_roles: bool) -> Stack:
    """Ingestion in a network, and the two constructs that make one role each."""
    stack = Stack(App(), "Data", env=ENVIRONMENT)
    key = kms.Key(stack, "Key")
    bus, logs = PlatformBus(stack, "Bus", name="claims", encryption_key=key), AccessLogBucket(stack, "AccessLogs")
    network = PrivateNetwork(
        stack,
        "Network",
        cidr="10.0.0.0/16",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        log_key=key,
        flow_log_role=iam.Role.from_role_name(stack, "Flow", "Network-flow_log") if own_roles else None,
    )
    Ingestion(
        stack,
        "Ingestion",
        workload="claims",
        environment_name="test",
        datasets=[DATASET],
        lake=Lake(stack, "Lake", database_name="claims", encryption_key=key, access_log_bucket=logs),
        bus=bus,
        encryption_key=key,
        network=network.network,
        roles=given(stack, IngestionRoles) if own_roles else IngestionRoles(),
    )
    PlatformControl(
        stack,
        "Control",
        environment_name="test",
        bus=bus,
        encryption_key=key,
        evidence_key=key,
        models_key=key,
        access_log_bucket=logs,
        role=iam.Role.from_role_name(stack, "ControlFunction", "Control-function") if own_roles else None,
    )
    return stack


@cache
def templates(build: Callable[..., Stack]) -> tuple[Json, Json]:
    """The template with roles that are made, and with given ones; CDK refuses one that waits for itself."""
    made, own = (assertions.Template.from_stack(build(own_roles=own)).to_json() for own in (False, True))
    return dict(made), dict(own)


def of_type(template: Json, kind: str) -> dict[str, Json]:
    return {name: body["Properties"] for name, body in template["Resources"].items() if body["Type"] == kind}


def permissions(template: Json) -> dict[str, list[Json]]:
    """Statements by role: the logical id of a made one, the name of a given one."""
    found: dict[str, list[Json]] = {}
    for policy in of_type(template, "AWS::IAM::Policy").values():
        for role in policy["Roles"]:
            name = role["Ref"] if isinstance(role, dict) else role
            found.setdefault(name, []).extend(policy["PolicyDocument"]["Statement"])
    return found


def users(template: Json) -> dict[str, str]:
    """Which role each resource, or each job of a workflow, runs in: path of the reference to role."""
    found: dict[str, str] = {}
    for logical_id, resource in template["Resources"].items():
        if not resource["Type"].startswith("AWS::IAM::"):
            for number, role in enumerate(_roles(resource.get("Properties", {}))):
                found[f"{logical_id}/{number}"] = role
    return found


def _roles(node: Any) -> list[str]:
    match node:
        case {"Fn::GetAtt": [str(name), "Arn"]} if "Role" in name:
            return [name]
        case {"Fn::Join": [_, [*_, str(last)]]} if ":role/" in last:
            return [last.split(":role/")[1]]
        case str() if ":role/" in node:
            return [part.split('"')[0] for part in node.split(":role/")[1:]]
        case dict():
            return [role for item in node.values() for role in _roles(item)]
        case list():
            return [role for item in node for role in _roles(item)]
    return []


BUILDS = [ml_stack.build, ingestion]
REPLACED = {
    "IngestionRoles-curation_job": "IngestionCurationJobRole",
    "IngestionRoles-quality_run": "IngestionCurationQualityRole",
    "IngestionRoles-start": "IngestionLandedRole",
    "IngestionRoles-workflow": "IngestionIngestRole",
    "MonitorRoles-job": "MonitorJobRole",
    "MonitorRoles-schedule": "MonitorScheduleRole",
    "MonitorRoles-workflow": "MonitorRole",
    "Network-flow_log": "NetworkFlowLogRole",
    "ServingRoles-live_parameter": "ServingParametersFunctionRole",
    "ServingRoles-model": "ServingModelRole",
    "ServingRoles-start": "ServingModelApprovedRole",
    "ServingRoles-workflow": "ServingDeployRole",
    "TrainingRoles-processing_jobs": "TrainingProcessingRole",
    "TrainingRoles-training_jobs": "TrainingTrainingRole",
    "TrainingRoles-workflow": "TrainingTrainRole",
    # The construct has one role, of its one function.
    "Control-function": "ControlFunctionRole",
    "Emitter-function": "EmitterRole",
    "GateRoles-gate": "GateRole",
    "GateRoles-live_parameter": "GateParametersFunctionRole",
}
"""Logical id, without its hash, of the role that would be made; that of a function is named like the field."""


@pytest.mark.parametrize("build", BUILDS)
def test_given_roles_take_the_place_of_all_that_would_be_made(build: Callable[..., Stack]) -> None:
    made, own = templates(build)
    assert len(of_type(made, "AWS::IAM::Role")) == len(set(users(made).values())), "a role that nothing runs in"
    assert of_type(own, "AWS::IAM::Role") == {}
    assert users(own).keys() == users(made).keys()
    others = [
        {name for name, body in template["Resources"].items() if not body["Type"].startswith("AWS::IAM::")}
        for template in (made, own)
    ]
    assert others[0] == others[1], "nothing else is made, left out or named anew"


@pytest.mark.parametrize("build", BUILDS)
def test_a_given_role_gets_exactly_the_permissions_of_the_one_it_replaces(build: Callable[..., Stack]) -> None:
    made, own = templates(build)
    pairs = {(role, users(own)[user]) for user, role in users(made).items()}
    assert len(pairs) == len(permissions(made)) == len(permissions(own)), "each made role has its one given role"

    def statements(template: Json, role: str) -> list[Json]:
        text = json.dumps(permissions(template)[role], sort_keys=True)
        for old, new in pairs:
            arn = ["arn:", {"Ref": "AWS::Partition"}, f":iam::{ENVIRONMENT.account}:role/{new}"]
            written = json.dumps({"Fn::Join": ["", arn]}), json.dumps({"Fn::GetAtt": [old, "Arn"]})
            text = text.replace(*written)
        return list(json.loads(text))

    for old, new in pairs:
        assert statements(own, new) == statements(made, old), f"{new} is not {old}"


@pytest.mark.parametrize("build", BUILDS)
def test_each_role_is_used_for_what_its_name_says(build: Callable[..., Stack]) -> None:
    made, own = templates(build)
    for user, role in users(made).items():
        given_name = users(own)[user]
        function = "".join(part.title() for part in given_name.split("-")[1].split("_"))
        assert REPLACED.get(given_name, function) in role, f"{given_name} replaces {role}"


@pytest.mark.parametrize(
    ("group", "one", "other", "message"),
    [
        (IngestionRoles, "workflow", "start", "given for Step Functions and for EventBridge"),
        (IngestionRoles, "quality_run", "schema_guard", "given for Glue and for Lambda"),
        (TrainingRoles, "workflow", "pin_snapshot", "given for Step Functions and for Lambda"),
        (ServingRoles, "start", "smoke_test", "given for EventBridge and for Lambda"),
        (MonitorRoles, "schedule", "job", "given for Scheduler and for SageMaker"),
    ],
)
def test_a_role_for_two_services_is_refused(group: Any, one: str, other: str, message: str) -> None:
    role = iam.Role.from_role_name(Stack(App(), "S"), "Role", "role")
    with pytest.raises(ValueError, match=message):
        group(**{one: role, other: role})


def test_why_a_role_for_two_services_is_refused() -> None:
    stack = Stack(App(), "S", env=ENVIRONMENT)
    key, role = kms.Key(stack, "Key"), iam.Role.from_role_name(stack, "Role", "role")
    gate = PlatformFunction(stack, "Gate", folder="quality_gate", environment={}, encryption_key=key, role=role)
    workflow = Workflow(stack, "Flow", states={"Done": asl.succeed()}, start_at="Done", encryption_key=key, role=role)
    workflow.allow_invoke(gate.function)
    with pytest.raises(RuntimeError, match="dependency cycle"):
        assertions.Template.from_stack(stack)


def test_what_one_service_runs_may_share_a_role() -> None:
    role = iam.Role.from_role_name(Stack(App(), "S"), "Role", "role")
    assert TrainingRoles(processing_jobs=role, training_jobs=role).training_jobs is role
    assert IngestionRoles(schema_guard=role, quality_gate=role).schema_guard is role


def test_a_role_for_a_target_that_needs_none_is_refused() -> None:
    stack = Stack(App(), "S", env=ENVIRONMENT)
    key, role = kms.Key(stack, "Key"), iam.Role.from_role_name(stack, "Role", "role")
    gate = PlatformFunction(stack, "Gate", folder="quality_gate", environment={}, encryption_key=key)
    pattern = events.EventPattern(source=["test"])
    with pytest.raises(ValueError, match="role of rule Rule would be of no use"):
        connect(stack, "Rule", pattern=pattern, target=gate, encryption_key=key, role=role)


def test_an_immutable_role_is_taken_as_it_is() -> None:
    stack = Stack(App(), "S", env=ENVIRONMENT)
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::111111111111:role/ours", mutable=False)
    key = kms.Key(stack, "Key")
    PlatformFunction(stack, "Gate", folder="quality_gate", environment={}, encryption_key=key, role=role)
    template = assertions.Template.from_stack(stack).to_json()
    (function,) = of_type(template, "AWS::Lambda::Function").values()
    assert function["Role"] == "arn:aws:iam::111111111111:role/ours"
    assert permissions(template) == {}
