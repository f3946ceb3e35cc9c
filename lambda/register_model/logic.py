"""From the winner of a contest to the parameters of CreateModelPackage: pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from mlops_runtime.model import Frozen
from register_model.card import card_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_sagemaker.literals import ProductionVariantInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import (
        CreateModelPackageInputTypeDef,
        InferenceSpecificationTypeDef,
        MetricsSourceTypeDef,
    )

ApprovalStatus = Literal["Approved", "PendingManualApproval"]
RiskRating = Literal["High", "Medium", "Low", "Unknown"]

_METADATA_VALUE_LIMIT = 256
_METADATA_LIMIT = 50
_DESCRIPTION_LIMIT = 1024
# What SageMaker refuses in a metadata value.
_NOT_METADATA = re.compile(r"[^\w\s.:/=+\-@]")


class Reinstatement(Frozen):
    """Which package a version brings back, and the run that decided it."""

    reinstates: str
    run_id: str
    execution: str


class Candidate(Frozen):
    """A winner: what was trained, on what, from what, and how good it is.

    `baseline_uri` is the S3 prefix of `statistics.json` and `constraints.json`; `evaluation_uri` the winner's
    `evaluation.json`. Of a former champion, `run_id` to `snapshot_id` are those of the run that once trained it.
    """

    run_id: str
    execution: str
    training_job_name: str
    training_job_arn: str
    model_data_url: str
    image: str
    evaluation_uri: str
    baseline_uri: str
    snapshot_id: str
    metrics: dict[str, float]
    champion_metrics: dict[str, float] | None
    reason: str
    reinstatement: Reinstatement | None = None

    @property
    def snapshot_uri(self) -> str:
        """The snapshot it was trained on: a document of the run, beside its baseline."""
        return f"{self.baseline_uri.rstrip('/').rsplit('/', 1)[0]}/snapshot/snapshot.json"

    @property
    def judged_on_uri(self) -> str:
        """The snapshot it was judged on, beside `evaluation/<who>/evaluation.json`."""
        return f"{self.evaluation_uri.rsplit('/', 3)[0]}/snapshot/snapshot.json"

    @property
    def registering_run(self) -> str:
        """The run that makes the version: the one that trained it, unless it is reinstated."""
        return self.reinstatement.run_id if self.reinstatement else self.run_id


@dataclass(frozen=True)
class Owner:
    """Who answers for the model, and what it is for."""

    workload: str
    environment: str
    team: str
    intended_use: str
    risk_rating: RiskRating
    metric: str


def package_parameters(
    candidate: Candidate, owner: Owner, *, group: str, approval: ApprovalStatus, instance_types: Sequence[str]
) -> CreateModelPackageInputTypeDef:
    """Parameters of CreateModelPackage for a versioned package."""
    serving: InferenceSpecificationTypeDef = {
        "Containers": [{"Image": candidate.image, "ModelDataUrl": candidate.model_data_url}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["application/jsonlines"],
        "SupportedRealtimeInferenceInstanceTypes": cast(
            "list[ProductionVariantInstanceTypeType]", list(instance_types)
        ),
    }
    quality = _source(candidate.evaluation_uri)
    statistics = _source(f"{candidate.baseline_uri.rstrip('/')}/statistics.json")
    constraints = _source(f"{candidate.baseline_uri.rstrip('/')}/constraints.json")
    return {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": candidate.reason[:_DESCRIPTION_LIMIT],
        "ModelApprovalStatus": approval,
        "InferenceSpecification": serving,
        "ModelMetrics": {
            "ModelQuality": {"Statistics": quality},
            "ModelDataQuality": {"Statistics": statistics, "Constraints": constraints},
        },
        "DriftCheckBaselines": {
            "ModelQuality": {"Statistics": quality},
            "ModelDataQuality": {"Statistics": statistics, "Constraints": constraints},
        },
        "CustomerMetadataProperties": lineage(candidate, owner),
        "ModelCard": {"ModelCardContent": card_content(candidate, owner), "ModelCardStatus": _card_status(approval)},
        "ClientToken": client_token(group, candidate.registering_run),
    }


def lineage(candidate: Candidate, owner: Owner) -> dict[str, str]:
    """Where the version comes from, searchable in the registry."""
    facts = {
        "workload": owner.workload,
        "environment": owner.environment,
        "run_id": candidate.run_id,
        "execution": candidate.execution,
        "snapshot_id": candidate.snapshot_id,
        "snapshot_uri": candidate.snapshot_uri,
        "image": candidate.image,
        "training_job": candidate.training_job_name,
        "training_job_arn": candidate.training_job_arn,
        "evaluation_uri": candidate.evaluation_uri,
        **_comeback(candidate.reinstatement),
        **{f"metric_{name}": f"{value:.6g}" for name, value in sorted(candidate.metrics.items())},
    }
    return {
        key: _NOT_METADATA.sub(" ", value)[:_METADATA_VALUE_LIMIT]
        for key, value in list(facts.items())[:_METADATA_LIMIT]
    }


def _comeback(reinstatement: Reinstatement | None) -> dict[str, str]:
    if reinstatement is None:
        return {}
    return {
        "reinstates": reinstatement.reinstates,
        "reinstated_by_run": reinstatement.run_id,
        "reinstated_by_execution": reinstatement.execution,
    }


def client_token(group: str, run_id: str) -> str:
    """Same run, same token: a repeated call answers with the version made the first time (36 characters at most)."""
    return hashlib.sha256(f"{group}/{run_id}".encode()).hexdigest()[:36]


def version_of(model_package_arn: str) -> int:
    """The version number at the end of a versioned package's ARN.

    Raises:
        ValueError: The ARN carries no version.
    """
    tail = model_package_arn.rsplit("/", 1)[-1]
    if not tail.isdigit():
        raise ValueError(f"expected .../<group>/<version>, got {model_package_arn!r}")
    return int(tail)


def _source(uri: str) -> MetricsSourceTypeDef:
    return {"ContentType": "application/json", "S3Uri": uri}


def _card_status(approval: ApprovalStatus) -> Literal["Approved", "PendingReview"]:
    return "Approved" if approval == "Approved" else "PendingReview"
