"""ML-8 and ML-9: a new model comes gradually, alarms take it back, and in production a person let it in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlops_constructs.compliance.asked import Asked, asked, texts
from mlops_constructs.compliance.asl import Dynamic, machines
from mlops_constructs.compliance.estate import Estate, Resource, Unknown
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

_GRADUAL = ("CANARY", "LINEAR")
_ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
_APPROVED = re.compile(r"approved", re.IGNORECASE)
_APPROVAL = re.compile(r"approval", re.IGNORECASE)
_STATE_CHANGE = "SageMaker Model Package State Change"
_LEAST = 2


def _rollback(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "Endpoint", "EndpointUpdate"):
        if one.kind == "Endpoint" and one.where:
            continue  # the first deployment has nothing to go back to
        names = [name for name in one.values("DeploymentConfig.AutoRollbackConfiguration.Alarms.*.AlarmName") if name]
        missing = [name for name in names if not isinstance(name, Unknown) and not estate.find(name, *_ALARMS)]
        message = f"alarm {', '.join(map(str, missing))} does not exist" if missing else "no alarm rolls it back"
        ok = bool(names) and not missing and not any(isinstance(name, Dynamic) for name in names)
        yield Judgement(one.resource, ok, detail=one.where, message=f"{one.label}: {message}")


def _gradual(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "Endpoint", "EndpointUpdate"):
        if one.kind == "Endpoint" and one.where:
            continue
        route = one.get("DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.Type")
        rolling = one.get("DeploymentConfig.RollingUpdatePolicy.MaximumBatchSize")
        ok = (isinstance(route, str) and route in _GRADUAL) or isinstance(rolling, Mapping)
        yield Judgement(one.resource, ok, detail=one.where, message=f"{one.label} moves all traffic at once")
        if ok and isinstance(route, str):
            yield from _watched(one)


def _watched(one: Asked) -> Iterator[Judgement]:
    """A canary nobody waits for is none, and neither is one that takes all the traffic."""
    routing = "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration"
    wait = one.get(f"{routing}.WaitIntervalInSeconds")
    ok = _number(wait) is not None and (_number(wait) or 0) > 0
    detail = ":".join(part for part in (one.where, "wait") if part)
    yield Judgement(one.resource, ok, detail=detail, message=f"{one.label} waits {wait} seconds between steps")
    for size in ("CanarySize", "LinearStepSize"):
        share = _number(one.get(f"{routing}.{size}.Value"))
        if share is not None and one.get(f"{routing}.{size}.Type") == "CAPACITY_PERCENT":
            detail = ":".join(part for part in (one.where, "step") if part)
            message = f"{one.label} moves {share:g} per cent in one step"
            yield Judgement(one.resource, share <= 50, detail=detail, message=message)


def _instances(estate: Estate) -> Iterator[Judgement]:
    if not estate.guarded:
        return
    for one in asked(estate, "EndpointConfig"):
        for position, variant in enumerate(one.values("ProductionVariants.*")):
            if isinstance(variant, Mapping) and "ServerlessConfig" not in variant:
                count = _number(variant.get("InitialInstanceCount"))
                managed = variant.get("ManagedInstanceScaling")
                least = _number(managed.get("MinInstanceCount")) if isinstance(managed, Mapping) else count
                ok = count is not None and count >= _LEAST and least is not None and least >= _LEAST
                detail = f"{one.where}:{variant.get('VariantName', position)}"
                yield Judgement(one.resource, ok, detail=detail, message=f"{count or 'no'} instance behind a variant")
    for resource, where, target in _scaled(estate):
        least = _number(target.get("MinCapacity"))
        ok = least is not None and least >= _LEAST
        yield Judgement(resource, ok, detail=where, message=f"the variant may shrink to {least} instances")


def _scaled(estate: Estate) -> Iterator[tuple[Resource, str, Mapping[str, Any]]]:
    for target in estate.of("AWS::ApplicationAutoScaling::ScalableTarget"):
        if target.get("ServiceNamespace") == "sagemaker":
            yield target, "scaling", target.properties
    for machine in machines(estate):
        for task in machine.tasks():
            scales = task.integration == ("applicationautoscaling", "registerScalableTarget")
            if scales and task.arguments.get("ServiceNamespace") == "sagemaker":
                yield machine.resource, task.name, task.arguments


def _approval(estate: Estate) -> Iterator[Judgement]:
    if not estate.guarded:
        return
    for one in asked(estate, "ModelPackage"):
        status = one.get("ModelApprovalStatus")
        ok = status in (None, "PendingManualApproval", "Rejected")
        yield Judgement(one.resource, ok, detail=one.where, message=f"{one.label} is registered as {status}")
    for function in estate.of("AWS::Lambda::Function"):
        variables = function.get("Environment.Variables")
        for key, value in (variables if isinstance(variables, Mapping) else {}).items():
            if _APPROVAL.search(key):
                ok = not isinstance(value, Unknown) and not _APPROVED.fullmatch(str(value))
                yield Judgement(function, ok, detail=key, message=f"{key}={value}: models approve themselves")
    for machine in machines(estate):
        for task in machine.tasks():
            if task.integration == ("sagemaker", "updateModelPackage"):
                status = task.arguments.get("ModelApprovalStatus")
                ok = status != "Approved" and not isinstance(status, Unknown)
                yield Judgement(machine.resource, ok, detail=task.name, message=f"{task.name} approves the package")


def _deploys_approved(estate: Estate) -> Iterator[Judgement]:
    serving = {one.resource.arn for one in asked(estate, "Endpoint", "EndpointUpdate", "EndpointConfig") if one.where}
    for rule in estate.of("AWS::Events::Rule"):
        kinds = rule.get("EventPattern.detail-type")
        if not (isinstance(kinds, list) and _STATE_CHANGE in kinds) and not serving & texts(
            rule.values("Targets.*.Arn")
        ):
            continue
        ok = rule.get("EventPattern.detail.ModelApprovalStatus") == ["Approved"]
        yield Judgement(rule, ok, message="models are deployed whether or not they are approved")


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, Unknown) else float(value)
    except (TypeError, ValueError):
        return None


RULES: tuple[Rule, ...] = (
    Rule(
        id="ML-8.rollback-alarms",
        title="Alarms take a bad deployment back",
        rationale="Minutes decide how many wrong answers a bad model gives; a person is slower than an alarm.",
        remedy="Name alarms of the endpoint in DeploymentConfig.AutoRollbackConfiguration.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_rollback,
    ),
    Rule(
        id="ML-8.gradual-traffic",
        title="A new model gets traffic step by step",
        rationale="What all traffic meets at once fails for all at once.",
        remedy="Route CANARY or LINEAR, at most half in one step, with a wait between; or update in batches.",
        severity=Severity.MEDIUM,
        phase=Phase.RELIABLE,
        check=_gradual,
    ),
    Rule(
        id="ML-8.two-instances",
        title="At least two instances behind an endpoint",
        rationale="One instance is one zone and one failure away from no answers.",
        remedy="Set InitialInstanceCount and the least capacity of scaling to 2 or more.",
        severity=Severity.MEDIUM,
        phase=Phase.RELIABLE,
        check=_instances,
    ),
    Rule(
        id="ML-9.no-auto-approval",
        title="Models do not approve themselves",
        rationale="A metric is not a decision; somebody must answer for what production serves.",
        remedy="Register as PendingManualApproval where real users are served.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_approval,
        waivable_in_prod=False,
    ),
    Rule(
        id="ML-9.deploys-approved-only",
        title="Only approved packages are deployed",
        rationale="A trigger without the approval in its pattern deploys whatever is registered or rejected.",
        remedy='Match detail.ModelApprovalStatus ["Approved"] in the event pattern.',
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_deploys_approved,
    ),
)
