"""What turning switches and taking endpoints away takes, for every workload of one environment and no other."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from mlops_constructs.governance.grants import allow_names, allow_wildcard
from mlops_constructs.governance.known import place_of
from mlops_constructs.governance.wildcards import OWN_ENDPOINTS, OWN_NAMES, SCALING, SWITCHES
from mlops_constructs.serving.rollout import SCALABLE_DIMENSION
from mlops_constructs.training.access import allow_volume_key, sagemaker_arn

NAMES = ("kill-switch", "promotion-freeze", "detached-endpoint")
_OUR_TARGETS = {
    "StringEquals": {
        "application-autoscaling:service-namespace": "sagemaker",
        "application-autoscaling:scalable-dimension": SCALABLE_DIMENSION,
    }
}


def allow_switches(role: iam.IRole, environment_name: str) -> None:
    """Read what the environment publishes, write the three switches of any workload."""
    path = place_of(role).arn("ssm", f"parameter/mlops/{environment_name}")
    allow_names(role, SWITCHES, "ssm:GetParametersByPath", on=[path, f"{path}/*"])
    allow_names(role, SWITCHES, "ssm:PutParameter", on=[f"{path}/*/{name}" for name in NAMES])


def allow_endpoints(role: iam.IRole, environment_name: str, models_key: kms.IKey) -> None:
    """Delete an endpoint, make it again from its config with its tags, and scale it as before."""
    endpoints = sagemaker_arn(role, "endpoint", f"*-{environment_name}")
    configs = sagemaker_arn(role, "endpoint-config", f"*-{environment_name}-*")
    own = ("DescribeEndpoint", "DeleteEndpoint", "ListTags", "AddTags")
    allow_names(role, OWN_ENDPOINTS, *(f"sagemaker:{action}" for action in own), on=[endpoints])
    allow_names(role, OWN_ENDPOINTS, "sagemaker:CreateEndpoint", on=[endpoints, configs])
    allow_names(role, OWN_ENDPOINTS, "sagemaker:DescribeEndpointConfig", on=[configs])
    allow_names(role, OWN_ENDPOINTS, "sagemaker:UpdateEndpointWeightsAndCapacities", on=[endpoints])
    allow_volume_key(role, models_key)
    look = ("application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies")
    allow_wildcard(role, SCALING, *look)
    change = ("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy")
    actions = [f"application-autoscaling:{action}" for action in change]
    allow_wildcard(role, SCALING, *actions, conditions=_OUR_TARGETS)
    alarms = place_of(role).arn("cloudwatch", f"alarm:TargetTracking-endpoint/*-{environment_name}/*")
    watch = ("cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms")
    allow_names(role, OWN_NAMES, *watch, on=[alarms])
