"""ML-7: what runs is the very image that was built and scanned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlops_constructs.compliance.asked import asked, texts
from mlops_constructs.compliance.asl import Dynamic, machines
from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_CONTENT_TAG = re.compile(r":[0-9a-f]{40,64}$")
_READS_REGISTRY = {"describeModelPackage", "listModelPackages"}
_CONTAINERS = {
    "AWS::Batch::JobDefinition": (
        "ContainerProperties.Image",
        "NodeProperties.NodeRangeProperties.*.Container.Image",
        "EcsProperties.TaskProperties.*.Containers.*.Image",
        "EksProperties.PodProperties.Containers.*.Image",
    ),
    "AWS::ECS::TaskDefinition": ("ContainerDefinitions.*.Image",),
    "AWS::Lambda::Function": ("Code.ImageUri",),
    "AWS::AppRunner::Service": ("SourceConfiguration.ImageRepository.ImageIdentifier",),
}


def _pinned(estate: Estate) -> Iterator[Judgement]:
    for resource, where, image in _images(estate):
        ok = _is_pinned(image) or _is_registered(estate, resource, image)
        yield Judgement(resource, ok, detail=where, message=f"image {image} can change under its name")


def _images(estate: Estate) -> Iterator[tuple[Resource, str, Any]]:
    for one in asked(estate):
        for path in one.shape.images:
            for position, image in enumerate(one.values(path)):
                yield one.resource, f"{one.where}:{path.split('.')[0]}:{position}".lstrip(":"), image
        if one.kind == "ModelPackage":
            for position, image in enumerate(one.values("InferenceSpecification.Containers.*.Image")):
                yield one.resource, f"{one.where}:InferenceSpecification:{position}".lstrip(":"), image
    for kind, paths in _CONTAINERS.items():
        for resource in estate.of(kind):
            for path in paths:
                for position, image in enumerate(resource.values(path)):
                    yield resource, f"{path.split('.')[0]}:{position}", image


def _is_pinned(image: Any) -> bool:
    return isinstance(image, str) and bool(_DIGEST.search(image) or _CONTENT_TAG.search(image))


def _is_registered(estate: Estate, resource: Resource, image: Any) -> bool:
    """Whether a workflow takes the image out of the registry, where only pinned ones are registered."""
    if not isinstance(image, Dynamic):
        return False
    return any(
        machine.resource is resource and any(task.integration[1] in _READS_REGISTRY for task in machine.tasks())
        for machine in machines(estate)
    )


def _scanned(estate: Estate) -> Iterator[Judgement]:
    registry = any(_scans(each) for each in estate.of("AWS::ECR::RegistryScanningConfiguration"))
    for repository in estate.of("AWS::ECR::Repository"):
        on_push = str(repository.get("ImageScanningConfiguration.ScanOnPush")).lower() == "true"
        yield Judgement(repository, registry or on_push, message="images are not scanned when pushed")
    for configuration in estate.of("AWS::ECR::RegistryScanningConfiguration"):
        yield Judgement(configuration, _scans(configuration), message="the registry scans nothing by itself")


def _scans(configuration: Resource) -> bool:
    frequencies = texts(configuration.values("Rules.*.ScanFrequency"))
    return bool(frequencies) and "MANUAL" not in frequencies


def _immutable(estate: Estate) -> Iterator[Judgement]:
    for repository in estate.of("AWS::ECR::Repository", "AWS::ECR::RepositoryCreationTemplate"):
        found = repository.get("ImageTagMutability")
        yield Judgement(
            repository, found == "IMMUTABLE", message=f"tags can be moved ({found or 'MUTABLE by default'})"
        )


def _expires(estate: Estate) -> Iterator[Judgement]:
    for repository in estate.of("AWS::ECR::Repository"):
        policy = repository.get("LifecyclePolicy")
        ok = isinstance(policy, Mapping) and bool(policy.get("LifecyclePolicyText"))
        yield Judgement(repository, ok, message="old images are kept for ever")


def _packaged(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "Model"):
        containers = [one.get("PrimaryContainer"), *one.values("Containers.*")]
        given = [each for each in containers if isinstance(each, Mapping)]
        ok = bool(given) and all(each.get("ModelPackageName") for each in given)
        message = f"{one.label} comes from files, not from a registered package: nobody approved it"
        yield Judgement(one.resource, ok, detail=one.where, message=message)


RULES: tuple[Rule, ...] = (
    Rule(
        id="ML-7.image-pinned",
        title="Images are named by digest or content tag",
        rationale="A tag that can move runs tomorrow what nobody built, scanned or compared today.",
        remedy="Name the image by @sha256 digest, or by the content hash the CDK gives an image asset.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_pinned,
        also=("OPS-4",),
    ),
    Rule(
        id="ML-7.scan-on-push",
        title="Images are scanned when they are pushed",
        rationale="A known vulnerability in a training image is a way to the training data.",
        remedy="Set ScanOnPush, or a registry scanning configuration that scans on push or continuously.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_scanned,
        also=("AUD-1",),
    ),
    Rule(
        id="ML-7.immutable-tags",
        title="Image tags cannot be moved",
        rationale="Who may push can replace the image behind a tag that was approved.",
        remedy="Set ImageTagMutability to IMMUTABLE.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_immutable,
    ),
    Rule(
        id="ML-7.image-lifecycle",
        title="Old images expire",
        rationale="Images nobody uses keep their vulnerabilities and their price.",
        remedy="Give the repository a lifecycle policy.",
        severity=Severity.LOW,
        phase=Phase.REPEATABLE,
        check=_expires,
        also=("RET-2",),
    ),
    Rule(
        id="ML-9.model-from-registry",
        title="What is served comes from the model registry",
        rationale="A model made from files has no approval, no card and no lineage.",
        remedy="Create the model from ModelPackageName.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_packaged,
        also=("ML-12",),
    ),
)
