"""Winner of a contest in, model package version out. The same run never makes a second version."""

from __future__ import annotations

from mlops_runtime import aws
from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint
from register_model.logic import Candidate, Owner, package_parameters, version_of
from register_model.settings import settings


class Registered(Frozen):
    """The new version."""

    model_package_arn: str
    version: int
    approval_status: str


@entrypoint(Candidate)
def handler(event: Candidate) -> Registered:
    """Register the winner of one run."""
    config = settings()
    owner = Owner(
        workload=config.workload,
        environment=config.environment,
        team=config.owner,
        intended_use=config.intended_use,
        risk_rating=config.risk_rating,
        metric=config.metric,
    )
    parameters = package_parameters(
        event,
        owner,
        group=config.model_package_group,
        approval=config.approval_status,
        instance_types=config.instance_types,
    )
    arn = aws.sagemaker().create_model_package(**parameters)["ModelPackageArn"]
    count("ModelsRegistered")
    return Registered(model_package_arn=arn, version=version_of(arn), approval_status=config.approval_status)
