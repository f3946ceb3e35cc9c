"""ML-12 and ML-13: registered models say where they come from, and nothing retrains past the gate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from mlops_constructs.compliance.asked import asked, given
from mlops_constructs.compliance.asl import machines
from mlops_constructs.compliance.estate import Estate, Resource, Unknown
from mlops_constructs.compliance.identities import graph_of
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

_TRAINS = {"TrainingJob", "HyperParameterTuningJob", "AutoMLJob", "AutoMLJobV2"}
_CARD = {"owner": re.compile("OWNER|CONTACT"), "purpose": re.compile("INTENDED|PURPOSE|DESCRIPTION")}
_LINEAGE = {
    "data": re.compile("snapshot|dataset", re.IGNORECASE),
    "training": re.compile("training_?job|run", re.IGNORECASE),
    "image": re.compile("image", re.IGNORECASE),
    "evaluation": re.compile("evaluation|metrics", re.IGNORECASE),
    "baseline": re.compile("baseline|constraints", re.IGNORECASE),
}
_REGISTERS = "sagemaker:CreateModelPackage"
_SWITCH = re.compile("KILL|SWITCH|FREEZE")
_PARAMETERS = ("AWS::SSM::Parameter", "Custom::LiveParameter")
_LIMITS = {"cool-down": re.compile("COOL"), "cap": re.compile("CAP$|LIMIT|MAX_RUNS"), "new-data": re.compile("MIN_")}


def _package_documents(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "ModelPackage"):
        for detail, keys in (
            ("card", ("ModelCard",)),
            ("lineage", ("MetadataProperties", "CustomerMetadataProperties", "SourceUri")),
            ("evaluation", ("ModelMetrics",)),
        ):
            ok = any(one.get(key) not in (None, "", {}) for key in keys)
            where = f"{one.where}:{detail}" if one.where else detail
            yield Judgement(one.resource, ok, detail=where, message=f"{one.label} has no {detail}: {' or '.join(keys)}")


def _registrars(estate: Estate) -> Iterator[Resource]:
    """Functions whose role may create model packages."""
    graph = graph_of(estate)
    for function in estate.of("AWS::Lambda::Function"):
        role = graph.role(str(function.get("Role")))
        if role and any(True for _ in role.allowing(_REGISTERS)):
            yield function


def _registrar_card(estate: Estate) -> Iterator[Judgement]:
    for function in _registrars(estate):
        variables = function.get("Environment.Variables")
        known = variables if isinstance(variables, Mapping) else {}
        for detail, pattern in _CARD.items():
            ok = any(pattern.search(key) and given(value) for key, value in known.items())
            message = f"the function registers models without their {detail}"
            yield Judgement(function, ok, detail=detail, message=message)


def _registrar_lineage(estate: Estate) -> Iterator[Judgement]:
    names = {each.arn for each in _registrars(estate)} | {each.physical_id for each in _registrars(estate)}
    for machine in machines(estate):
        for task in machine.tasks():
            if task.integration != ("lambda", "invoke") or str(task.arguments.get("FunctionName")) not in names:
                continue
            payload = task.arguments.get("Payload")
            sent = payload if isinstance(payload, Mapping) else {}
            for detail, pattern in _LINEAGE.items():
                ok = isinstance(payload, Unknown) or any(pattern.search(key) and sent[key] for key in sent)
                message = f"{task.name} registers a model without its {detail}"
                yield Judgement(machine.resource, ok, detail=f"{task.name}:{detail}", message=message)


def _groups(estate: Estate) -> Iterator[Judgement]:
    for group in estate.of("AWS::SageMaker::ModelPackageGroup"):
        ok = given(group.get("ModelPackageGroupDescription"))
        yield Judgement(group, ok, message="nothing says what the models of the group are for")


def _trainers(estate: Estate) -> set[str]:
    """ARNs of the workflows and pipelines that train."""
    return {one.resource.arn for one in asked(estate) if one.kind in _TRAINS and one.where}


def _gated(estate: Estate) -> Iterator[Judgement]:
    trainers = _trainers(estate)
    for trigger in estate.of("AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::Pipes::Pipe"):
        targets = [*trigger.values("Targets.*.Arn"), *trigger.values("Target.Arn"), trigger.get("Target")]
        direct = {each for each in targets if isinstance(each, str)} & trainers
        yield Judgement(trigger, not direct, message="the trigger starts a training without passing the gate")


def _gates(estate: Estate) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    """Functions that start a training, with their environment."""
    trainers = _trainers(estate)
    for function in estate.of("AWS::Lambda::Function"):
        variables = function.get("Environment.Variables")
        if isinstance(variables, Mapping) and trainers & {str(value) for value in variables.values()}:
            yield function, variables


def _switched(estate: Estate) -> Iterator[Judgement]:
    for function, variables in _gates(estate):
        named = [value for key, value in variables.items() if _SWITCH.search(key)]
        ok = any(isinstance(each, Unknown) or estate.find(each, *_PARAMETERS) for each in named)
        yield Judgement(function, ok, message="nobody can stop retraining: no kill switch parameter is read")


def _limited(estate: Estate) -> Iterator[Judgement]:
    if not estate.guarded:
        return
    for function, variables in _gates(estate):
        for detail, pattern in _LIMITS.items():
            ok = any(pattern.search(key) and _positive(value) for key, value in variables.items())
            yield Judgement(function, ok, detail=detail, message=f"the gate has no {detail} limit above zero")


def _positive(value: Any) -> bool:
    try:
        return float(value) > 0
    except (TypeError, ValueError):
        return False


_traced = partial(
    Rule,
    rationale="Who answers for a model must be able to say what it is for, where it comes from and how good it was.",
    severity=Severity.MEDIUM,
    phase=Phase.RELIABLE,
)
_gate = partial(
    Rule,
    rationale="Drift, a bad feed or an attacker can ask for training without end; one gate counts and can be shut.",
    severity=Severity.MEDIUM,
    phase=Phase.SCALABLE,
)


RULES: tuple[Rule, ...] = (
    _traced(
        id="ML-12.package-documents",
        title="Model packages carry card, lineage and metrics",
        remedy="Register with ModelCard, CustomerMetadataProperties and ModelMetrics.",
        check=_package_documents,
    ),
    _traced(
        id="ML-12.registrar-card",
        title="Functions that register models know owner and purpose",
        remedy="Give the function the owner and the intended use in its environment.",
        check=_registrar_card,
    ),
    _traced(
        id="ML-12.registrar-lineage",
        title="Registration is told snapshot, job, image, evaluation and baseline",
        remedy="Pass them in the payload of the registering task.",
        check=_registrar_lineage,
    ),
    _traced(
        id="ML-12.group-purpose",
        title="Model package groups say what they are for",
        remedy="Write the intended use into ModelPackageGroupDescription.",
        check=_groups,
    ),
    _gate(
        id="ML-13.gate",
        title="Triggers reach training through the gate only",
        remedy="Point the rule or schedule at the gate's function instead of the training workflow.",
        check=_gated,
    ),
    _gate(
        id="ML-13.kill-switch",
        title="Whoever starts training reads a kill switch",
        remedy="Name an SSM parameter of the environment in a variable like KILL_SWITCH_PARAMETER.",
        check=_switched,
    ),
    _gate(
        id="ML-13.limits",
        title="The gate counts: cool-down, cap, least new data",
        remedy="Set a cool-down, a daily cap and least new rows above zero in the gate's environment.",
        check=_limited,
        also=("OPS-3",),
    ),
)
