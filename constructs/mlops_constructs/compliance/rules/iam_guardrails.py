"""IAM-5: a policy of guardrails has no hole. Lists are from the Service Authorization Reference of SageMaker."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_constructs.compliance.conditions import Condition
from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.identities import MANAGED, PERMISSION_SET
from mlops_constructs.compliance.policy import Statement, documents, parse
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

_DEFINITIONS = (
    "CreateDataQualityJobDefinition",
    "CreateModelBiasJobDefinition",
    "CreateModelExplainabilityJobDefinition",
    "CreateModelQualityJobDefinition",
)
_MONITORED = ("CreateMonitoringSchedule", *_DEFINITIONS)
_JOBS = ("CreateTrainingJob", "CreateProcessingJob", "CreateHyperParameterTuningJob", *_MONITORED)
_AUTOML = ("CreateAutoMLJob", "CreateAutoMLJobV2")
_PLACED = (*_JOBS, *_AUTOML, "CreateModel", "CreateNotebookInstance", "CreateDomain", "CreateCluster")
_STORED = (*_JOBS, *_AUTOML, "CreateTransformJob", "CreateLabelingJob")
# Condition key -> every action that can be made without what the key speaks of and must not be.
GUARDED: dict[str, tuple[str, ...]] = {
    "sagemaker:VpcSubnets": _PLACED,
    "sagemaker:VpcSecurityGroupIds": _PLACED,
    "sagemaker:VolumeKmsKey": (*_STORED, "CreateNotebookInstance"),
    "sagemaker:OutputKmsKey": _STORED,
    "sagemaker:NetworkIsolation": (*_JOBS, "CreateModel"),
    "sagemaker:InterContainerTrafficEncryption": (*_JOBS, *_AUTOML),
    "sagemaker:DirectInternetAccess": ("CreateNotebookInstance",),
    "sagemaker:RootAccess": ("CreateNotebookInstance", "UpdateNotebookInstance"),
    "sagemaker:AppNetworkAccessType": ("CreateDomain", "UpdateDomain"),
    "sagemaker:InstanceTypes": (
        *_JOBS,
        "CreateTransformJob",
        "CreateEndpointConfig",
        "CreateNotebookInstance",
        "UpdateNotebookInstance",
        "CreateApp",
        "CreateSpace",
        "CreateCluster",
    ),
}
# What starts compute that runs until somebody stops it: a policy that stops some of it must stop all.
STARTS = (
    "CreateAutoMLJobV2",
    "CreateHyperParameterTuningJob",
    "CreateProcessingJob",
    "CreateTrainingJob",
    "CreateTransformJob",
)
_KEYS = frozenset(key.lower() for key in GUARDED)
_REGION = "aws:requestedregion"


def _whole(estate: Estate) -> Iterator[Judgement]:
    for policy in estate.of(MANAGED, PERMISSION_SET):
        denies = [s for _, each in documents(policy.properties) for s in each if not s.allows]
        if not any(condition.key in _KEYS for statement in denies for condition in statement.conditions):
            continue  # no guardrail
        found = dict(_holes(denies))
        if not found:
            yield Judgement(policy, True)
        yield from (Judgement(policy, False, detail, message) for detail, message in found.items())


def _holes(denies: list[Statement]) -> Iterator[tuple[str, str]]:
    for key, actions in GUARDED.items():
        biting = [s for s in denies if [c.key for c in s.conditions] == [key.lower()] and _bites(s.conditions[0])]
        for action in actions:
            name = f"sagemaker:{action}"
            if not any(statement.covers_action(name) and "*" in statement.resources for statement in biting):
                yield f"{name} without {key}", f"denies jobs by {key}, but {name} gets through"
    if not any(condition.key == _REGION for statement in denies for condition in statement.conditions):
        yield "any region", "denies no region: data can be taken where no other control looks"


def _stops(estate: Estate) -> Iterator[Judgement]:
    for policy in estate.of(MANAGED):
        statements = parse(policy.get("PolicyDocument"))
        stopping = {
            action
            for statement in statements
            if not statement.allows and not statement.conditions and "*" in statement.resources
            for action in STARTS
            if statement.covers_action(f"sagemaker:{action}")
        }
        missing = sorted(set(STARTS) - stopping) if len(stopping) > 1 else []
        if not statements:
            yield Judgement(
                policy, False, "empty", "says nothing: whoever attaches it believes in a limit that is none"
            )
        elif stopping and not missing:
            yield Judgement(policy, True)
        for action in missing:
            message = f"stops {', '.join(sorted(stopping))} but not {action}"
            yield Judgement(policy, False, f"sagemaker:{action}", message)


def _bites(condition: Condition) -> bool:
    """Whether a Deny under this condition stops the request that lacks what the key speaks of."""
    if condition.operator == "null":
        return condition.says("true")
    if condition.operator == "bool":
        return condition.says("false")
    if condition.operator.startswith("stringnot"):
        return not any(value.strip("*?") == "" for value in condition.values)
    return any(value.lower() in ("enabled", "publicinternetonly") for value in condition.values)


RULES: tuple[Rule, ...] = (
    Rule(
        id="IAM-5.guardrails-whole",
        title="A guardrail stops every action that could go round it",
        rationale="One action left out of a deny is the way everybody will take who must not.",
        remedy="Add the action to the deny, alone under its condition, on every resource.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_whole,
        also=("ML-1", "ML-2", "ML-5", "ENC-1", "ENC-3"),
    ),
    Rule(
        id="IAM-5.stop-is-whole",
        title="A policy that stops new jobs stops every kind of them",
        rationale="The budget or the kill switch that lets one kind of job through stops nothing.",
        remedy="Deny every action that starts SageMaker compute, without condition, on every resource.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_stops,
        also=("OPS-3",),
    ),
)
