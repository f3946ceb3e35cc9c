"""The second half of a deployment: is it live, does it answer; then it is the champion, and is made to scale."""

from __future__ import annotations

from mlops_constructs.orchestration.outcomes import failure
from mlops_constructs.orchestration.retries import sdk_transient
from mlops_constructs.orchestration.states import Json, State, choice, invoke, task
from mlops_constructs.serving.context import DeployContext
from mlops_constructs.serving.rollout import SCALABLE_DIMENSION, VARIANT

SCALING = "arn:aws:states:::aws-sdk:applicationautoscaling"


def verification(context: DeployContext) -> dict[str, State]:
    """Assert the live config, then ask the endpoint once."""
    return {
        "LiveConfigCheck": invoke(
            context.functions.live_config_check,
            {"endpoint": context.endpoint_name, "expected_endpoint_config": "{% $name %}"},
            next="ConfigIsLive",
            catch_next="HasFormerConfig",  # nobody knows what serves: make sure of the former config, as below
            assign={"live": "{% $states.result.Payload %}"},
        ),
        "ConfigIsLive": choice(
            [("{% $live.live %}", "SmokeTest"), ("{% $live.endpoint_status = 'InService' %}", "UpdateRolledBack")],
            default="ConfigNotLive",
        ),
        "UpdateRolledBack": failure("'DeploymentRolledBack'", "$live.reason", next="WasRolledBack"),
        "ConfigNotLive": failure("'ConfigNotLive'", "$live.reason", next="Abandon"),
        "SmokeTest": invoke(
            context.functions.smoke_test,
            {"endpoint": context.endpoint_name, "version": "{% $string($version) %}"},
            next="SmokeTestPassed",
            catch_next="HasFormerConfig",
            assign={"smoke": "{% $states.result.Payload %}"},
        ),
        "SmokeTestPassed": choice([("{% $smoke.passed %}", "PublishChampion")], default="SmokeTestFailed"),
        "SmokeTestFailed": failure("'SmokeTestFailed'", "$smoke.reason", next="HasFormerConfig"),
    }


def scaling(context: DeployContext) -> dict[str, State]:
    """Register the variant with Application Auto Scaling; nothing for a fixed fleet.

    From here on the new model serves and has been verified: a failure is told, but the package stays approved.
    """
    if context.autoscaling is None:
        return {}
    target: dict[str, Json] = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{context.endpoint_name}/variant/{VARIANT}",
        "ScalableDimension": SCALABLE_DIMENSION,
    }
    bounds: State = {"MinCapacity": context.autoscaling.minimum, "MaxCapacity": context.autoscaling.maximum}
    policy: State = {
        "PolicyName": f"{context.endpoint_name}-invocations",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": context.autoscaling.invocations_per_instance,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            "ScaleInCooldown": 300,
            "ScaleOutCooldown": 60,
        },
    }
    steps = (
        ("RegisterScaling", "registerScalableTarget", bounds, "PutScalingPolicy"),
        ("PutScalingPolicy", "putScalingPolicy", policy, "EmitSucceeded"),
    )
    return {
        name: task(
            f"{SCALING}:{action}",
            {**target, **arguments},
            next=following,
            timeout_seconds=60,
            retry=sdk_transient("ApplicationAutoScaling"),
            catch_next="EmitFailed",
            output={},
        )
        for name, action, arguments, following in steps
    }


def publish(context: DeployContext) -> State:
    """Say which package is in service: only a verified one ever is, and from then on whatever fails afterwards."""
    return task(
        "arn:aws:states:::aws-sdk:ssm:putParameter",
        {"Name": context.champion_parameter, "Value": "{% $package %}", "Type": "String", "Overwrite": True},
        next=context.after_publishing,
        timeout_seconds=60,
        retry=sdk_transient("Ssm"),
        catch_next="EmitFailed",
        output={},
    )
