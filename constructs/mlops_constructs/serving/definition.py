"""The deploy workflow as plain data: from an approved model package to a verified endpoint.

    DescribePackage -> CreateModel -> CreateEndpointConfig -> InspectEndpoint -> CreateEndpoint | UpdateEndpoint
      -> wait -> LiveConfigCheck -> SmokeTest -> scaling -> PublishChampion -> Deployment Succeeded
    the endpoint still serves the former config -> Deployment Rolled Back
    the smoke test fails on an endpoint that had a former config -> RestorePrevious -> Deployment Rolled Back
    anything else that breaks -> Deployment Failed

UpdateEndpoint answers before anything has happened, and SageMaker rolls back without an error: so the workflow waits
and then asserts that the LIVE config is the requested one.
"""

from __future__ import annotations

from mlops_constructs.orchestration.outcomes import failure
from mlops_constructs.orchestration.states import (
    FAILURE,
    SDK_TRANSIENT,
    Json,
    State,
    catch,
    choice,
    invoke,
    pass_,
    task,
)
from mlops_constructs.serving.context import DeployContext
from mlops_constructs.serving.endings import endings, rolling_back
from mlops_constructs.serving.rollout import SCALABLE_DIMENSION, VARIANT
from mlops_constructs.serving.waiting import in_progress, poll
from mlops_constructs.training.jobs import execution_name

START_AT = "Begin"
SAGEMAKER = "arn:aws:states:::aws-sdk:sagemaker"
SCALING = "arn:aws:states:::aws-sdk:applicationautoscaling"


def definition(context: DeployContext) -> dict[str, State]:
    """All states of the deploy workflow, first state `START_AT`."""
    return {
        START_AT: _begin(context),
        **_package(context),
        "CreateModel": _create_model(context),
        "CreateEndpointConfig": _create_config(context),
        **_inspection(context),
        "CreateEndpoint": _create_endpoint(context),
        "UpdateEndpoint": _update_endpoint(context),
        **poll(
            context,
            wait="WaitForEndpoint",
            look="LookAtEndpoint",
            decide="EndpointSettled",
            settled="LiveConfigCheck",
            otherwise="EndpointBroken",
        ),
        **_broken_endpoint(context),
        **_verification(context),
        **rolling_back(context),
        **_scaling(context),
        "PublishChampion": _publish(context),
        **endings(context),
    }


def _begin(context: DeployContext) -> State:
    # Started by the registry's event, or by hand with the ARN alone.
    given = "[$states.input.detail.ModelPackageArn, $states.input.model_package_arn, ''][0]"
    return pass_(
        next="DescribePackage",
        assign={
            "package": f"{{% {given} %}}",
            "name": execution_name(context.name_prefix),
            "former_config": "{% '' %}",
            "created": False,
            "looks": 0,
        },
    )


def sagemaker(action: str, arguments: State, *, next: str, assign: State | None = None) -> State:
    """A Task that calls one SageMaker API of the control plane."""
    return task(
        f"{SAGEMAKER}:{action}",
        arguments,
        next=next,
        timeout_seconds=60,
        retry=SDK_TRANSIENT("SageMaker"),
        catch_next="EmitFailed",
        output={},
        assign=assign,
    )


def _package(context: DeployContext) -> dict[str, State]:
    return {
        "DescribePackage": sagemaker(
            "describeModelPackage",
            {"ModelPackageName": "{% $package %}"},
            next="PackageApproved",
            assign={
                "version": "{% $states.result.ModelPackageVersion %}",
                "approval": "{% $states.result.ModelApprovalStatus %}",
            },
        ),
        "PackageApproved": choice([("{% $approval = 'Approved' %}", "CreateModel")], default="NotApproved"),
        "NotApproved": failure(
            "'ModelNotApproved'", "'approve the model package first: its status is ' & $approval", next="EmitFailed"
        ),
    }


def _create_model(context: DeployContext) -> State:
    # The container comes from the package (image, data), so lineage leads from the endpoint back to it.
    identity: State = {"MODEL_PACKAGE_VERSION": "{% $string($version) %}", "MODEL_PACKAGE_ARN": "{% $package %}"}
    return sagemaker(
        "createModel",
        {
            "ModelName": "{% $name %}",
            "PrimaryContainer": {"ModelPackageName": "{% $package %}", "Environment": identity},
            "ExecutionRoleArn": context.model_role_arn,
            "VpcConfig": context.boundary.vpc_config,
            "EnableNetworkIsolation": True,
        },
        next="CreateEndpointConfig",
    )


def _create_config(context: DeployContext) -> State:
    variant: State = {
        "VariantName": VARIANT,
        "ModelName": "{% $name %}",
        "InstanceType": context.fleet.instance_type,
        "InitialInstanceCount": context.fleet.instance_count,
        "InitialVariantWeight": 1,
    }
    capture: State = {
        "EnableCapture": True,
        "InitialSamplingPercentage": context.fleet.capture_percent,
        "DestinationS3Uri": context.capture_uri,
        "KmsKeyId": context.capture_key_arn,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {
            "CsvContentTypes": ["text/csv"],
            "JsonContentTypes": ["application/json", "application/jsonlines"],
        },
    }
    return sagemaker(
        "createEndpointConfig",
        {
            "EndpointConfigName": "{% $name %}",
            "ProductionVariants": [variant],
            "DataCaptureConfig": capture,
            "KmsKeyId": context.boundary.key_arn,
        },
        next="InspectEndpoint",
    )


