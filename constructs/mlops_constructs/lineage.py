"""Where a version of a model comes from: the metadata that say so, and who may not change them.

Plain data that a reader without the CDK can load.
"""

from __future__ import annotations

from collections.abc import Sequence

LINEAGE = (
    "workload",
    "environment",
    "run_id",
    "execution",
    "snapshot_id",
    "snapshot_uri",
    "image",
    "training_job",
    "training_job_arn",
    "evaluation_uri",
)
"""Keys of `CustomerMetadataProperties` that every registered version has."""


def decision_only(statuses: Sequence[str]) -> dict[str, dict[str, str | list[str]]]:
    """Conditions of `sagemaker:UpdateModelPackage` for who decides about versions: lineage stays as registered.

    IAM knows no condition on the container and the model data; the deploy workflow compares those with the training job
    that the lineage names.

    Args:
        statuses: The approval statuses that may be set.
    """
    untouched = {f"sagemaker:CustomerMetadataProperties/{key}": "true" for key in LINEAGE}
    return {
        "StringEquals": {"sagemaker:ModelApprovalStatus": list(statuses)},
        "Null": {**untouched, "sagemaker:CustomerMetadataPropertiesToRemove": "true"},
    }
