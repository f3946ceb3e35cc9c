"""Permissions of serving: the model's role, the deploy workflow, the teardown."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlops_constructs.governance.grants import allow, allow_names, allow_wildcard, read_objects, write_objects
from mlops_constructs.governance.known import place_of
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.wildcards import ENDPOINT_LISTS, OWN_NAMES, REGISTRY_LIST, SCALING
from mlops_constructs.serving.plan import ServingData
from mlops_constructs.serving.rollout import SCALABLE_DIMENSION
from mlops_constructs.training.access import allow_pass, allow_volume_key, sagemaker_arn, sagemaker_role
from mlops_constructs.training.image import ContainerImage
from mlops_constructs.training.registry import ModelRegistry

_SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_OUR_TARGETS = {
    "StringEquals": {
        "application-autoscaling:service-namespace": "sagemaker",
        "application-autoscaling:scalable-dimension": SCALABLE_DIMENSION,
    }
}


def model_role(
    scope: Construct,
    id: str,
    *,
    workload: str,
    endpoint_name: str,
    image: ContainerImage,
    data: ServingData,
    network: Network,
    volume_key: kms.IKey,
    alarms: Sequence[cloudwatch.Alarm],
    given: iam.IRole | None,
) -> iam.IRole:
    """The role a model serves with: its artefact, its image, its capture, and the alarms that can roll it back."""
    role = sagemaker_role(
        scope,
        id,
        images=[image],
        network=network,
        volume_key=volume_key,
        log_groups=[f"/aws/sagemaker/Endpoints/{endpoint_name}"],
        given=given,
    )
    read_objects(data.artefacts, role, f"{workload}/runs/")
    write_objects(data.capture, role, f"{workload}/{endpoint_name}/")
    # SageMaker looks at the rollback alarms as the model, not as whoever asked for the update.
    allow(role, "cloudwatch:DescribeAlarms", on=[alarm.alarm_arn for alarm in alarms])
    return role


def allow_deploy(role: iam.IRole, *, endpoint_name: str, served_by: iam.IRole, volume_key: kms.IKey) -> None:
    """What the deploy workflow needs on models, endpoint configs and its one endpoint."""
    endpoint = sagemaker_arn(role, "endpoint", endpoint_name)
    configs = _versions_arn(role, "endpoint-config", endpoint_name)
    allow_names(role, OWN_NAMES, "sagemaker:CreateModel", on=[_versions_arn(role, "model", endpoint_name)])
    allow_names(role, OWN_NAMES, "sagemaker:CreateEndpointConfig", "sagemaker:DeleteEndpointConfig", on=[configs])
    allow_names(role, OWN_NAMES, "sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint", on=[endpoint, configs])
    allow(role, "sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint", "sagemaker:AddTags", on=[endpoint])
    jobs = sagemaker_arn(role, "training-job", f"{endpoint_name}-*")
    allow_names(role, OWN_NAMES, "sagemaker:DescribeTrainingJob", on=[jobs])
    allow_pass(role, [served_by])
    allow_volume_key(role, volume_key)


def allow_scaling(role: iam.IRole, *, endpoint_name: str) -> None:
    """What registering a variant with Application Auto Scaling takes from the caller.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html.
    """
    register = ("application-autoscaling:RegisterScalableTarget", "application-autoscaling:PutScalingPolicy")
    allow_wildcard(role, SCALING, *register, conditions=_OUR_TARGETS)
    endpoint = sagemaker_arn(role, "endpoint", endpoint_name)
    allow(role, "sagemaker:UpdateEndpointWeightsAndCapacities", on=[endpoint])
    config = _versions_arn(role, "endpoint-config", endpoint_name)
    allow_names(role, OWN_NAMES, "sagemaker:DescribeEndpointConfig", on=[config])
    here = place_of(role)
    alarms = here.arn("cloudwatch", f"alarm:TargetTracking-endpoint/{endpoint_name}/*")
    watch = ("cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms")
    allow_names(role, OWN_NAMES, *watch, on=[alarms])
    linked_role = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    linked = f"arn:{here.partition}:iam::{here.account}:role/aws-service-role/{_SCALING_SERVICE}/{linked_role}"
    made_for = {"StringEquals": {"iam:AWSServiceName": _SCALING_SERVICE}}
    allow(role, "iam:CreateServiceLinkedRole", on=[linked], conditions=made_for)


def allow_teardown(role: iam.IRole, *, endpoint_name: str, registry: ModelRegistry, delete_models: bool) -> None:
    """What removing an endpoint takes, with everything the deploy workflow made for it."""
    endpoint = sagemaker_arn(role, "endpoint", endpoint_name)
    allow(role, "sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint", on=[endpoint])
    allow_wildcard(role, ENDPOINT_LISTS)
    for action, resource in (("DeleteModel", "model"), ("DeleteEndpointConfig", "endpoint-config")):
        names = _versions_arn(role, resource, endpoint_name)
        allow_names(role, OWN_NAMES, f"sagemaker:{action}", on=[names])
    allow_wildcard(role, SCALING, "application-autoscaling:DescribeScalableTargets")
    allow_wildcard(role, SCALING, "application-autoscaling:DeregisterScalableTarget", conditions=_OUR_TARGETS)
    if delete_models:
        allow_wildcard(role, REGISTRY_LIST)
        allow_names(role, OWN_NAMES, "sagemaker:DeleteModelPackage", on=[registry.packages_arn])


def allow_smoke_test(role: iam.IRole, *, endpoint_name: str) -> None:
    """What asking the endpoint once takes."""
    allow(role, "sagemaker:InvokeEndpoint", on=[sagemaker_arn(role, "endpoint", endpoint_name)])


def allow_live_check(role: iam.IRole, *, endpoint_name: str) -> None:
    """What looking at the live config takes."""
    allow(role, "sagemaker:DescribeEndpoint", on=[sagemaker_arn(role, "endpoint", endpoint_name)])


def _versions_arn(role: iam.IRole, resource: str, endpoint_name: str) -> str:
    """ARN of what `deploy` makes for a version, `<endpoint>-v<version>-<execution>`."""
    return sagemaker_arn(role, resource, f"{endpoint_name}-v*")
