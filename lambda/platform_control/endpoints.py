"""Taking an endpoint from traffic and giving it back. Each may be repeated: it goes on where it was left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from mlops_runtime import aws
from mlops_runtime.errors import EndpointBusy, InvalidInput
from platform_control.logic import Detached, Policy, Target

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling.literals import ScalableDimensionType
    from mypy_boto3_application_autoscaling.type_defs import TargetTrackingScalingPolicyConfigurationTypeDef

POLL_SECONDS = 5
_SETTLED = {"InService", "Failed"}


def status_of(endpoint: str) -> tuple[str, str]:
    """Status and config of an endpoint; two empty texts when there is none."""
    try:
        found = aws.sagemaker().describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        # SageMaker has no not-found code.
        if aws.error_code(error) == "ValidationException" and "could not find" in str(error).lower():
            return "", ""
        raise
    return found["EndpointStatus"], found["EndpointConfigName"]


def look(endpoint: str, promotion_freeze: str, deadline: float) -> Detached:
    """What it will take to bring the endpoint back, read once nothing changes it any more.

    Raises:
        InvalidInput: There is no endpoint.
        EndpointBusy: It is still being changed at the deadline.
    """
    status, config = _wait(endpoint, _SETTLED | {""}, deadline)
    if not status:
        raise InvalidInput(f"there is no endpoint {endpoint} to detach")
    return Detached(
        endpoint_config=config, promotion_freeze=promotion_freeze, targets=_targets(endpoint), tags=_tags(endpoint)
    )


def remove(endpoint: str, detached: Detached, deadline: float) -> None:
    """Deregister the scaling and delete the endpoint; its config and models stay."""
    scaling = aws.application_autoscaling()
    for target in _targets(endpoint):
        scaling.deregister_scalable_target(
            ServiceNamespace="sagemaker", ResourceId=target.resource_id, ScalableDimension=_dimension(target)
        )
    status, config = status_of(endpoint)
    if status and config != detached.endpoint_config:
        raise EndpointBusy(f"{endpoint} serves {config} by now, not {detached.endpoint_config}: attach it first")
    if status and status != "Deleting":
        aws.sagemaker().delete_endpoint(EndpointName=endpoint)
    _wait(endpoint, {""}, deadline)


def restore(endpoint: str, detached: Detached, deadline: float) -> None:
    """Make the endpoint from the config it had, with its tags, wait until it serves, and scale it as before."""
    _wait(endpoint, _SETTLED | {""}, deadline)
    status, config = status_of(endpoint)
    if not status:
        aws.sagemaker().create_endpoint(
            EndpointName=endpoint,
            EndpointConfigName=detached.endpoint_config,
            Tags=[{"Key": key, "Value": value} for key, value in detached.tags.items()],
        )
        status, config = _wait(endpoint, _SETTLED, deadline)
    if status != "InService" or config != detached.endpoint_config:
        raise EndpointBusy(f"{endpoint} is {status} with {config}, not in service with {detached.endpoint_config}")
    scaling = aws.application_autoscaling()
    for target in detached.targets:
        scaling.register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=target.resource_id,
            ScalableDimension=_dimension(target),
            MinCapacity=target.minimum,
            MaxCapacity=target.maximum,
        )
        for policy in target.policies:
            tracking: TargetTrackingScalingPolicyConfigurationTypeDef = policy.target_tracking  # type: ignore[assignment]
            scaling.put_scaling_policy(
                PolicyName=policy.name,
                ServiceNamespace="sagemaker",
                ResourceId=target.resource_id,
                ScalableDimension=_dimension(target),
                PolicyType="TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration=tracking,
            )


def _wait(endpoint: str, wanted: set[str], deadline: float) -> tuple[str, str]:
    while True:
        status, config = status_of(endpoint)
        if status in wanted:
            return status, config
        if time.monotonic() >= deadline:
            raise EndpointBusy(f"{endpoint} is still {status or 'missing'}: give the same command again")
        time.sleep(POLL_SECONDS)


def _tags(endpoint: str) -> dict[str, str]:
    """Tags of an endpoint but those AWS sets itself, which nobody else can give."""
    client = aws.sagemaker()
    arn = client.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"] if not tag["Key"].startswith("aws:")}


def _targets(endpoint: str) -> list[Target]:
    client = aws.application_autoscaling()
    pages = client.get_paginator("describe_scalable_targets").paginate(ServiceNamespace="sagemaker")
    return [
        Target(
            resource_id=item["ResourceId"],
            dimension=item["ScalableDimension"],
            minimum=item["MinCapacity"],
            maximum=item["MaxCapacity"],
            policies=_policies(item["ResourceId"]),
        )
        for page in pages
        for item in page["ScalableTargets"]
        if item["ResourceId"].startswith(f"endpoint/{endpoint}/")
    ]


def _policies(resource_id: str) -> list[Policy]:
    client = aws.application_autoscaling()
    pages = client.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="sagemaker", ResourceId=resource_id
    )
    found = [item for page in pages for item in page["ScalingPolicies"]]
    if strange := [item["PolicyName"] for item in found if "TargetTrackingScalingPolicyConfiguration" not in item]:
        raise InvalidInput(f"{resource_id} has policies that could not be brought back: {', '.join(strange)}")
    return [
        Policy(name=item["PolicyName"], target_tracking=dict(item["TargetTrackingScalingPolicyConfiguration"]))
        for item in found
    ]


def _dimension(target: Target) -> ScalableDimensionType:
    if target.dimension != "sagemaker:variant:DesiredInstanceCount":
        raise InvalidInput(f"{target.resource_id} scales {target.dimension}, which could not be brought back")
    return "sagemaker:variant:DesiredInstanceCount"
