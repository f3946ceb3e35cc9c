"""One stack with the four machine learning constructs, as a team would use them with keys and a network of its own."""

import json
import os
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any

os.environ["CDK_VALIDATION"] = "false"
os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"

import aws_cdk as cdk
from aws_cdk import assertions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from mlops_constructs.governance.keys import Keys
from mlops_constructs.governance.network import Network
from mlops_constructs.monitoring import (
    ModelMonitor,
    MonitorData,
    MonitorPlan,
    MonitorRoles,
    MonitorSpec,
    WorkloadDashboard,
)
from mlops_constructs.orchestration import PlatformBus, PlatformFunction
from mlops_constructs.retraining import GateRoles, RetrainingGate, RetrainingLimits
from mlops_constructs.serving import (
    Autoscaling,
    Fleet,
    RealTimeServing,
    Rollout,
    ServingData,
    ServingPlan,
    ServingRoles,
)
from mlops_constructs.serving.metrics import EndpointMetrics
from mlops_constructs.training import (
    ContainerImage,
    JobCompute,
    ModelRegistry,
    PromotionPolicy,
    TrainingData,
    TrainingPipeline,
    TrainingRecipe,
    TrainingRoles,
)
from tests.definitions import resolve

Json = dict[str, Any]
REGISTRY = "111111111111.dkr.ecr.eu-west-1.amazonaws.com"
SOURCES = '{"events":{},"labels":{}}'
SPEC = MonitorSpec(
    features=[(f"feature_number_{n}", "double") for n in range(20)],
    key="id",
    label="late",
    thresholds={"drift": 0.1, "auc": 0.6},
)
COMPUTE = JobCompute(instance_type="ml.m5.large")


class Parts:
    """What all four constructs share."""

    def __init__(self, stack: cdk.Stack, emitter_role: iam.IRole | None = None) -> None:
        self.keys = Keys(stack, "Keys")
        self.network = Network.from_ids(
            stack,
            "Network",
            vpc_id="vpc-11111111",
            availability_zones=["eu-west-1a"],
            subnet_ids=["subnet-11111111"],
            job_security_group_id="sg-11111111",
        )
        repository = ecr.Repository(stack, "Images")
        self.image = ContainerImage(uri=f"{REGISTRY}/images:model", repository=repository)
        self.monitor_image = ContainerImage(uri=f"{REGISTRY}/images:monitor", repository=repository)
        self.curated = s3.Bucket(stack, "Curated", encryption_key=self.keys.data)
        self.artefacts = s3.Bucket(stack, "Artefacts", encryption_key=self.keys.models)
        self.capture = s3.Bucket(stack, "Capture", encryption_key=self.keys.models)
        self.ledger = dynamodb.Table(
            stack, "Ledger", partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING)
        )
        self.bus = PlatformBus(stack, "Bus", name="mlops-test", encryption_key=self.keys.data)
        self.emitter = PlatformFunction(
            stack,
            "Emitter",
            folder="event_emitter",
            environment={},
            encryption_key=self.keys.data,
            role=emitter_role,
        )
        self.common: Json = {
            "workload": "churn",
            "environment_name": "test",
            "emitter": self.emitter,
            "network": self.network,
            "encryption_key": self.keys.data,
            "models_key": self.keys.models,
            "log_key": self.keys.logs,
        }


def training(
    stack: cdk.Stack, parts: Parts, registry: ModelRegistry, roles: TrainingRoles | None = None
) -> TrainingPipeline:
    return TrainingPipeline(
        stack,
        "Training",
        registry=registry,
        data=TrainingData(curated=parts.curated, artefacts=parts.artefacts, ledger=parts.ledger, sources_json=SOURCES),
        recipe=TrainingRecipe(
            image=parts.image,
            monitor_image=parts.monitor_image,
            sources=("events", "labels"),
            train_days=90,
            holdout_days=14,
            compute=COMPUTE,
            hyperparameters={"depth": "6"},
            monitor_environment=SPEC.environment,
        ),
        policy=PromotionPolicy(
            metric="auc", minimum=0.6, owner="a@example.com", intended_use="test", instance_types=("ml.m5.large",)
        ),
        roles=roles or TrainingRoles(),
        **parts.common,
    )


def serving(
    stack: cdk.Stack, parts: Parts, registry: ModelRegistry, roles: ServingRoles | None = None
) -> RealTimeServing:
    return RealTimeServing(
        stack,
        "Serving",
        registry=registry,
        image=parts.image,
        data=ServingData(artefacts=parts.artefacts, capture=parts.capture),
        plan=ServingPlan(
            fleet=Fleet(instance_type="ml.m5.large", instance_count=2),
            rollout=Rollout(),
            autoscaling=Autoscaling(minimum=2, maximum=4, invocations_per_instance=100),
            smoke_payload="smoke-1,1.0",
        ),
        roles=roles or ServingRoles(),
        **parts.common,
    )


