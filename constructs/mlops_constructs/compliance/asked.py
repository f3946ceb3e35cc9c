"""What an environment asks of SageMaker: declared in a template, made by a workflow, made by a SageMaker pipeline.

CloudFormation, the API and pipeline steps name their settings alike, so one rule judges all three. Paths are those of
the CloudFormation resource schemas and the API reference
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Service.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from mlops_constructs.compliance.asl import Dynamic, machines
from mlops_constructs.compliance.estate import Estate, Resource, Unknown

_DECLARED = "AWS::SageMaker::"
_ACTION = re.compile(r"create([A-Z]\w+)")
_STEPS = {
    "Training": "TrainingJob",
    "Processing": "ProcessingJob",
    "Transform": "TransformJob",
    "Tuning": "HyperParameterTuningJob",
    "AutoML": "AutoMLJobV2",
    "Model": "Model",
    "RegisterModel": "ModelPackage",
}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Where a kind of request keeps its settings; empty when it has no such setting.

    Args:
        isolation: Switch that takes the network away from containers.
        vpc: Object with subnets and security groups.
        traffic: Switch that encrypts traffic between containers.
        keys: KMS keys of outputs and volumes.
        limit: Longest run, in seconds.
        images: Container images.
        baseline: What a monitor compares with.
    """

    isolation: str = ""
    vpc: str = ""
    traffic: str = ""
    keys: tuple[str, ...] = ()
    limit: str = ""
    images: tuple[str, ...] = ()
    baseline: str = ""


def _monitor(prefix: str) -> Shape:
    return Shape(
        isolation="NetworkConfig.EnableNetworkIsolation",
        vpc="NetworkConfig.VpcConfig",
        traffic="NetworkConfig.EnableInterContainerTrafficEncryption",
        keys=(f"{prefix}JobOutputConfig.KmsKeyId", "JobResources.ClusterConfig.VolumeKmsKeyId"),
        limit="StoppingCondition.MaxRuntimeInSeconds",
        images=(f"{prefix}AppSpecification.ImageUri",),
        baseline=f"{prefix}BaselineConfig",
    )


SHAPES: Mapping[str, Shape] = {
    "TrainingJob": Shape(
        isolation="EnableNetworkIsolation",
        vpc="VpcConfig",
        traffic="EnableInterContainerTrafficEncryption",
        keys=("OutputDataConfig.KmsKeyId", "ResourceConfig.VolumeKmsKeyId"),
        limit="StoppingCondition.MaxRuntimeInSeconds",
        images=("AlgorithmSpecification.TrainingImage",),
    ),
    "ProcessingJob": Shape(
        isolation="NetworkConfig.EnableNetworkIsolation",
        vpc="NetworkConfig.VpcConfig",
        traffic="NetworkConfig.EnableInterContainerTrafficEncryption",
        keys=("ProcessingOutputConfig.KmsKeyId", "ProcessingResources.ClusterConfig.VolumeKmsKeyId"),
        limit="StoppingCondition.MaxRuntimeInSeconds",
        images=("AppSpecification.ImageUri",),
    ),
    "TransformJob": Shape(keys=("TransformOutput.KmsKeyId", "TransformResources.VolumeKmsKeyId")),
    "AutoMLJobV2": Shape(
        vpc="SecurityConfig.VpcConfig",
        traffic="SecurityConfig.EnableInterContainerTrafficEncryption",
        keys=("OutputDataConfig.KmsKeyId", "SecurityConfig.VolumeKmsKeyId"),
    ),
    "Model": Shape(
        isolation="EnableNetworkIsolation", vpc="VpcConfig", images=("PrimaryContainer.Image", "Containers.*.Image")
    ),
    "EndpointConfig": Shape(keys=("KmsKeyId",)),
    "InferenceComponent": Shape(images=("Specification.Container.Image",)),
    "ImageVersion": Shape(images=("BaseImage",)),
    "Cluster": Shape(vpc="VpcConfig"),
    "MonitoringJob": Shape(
        isolation="NetworkConfig.EnableNetworkIsolation",
        vpc="NetworkConfig.VpcConfig",
        traffic="NetworkConfig.EnableInterContainerTrafficEncryption",
        keys=("MonitoringOutputConfig.KmsKeyId", "MonitoringResources.ClusterConfig.VolumeKmsKeyId"),
        limit="StoppingCondition.MaxRuntimeInSeconds",
        images=("MonitoringAppSpecification.ImageUri",),
        baseline="BaselineConfig",
    ),
    **{f"{kind}JobDefinition": _monitor(kind) for kind in ("DataQuality", "ModelQuality", "ModelBias")},
    "ModelExplainabilityJobDefinition": _monitor("ModelExplainability"),
}
"""Settings of every kind of request the rules judge; `MonitoringJob` is the definition inside a schedule."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One request.

    Args:
        resource: The template's resource that makes it.
        kind: Key of `SHAPES`, or any other thing the API can create.
        body: The request.
        where: State or step that makes it; empty for a declared resource.
    """

    resource: Resource
    kind: str
    body: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""

    @property
    def shape(self) -> Shape:
        """Where its settings are."""
        return SHAPES.get(self.kind, Shape())

    @property
    def label(self) -> str:
        """How a message calls it."""
        return f"{self.kind} made by {self.where}" if self.where else self.kind

    def values(self, path: str) -> list[Any]:
        """All values at a dotted path; `*` stands for each item of a list."""
        return list(_walk(self.body, path.split(".")))

    def get(self, path: str) -> Any:
        """The value at a dotted path, None when there is none."""
        return next(iter(self.values(path)), None)


