"""Permissions around SageMaker jobs: what a job's role may do, and what a workflow needs to start jobs."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct, IConstruct

from mlops_constructs.governance.grants import allow, allow_names, allow_wildcard, use_key
from mlops_constructs.governance.known import place_of
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.wildcards import METRICS, OWN_NAMES, REGISTRY_LOGIN
from mlops_constructs.training.image import ContainerImage

SAGEMAKER = "sagemaker.amazonaws.com"


def sagemaker_arn(scope: IConstruct, resource: str, name: str) -> str:
    """ARN of a SageMaker resource of the stack's account and region; `name` may end in `*`."""
    return place_of(scope).arn("sagemaker", f"{resource}/{name}")


def sagemaker_role(
    scope: Construct,
    id: str,
    *,
    images: Sequence[ContainerImage],
    network: Network,
    volume_key: kms.IKey,
    log_groups: Sequence[str],
    given: iam.IRole | None,
) -> iam.IRole:
    """A role for SageMaker jobs or models: pull the images, use the network, write logs and metrics. No data.

    Args:
        scope: Parent.
        id: Construct id.
        images: Images it may pull, each from its own repository only.
        network: Where it makes its network interfaces.
        volume_key: Key of its volumes; SageMaker takes it through a grant.
        log_groups: Names of the log groups SageMaker writes for it, for example `/aws/sagemaker/TrainingJobs`.
        given: The caller's role, which gets these permissions in place of a new one.
    """
    account = {"StringEquals": {"aws:SourceAccount": place_of(scope).account}}
    role = given or iam.Role(scope, id, assumed_by=iam.ServicePrincipal(SAGEMAKER, conditions=account))
    repositories = list(dict.fromkeys(image.repository.repository_arn for image in images))
    pull = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    allow(role, *pull, on=repositories)
    allow_wildcard(role, REGISTRY_LOGIN)
    network.allow_job_interfaces(role)
    allow_volume_key(role, volume_key)
    _allow_logs(role, log_groups)
    namespaces = sorted({"/".join(group.split("/")[:4]) for group in log_groups})
    allow_wildcard(role, METRICS, conditions={"StringEquals": {"cloudwatch:namespace": namespaces}})
    return role


def allow_volume_key(role: iam.IRole, key: kms.IKey) -> None:
    """Let a role have SageMaker encrypt volumes with the key: only through grants for AWS services."""
    use_key(key, role, "kms:DescribeKey")
    use_key(key, role, "kms:CreateGrant", conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}})


def allow_pass(role: iam.IRole, passed: Sequence[iam.IRole]) -> None:
    """Let a role hand these roles to SageMaker, and to no other service."""
    arns = [other.role_arn for other in passed]
    allow(role, "iam:PassRole", on=arns, conditions={"StringEquals": {"iam:PassedToService": SAGEMAKER}})


def allow_processing(
    role: iam.IRole, *, name_prefix: str, job_roles: Sequence[iam.IRole], volume_key: kms.IKey
) -> None:
    """What a workflow needs for `sagemaker:createProcessingJob.sync` on jobs whose names begin with the prefix."""
    _allow_jobs(role, "ProcessingJob", "processing-job", name_prefix)
    allow_pass(role, job_roles)
    allow_volume_key(role, volume_key)


def allow_training(role: iam.IRole, *, name_prefix: str, job_roles: Sequence[iam.IRole], volume_key: kms.IKey) -> None:
    """What a workflow needs for `sagemaker:createTrainingJob.sync` on jobs whose names begin with the prefix."""
    _allow_jobs(role, "TrainingJob", "training-job", name_prefix)
    allow_pass(role, job_roles)
    allow_volume_key(role, volume_key)


def _allow_jobs(role: iam.IRole, kind: str, resource: str, name_prefix: str) -> None:
    verbs = [f"sagemaker:{verb}{kind}" for verb in ("Create", "Describe", "Stop")]
    allow_names(role, OWN_NAMES, *verbs, "sagemaker:AddTags", on=[sagemaker_arn(role, resource, f"{name_prefix}-*")])
    # Step Functions waits for the job by an event rule of this name, which it makes in the account itself.
    rule = place_of(role).arn("events", f"rule/StepFunctionsGetEventsForSageMaker{kind}sRule")
    allow(role, "events:PutTargets", "events:PutRule", "events:DescribeRule", on=[rule])


def _allow_logs(role: iam.IRole, log_groups: Sequence[str]) -> None:
    groups = [place_of(role).arn("logs", f"log-group:{name}:*") for name in log_groups]
    actions = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
    allow_names(role, OWN_NAMES, *actions, on=groups)