def monitoring(
    stack: cdk.Stack, parts: Parts, registry: ModelRegistry, roles: MonitorRoles | None = None
) -> ModelMonitor:
    return ModelMonitor(
        stack,
        "Monitor",
        registry=registry,
        image=parts.monitor_image,
        data=MonitorData(
            capture=parts.capture,
            curated=parts.curated,
            artefacts=parts.artefacts,
            label_source="labels",
            sources_json=SOURCES,
        ),
        plan=MonitorPlan(spec=SPEC, compute=COMPUTE, metric="auc", minimum_quality=0.6, label_delay_days=3),
        roles=roles or MonitorRoles(),
        **parts.common,
    )


def given(stack: cdk.Stack, group: Callable[..., Any]) -> Any:
    """Every role of a group, as one that exists: `<group>-<field>`."""
    names = {field.name: f"{group.__name__}-{field.name}" for field in fields(group)}
    return group(**{field: iam.Role.from_role_name(stack, name, name) for field, name in names.items()})


def build(*, own_roles: bool = False) -> cdk.Stack:
    """The stack, with roles that exist for all that the constructs run, or with roles they make."""
    stack = cdk.Stack(cdk.App(), "Ml", env=cdk.Environment(account="111111111111", region="eu-west-1"))

    def role(name: str) -> iam.IRole | None:
        return iam.Role.from_role_name(stack, name, name) if own_roles else None

    parts = Parts(stack, role("Emitter-function"))
    registry = ModelRegistry(stack, "Registry", name="churn-test", description="test")

    def roles(group: Callable[..., Any]) -> Any:
        return given(stack, group) if own_roles else group()

    pipeline = training(stack, parts, registry, roles(TrainingRoles))
    endpoint = serving(stack, parts, registry, roles(ServingRoles))
    monitor = monitoring(stack, parts, registry, roles(MonitorRoles))
    WorkloadDashboard(
        stack,
        "Dashboard",
        name="churn-test",
        endpoint=EndpointMetrics(endpoint_name=endpoint.endpoint_name),
        monitor=monitor.metrics,
        metric="auc",
        minimum_quality=0.6,
        drift_threshold=0.1,
        workflows={"train": pipeline.workflow},
    )
    RetrainingGate(
        stack,
        "Gate",
        workload="churn",
        environment_name="test",
        train=pipeline.workflow,
        bus=parts.bus,
        limits=RetrainingLimits(cool_down_seconds=3600, daily_cap=2, min_new_rows=100),
        encryption_key=parts.keys.data,
        roles=given(stack, GateRoles) if own_roles else GateRoles(),
    )
    return stack


@cache
def template() -> Json:
    """The synthesized template; once per process."""
    return dict(assertions.Template.from_stack(build()).to_json())


def resources(kind: str) -> dict[str, Json]:
    """Properties of all resources of a type by logical id."""
    found = template()["Resources"].items()
    return {name: resource["Properties"] for name, resource in found if resource["Type"] == kind}


def only(kind: str, part: str) -> Json:
    """Properties of the one resource of a type whose logical id holds the text."""
    found = [properties for name, properties in resources(kind).items() if part in name]
    assert len(found) == 1, f"{len(found)} resources of {kind} have {part} in their id"
    return found[0]


def workflow(comment: str) -> Json:
    """The definition of a workflow, intrinsics folded into text."""
    for properties in resources("AWS::StepFunctions::StateMachine").values():
        body: Json = json.loads(resolve(properties["DefinitionString"], template()))
        if body["Comment"] == comment:
            return body
    raise LookupError(f"no workflow {comment}")


def statements(role: str) -> list[Json]:
    """All statements of the inline policies of the role whose logical id begins with the text."""
    found = []
    for properties in resources("AWS::IAM::Policy").values():
        if any(each["Ref"].startswith(role) for each in properties["Roles"]):
            found += properties["PolicyDocument"]["Statement"]
    assert found, f"no policy of {role}"
    return found


def as_list(value: Any) -> list[Any]:
    """A policy's field as a list, however it is written."""
    return value if isinstance(value, list) else [value]


def actions(role: str) -> set[str]:
    """Every action a role is allowed."""
    return {a for s in statements(role) if s["Effect"] == "Allow" for a in as_list(s["Action"])}


def allowed_on(role: str, action: str) -> list[str]:
    """The ARNs, folded into text, on which a role may do an action."""
    return [
        resolve(arn, template())
        for statement in statements(role)
        if statement["Effect"] == "Allow" and action in as_list(statement["Action"])
        for arn in as_list(statement["Resource"])
    ]
