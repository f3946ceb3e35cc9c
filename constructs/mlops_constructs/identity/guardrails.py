"""Guardrails: what no person may do here, whatever else is allowed. Imports no aws_cdk.

Each Sid begins with the control it serves (`ENC1` is `ENC-1`), so that the control catalogue finds it. The names of the
condition keys are those of the service authorization reference of SageMaker; a test compares them with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlops_constructs.identity.place import Statement

# Jobs run somebody's code on the environment's data. Transform jobs take network and isolation from their model.
JOBS = ("CreateTrainingJob", "CreateProcessingJob", "CreateHyperParameterTuningJob", "CreateMonitoringSchedule")
_DEFINITIONS = (
    "CreateDataQualityJobDefinition",
    "CreateModelQualityJobDefinition",
    "CreateModelBiasJobDefinition",
    "CreateModelExplainabilityJobDefinition",
)
_AUTOML = ("CreateAutoMLJob", "CreateAutoMLJobV2")
IN_NETWORK = (*JOBS, *_DEFINITIONS, "CreateModel", "CreateNotebookInstance", "CreateDomain", *_AUTOML, "CreateCluster")
WITH_VOLUME = (*JOBS, *_DEFINITIONS, "CreateTransformJob", "CreateNotebookInstance", *_AUTOML, "CreateLabelingJob")
WITH_OUTPUT = (*JOBS, *_DEFINITIONS, "CreateTransformJob", *_AUTOML, "CreateLabelingJob")
ISOLATED = (*JOBS, *_DEFINITIONS, "CreateModel")
ENCRYPTED_BETWEEN = (*JOBS, *_DEFINITIONS, *_AUTOML)
WITH_INSTANCES = (
    *JOBS,
    *_DEFINITIONS,
    "CreateTransformJob",
    "CreateEndpointConfig",
    "CreateNotebookInstance",
    "UpdateNotebookInstance",
    "CreateApp",
    "CreateSpace",
    "CreateCluster",
)
# Services without a region of ours: their endpoint is elsewhere, and says so.
GLOBAL_SERVICES = (
    "access-analyzer:*",
    "budgets:*",
    "ce:*",
    "health:*",
    "iam:*",
    "organizations:*",
    "sts:*",
    "support:*",
)


def guardrails(*, regions: Sequence[str], instance_types: Sequence[str]) -> list[Statement]:
    """The statements of the guardrail policy.

    Args:
        regions: Where anything may be done at all.
        instance_types: Patterns of instance types that may be used, for example `ml.m5.*`.

    Raises:
        ValueError: A list is empty, so that nothing at all could be done.
    """
    if not regions or not instance_types:
        raise ValueError("name at least one region and one instance type, or nobody can do anything")
    return [
        _without("ML2DenyWithoutSubnets", IN_NETWORK, "sagemaker:VpcSubnets"),
        _without("ML2DenyWithoutSecurityGroups", IN_NETWORK, "sagemaker:VpcSecurityGroupIds"),
        _without("ENC1DenyVolumesWithoutKey", WITH_VOLUME, "sagemaker:VolumeKmsKey"),
        _without("ENC1DenyOutputWithoutKey", WITH_OUTPUT, "sagemaker:OutputKmsKey"),
        # IfExists: a request that says nothing gets the service's default, which is no.
        _deny("ML1DenyWithoutIsolation", ISOLATED, {"BoolIfExists": {"sagemaker:NetworkIsolation": "false"}}),
        _deny(
            "ENC3DenyPlainTrafficBetweenMachines",
            ENCRYPTED_BETWEEN,
            {"BoolIfExists": {"sagemaker:InterContainerTrafficEncryption": "false"}},
        ),
        _deny(
            "ML5DenyNotebooksOnTheInternet",
            ["CreateNotebookInstance"],
            {"StringNotEqualsIfExists": {"sagemaker:DirectInternetAccess": "Disabled"}},
        ),
        _deny(
            "ML5DenyRootInNewNotebooks",
            ["CreateNotebookInstance"],
            {"StringNotEqualsIfExists": {"sagemaker:RootAccess": "Disabled"}},
        ),
        _deny(
            "ML5DenyRootInNotebooks",
            ["UpdateNotebookInstance"],
            {"StringEquals": {"sagemaker:RootAccess": "Enabled"}},
        ),
        _deny(
            "ML5DenyNewStudioOnTheInternet",
            ["CreateDomain"],
            {"StringNotEqualsIfExists": {"sagemaker:AppNetworkAccessType": "VpcOnly"}},
        ),
        _deny(
            "ML5DenyStudioOnTheInternet",
            ["UpdateDomain"],
            {"StringEquals": {"sagemaker:AppNetworkAccessType": "PublicInternetOnly"}},
        ),
        _deny(
            "OPS3DenyUnapprovedInstances",
            WITH_INSTANCES,
            {"ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": list(instance_types)}},
        ),
        {
            "Sid": "NET1DenyOtherRegions",
            "Effect": "Deny",
            "NotAction": list(GLOBAL_SERVICES),
            "Resource": ["*"],
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(regions)}},
        },
    ]


def by_control(sids: Sequence[str]) -> dict[str, list[str]]:
    """Sort Sids under the control ids they begin with: `ML2DenyWithoutSubnets` under `ML-2`.

    Raises:
        ValueError: A Sid begins with no control id.
    """
    found: dict[str, list[str]] = {}
    for sid in sids:
        match = re.match(r"([A-Z]+)(\d+)[A-Z]", sid)
        if match is None:
            raise ValueError(f"Sid {sid} must begin with a control id without its hyphen, such as ENC1")
        found.setdefault(f"{match.group(1)}-{match.group(2)}", []).append(sid)
    return {control: sorted(names) for control, names in sorted(found.items())}


def _deny(sid: str, actions: Sequence[str], conditions: dict[str, dict[str, str | list[str]]]) -> Statement:
    names = [f"sagemaker:{action}" for action in actions]
    return {"Sid": sid, "Effect": "Deny", "Action": names, "Resource": ["*"], "Condition": conditions}


def _without(sid: str, actions: Sequence[str], key: str) -> Statement:
    return _deny(sid, actions, {"Null": {key: "true"}})


SIDS: dict[str, list[str]] = by_control(
    [str(statement["Sid"]) for statement in guardrails(regions=["region"], instance_types=["type"])]
)
"""The deny Sids by control id."""
