"""Roles of yours that training runs in."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from mlops_constructs.governance.given_roles import one_service_each


@dataclass(frozen=True, kw_only=True)
class TrainingRoles:
    """Roles to use in place of those `TrainingPipeline` makes; each that is not given is made, all get the same.

    Args:
        workflow: Runs the workflow; `states.amazonaws.com` assumes it.
        processing_jobs: Runs feature, baseline and evaluation jobs; `sagemaker.amazonaws.com`.
        training_jobs: Runs training jobs; `sagemaker.amazonaws.com`. One role for both kinds of job lets training code
            read the curated zone.
        pin_snapshot: Runs the function; `lambda.amazonaws.com`, as for the two that follow.
        champion_challenge: Runs the function.
        register_model: Runs the function.

    Raises:
        ValueError: A role is given for more than one service.
    """

    workflow: iam.IRole | None = None
    processing_jobs: iam.IRole | None = None
    training_jobs: iam.IRole | None = None
    pin_snapshot: iam.IRole | None = None
    champion_challenge: iam.IRole | None = None
    register_model: iam.IRole | None = None

    def __post_init__(self) -> None:
        one_service_each(
            {
                "Step Functions": [self.workflow],
                "SageMaker": [self.processing_jobs, self.training_jobs],
                "Lambda": [self.pin_snapshot, self.champion_challenge, self.register_model],
            }
        )