_seen: WeakKeyDictionary[Estate, tuple[Asked, ...]] = WeakKeyDictionary()


def asked(estate: Estate, *kinds: str) -> Iterator[Asked]:
    """Yield the requests of an estate, those of some kinds only if any are named."""
    if estate not in _seen:
        _seen[estate] = tuple(_all(estate))
    return (each for each in _seen[estate] if not kinds or each.kind in kinds)


def on(value: Any) -> bool:
    """Whether a switch is on for certain; CloudFormation takes the text `true` too."""
    return not isinstance(value, Unknown) and str(value).lower() == "true"


def given(value: Any) -> bool:
    """Whether something is given before an execution runs; a parameter of the template counts."""
    return not isinstance(value, Dynamic) and value not in (None, "", [], {})


def texts(values: Iterable[Any]) -> set[str]:
    """The texts among values of any kind: a template may hold anything where a name belongs."""
    return {each for each in values if isinstance(each, str)}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; none of anything else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _all(estate: Estate) -> Iterator[Asked]:
    for resource in estate.resources:
        if resource.type == "AWS::SageMaker::Pipeline":
            yield from _steps(resource)
        elif resource.type.startswith(_DECLARED):
            yield from _expand(Asked(resource, resource.type.removeprefix(_DECLARED), resource.properties))
    for machine in machines(estate):
        for task in machine.tasks():
            service, action = task.integration
            if service == "sagemaker" and (kind := _kind(action)):
                yield from _expand(Asked(machine.resource, kind, task.arguments, task.name))


def _kind(action: str) -> str:
    created = _ACTION.fullmatch(action)
    return created[1] if created else "EndpointUpdate" if action == "updateEndpoint" else ""


def _expand(one: Asked) -> Iterator[Asked]:
    """A request, and the jobs described inside it."""
    yield one
    if one.kind == "HyperParameterTuningJob":
        for path in ("TrainingJobDefinition", "TrainingJobDefinitions.*"):
            for body in one.values(path):
                if isinstance(body, Mapping):
                    resources = body.get("HyperParameterTuningResourceConfig")
                    whole = {"ResourceConfig": resources, **body} if resources else body
                    yield Asked(one.resource, "TrainingJob", whole, one.where)
    if one.kind == "MonitoringSchedule":
        body = one.get("MonitoringScheduleConfig.MonitoringJobDefinition")
        if isinstance(body, Mapping):
            yield Asked(one.resource, "MonitoringJob", body, one.where)


def _steps(resource: Resource) -> Iterator[Asked]:
    text = resource.get("PipelineDefinition.PipelineDefinitionBody")
    try:
        definition = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return
    pending = objects(definition.get("Steps")) if isinstance(definition, Mapping) else []
    while pending:
        step = pending.pop(0)
        found = step.get("Arguments")
        arguments = found if isinstance(found, Mapping) else {}
        if kind := _STEPS.get(str(step.get("Type"))):
            yield from _expand(Asked(resource, kind, _pipeline_values(arguments), str(step.get("Name"))))
        if step.get("Type") == "Condition":
            pending += [*objects(arguments.get("IfSteps")), *objects(arguments.get("ElseSteps"))]


def _pipeline_values(value: Any) -> Any:
    """Pipeline references (`{"Get": "Parameters.X"}`) are known to a running pipeline only."""
    if isinstance(value, Mapping):
        if set(value) & {"Get", "Std:Join"} and len(value) == 1:
            return Dynamic(json.dumps(value))
        return {key: _pipeline_values(inner) for key, inner in value.items()}
    return [_pipeline_values(each) for each in value] if isinstance(value, list) else value


def _walk(value: Any, keys: list[str]) -> Iterator[Any]:
    if not keys or isinstance(value, Unknown):
        yield value
    elif keys[0] == "*":
        for each in value if isinstance(value, list) else ():
            yield from _walk(each, keys[1:])
    elif isinstance(value, Mapping) and keys[0] in value:
        yield from _walk(value[keys[0]], keys[1:])