def _inspection(context: DeployContext) -> dict[str, State]:
    """Is there an endpoint, and is it our turn? Two approvals in a row must not meet in one update."""
    inspect = sagemaker(
        "describeEndpoint",
        {"EndpointName": context.endpoint_name},
        next="EndpointIdle",
        assign={
            "status": "{% $states.result.EndpointStatus %}",
            "former_config": "{% $states.result.EndpointConfigName %}",
        },
    )
    # SageMaker has no error of its own for an endpoint that does not exist: the cause tells it from other errors.
    missing = catch(
        "SageMaker.SageMakerException",
        "SageMaker.ValidationException",
        next="EndpointMissing",
        assign={"failure": FAILURE},
    )
    rules = inspect["Catch"]
    inspect["Catch"] = [missing, *(rules if isinstance(rules, list) else [])]
    waiting: dict[str, State] = {
        "WaitForTurn": {
            "Type": "Wait",
            "Seconds": context.rollout.poll_seconds,
            "Assign": {"looks": "{% $looks + 1 %}"},
            "Next": "InspectEndpoint",
        }
    }
    return {
        "InspectEndpoint": inspect,
        "EndpointMissing": choice(
            [("{% $contains($failure.cause, 'Could not find endpoint') %}", "CreateEndpoint")], default="EmitFailed"
        ),
        "EndpointIdle": choice(
            [("{% $status = 'InService' %}", "UpdateEndpoint"), (in_progress(context), "WaitForTurn")],
            default="NotUpdatable",
        ),
        **waiting,
        "NotUpdatable": failure(
            "'EndpointNotUpdatable'",
            "'delete the endpoint, the next approval makes it anew: its status is ' & $status",
            next="EmitFailed",
        ),
    }


def _create_endpoint(context: DeployContext) -> State:
    return sagemaker(
        "createEndpoint",
        {"EndpointName": context.endpoint_name, "EndpointConfigName": "{% $name %}"},
        next="WaitForEndpoint",
        assign={"created": True, "looks": 0},
    )


def _update_endpoint(context: DeployContext) -> State:
    return sagemaker(
        "updateEndpoint",
        {
            "EndpointName": context.endpoint_name,
            "EndpointConfigName": "{% $name %}",
            # Without it an update sets the fleet back to the first count, whatever the load is.
            "RetainAllVariantProperties": True,
            "DeploymentConfig": context.rollout.deployment_config(
                list(context.alarm_names), instance_count=context.smallest_fleet
            ),
        },
        next="WaitForEndpoint",
        assign={"looks": 0},
    )


def _broken_endpoint(context: DeployContext) -> dict[str, State]:
    """An endpoint that failed at birth serves nothing and blocks its name: remove it, so the next approval can try."""
    return {
        "EndpointBroken": failure("'Endpoint' & $status", "$reason", next="BornDead"),
        "BornDead": choice([("{% $created and $status = 'Failed' %}", "RemoveEndpoint")], default="EmitFailed"),
        "RemoveEndpoint": sagemaker("deleteEndpoint", {"EndpointName": context.endpoint_name}, next="EmitFailed"),
    }


def _verification(context: DeployContext) -> dict[str, State]:
    return {
        "LiveConfigCheck": invoke(
            context.functions.live_config_check,
            {"endpoint": context.endpoint_name, "expected_endpoint_config": "{% $name %}"},
            next="ConfigIsLive",
            catch_next="EmitFailed",
            assign={"live": "{% $states.result.Payload %}"},
        ),
        "ConfigIsLive": choice(
            [("{% $live.live %}", "SmokeTest"), ("{% $live.endpoint_status = 'InService' %}", "UpdateRolledBack")],
            default="ConfigNotLive",
        ),
        "UpdateRolledBack": failure("'DeploymentRolledBack'", "$live.reason", next="EmitRolledBack"),
        "ConfigNotLive": failure("'ConfigNotLive'", "$live.reason", next="EmitFailed"),
        "SmokeTest": invoke(
            context.functions.smoke_test,
            {"endpoint": context.endpoint_name, "version": "{% $string($version) %}"},
            next="SmokeTestPassed",
            catch_next="HasFormerConfig",
            assign={"smoke": "{% $states.result.Payload %}"},
        ),
        "SmokeTestPassed": choice([("{% $smoke.passed %}", context.after_verification)], default="SmokeTestFailed"),
        "SmokeTestFailed": failure("'SmokeTestFailed'", "$smoke.reason", next="HasFormerConfig"),
    }


def _scaling(context: DeployContext) -> dict[str, State]:
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
        ("PutScalingPolicy", "putScalingPolicy", policy, "PublishChampion"),
    )
    return {
        name: task(
            f"{SCALING}:{action}",
            {**target, **arguments},
            next=following,
            timeout_seconds=60,
            retry=SDK_TRANSIENT("ApplicationAutoScaling"),
            catch_next="EmitFailed",
            output={},
        )
        for name, action, arguments, following in steps
    }


def _publish(context: DeployContext) -> State:
    return task(
        "arn:aws:states:::aws-sdk:ssm:putParameter",
        {"Name": context.champion_parameter, "Value": "{% $package %}", "Type": "String", "Overwrite": True},
        next="EmitSucceeded",
        timeout_seconds=60,
        retry=SDK_TRANSIENT("Ssm"),
        catch_next="EmitFailed",
        output={},
    )
