"""The deploy workflow as plain data: from an approved model package to a verified endpoint.

    DescribePackage -> CreateModel -> CreateEndpointConfig -> ReadFreeze -> InspectEndpoint
      -> CreateEndpoint | UpdateEndpoint
      -> wait -> LiveConfigCheck -> SmokeTest -> PublishChampion -> scaling -> Deployment Succeeded
    the endpoint still serves the former config -> Deployment Rolled Back
    the smoke test fails on an endpoint that had a former config -> RestorePrevious -> Deployment Rolled Back
    an endpoint made by this execution does not come to serve -> it is removed with its config -> Deployment Failed
    anything else that breaks -> Deployment Failed
    a package that did not come to serve is rejected: an approved version is one that serves or served

UpdateEndpoint answers before anything has happened, and SageMaker rolls back without an error: so the workflow waits
and then asserts that the LIVE config is the requested one.
"""

from __future__ import annotations

from mlops_constructs.orchestration.outcomes import failure
from mlops_constructs.orchestration.retries import sdk_transient
from mlops_constructs.orchestration.states import FAILURE, State, catch, choice, pass_, task
from mlops_constructs.serving.context import DeployContext
from mlops_constructs.serving.endings import endings, rolling_back
from mlops_constructs.serving.freeze import freezing
from mlops_constructs.serving.removal import removing
from mlops_constructs.serving.rollout import VARIANT
from mlops_constructs.serving.verification import publish, scaling, verification
from mlops_constructs.serving.waiting import in_progress, poll
from mlops_constructs.training.jobs import execution_name, takes_volume_key

START_AT = "Begin"
SAGEMAKER = "arn:aws:states:::aws-sdk:sagemaker"


def definition(context: DeployContext) -> dict[str, State]:
    """All states of the deploy workflow, first state `START_AT`."""
    return {
        START_AT: _begin(context),
        **_package(context),
        "CreateModel": _create_model(context),
        "CreateEndpointConfig": _create_config(context),
        **freezing(context),
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
            catch_next="Abandon",
        ),
        **removing(context),
        **verification(context),
        **rolling_back(context),
        "PublishChampion": publish(context),
        **scaling(context),
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
        retry=sdk_transient("SageMaker"),
        catch_next="RejectFailed",
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
        # Nothing is taken from a package that waits for its approval, or was refused before.
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
    own_key = takes_volume_key(context.fleet.instance_type)
    volume_key: State = {"KmsKeyId": context.boundary.key_arn} if own_key else {}
    return sagemaker(
        "createEndpointConfig",
        {
            "EndpointConfigName": "{% $name %}",
            "ProductionVariants": [variant],
            "DataCaptureConfig": capture,
            **volume_key,
        },
        next="ReadFreeze",
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
            "Next": "ReadFreeze",
        }
    }
    return {
        "InspectEndpoint": inspect,
        "EndpointMissing": choice(
            [("{% $contains($failure.cause, 'Could not find endpoint') %}", "CreateEndpoint")], default="RejectFailed"
        ),
        "EndpointIdle": choice(
            [("{% $status = 'InService' %}", "UpdateEndpoint"), (in_progress(context, "Deleting"), "WaitForTurn")],
            default="NotUpdatable",
        ),
        **waiting,
        "NotUpdatable": failure(
            "'EndpointNotUpdatable'",
            "'delete the endpoint, the next approval makes it anew: its status is ' & $status",
            next="RejectFailed",
        ),
    }


def _create_endpoint(context: DeployContext) -> State:
    return sagemaker(
        "createEndpoint",
        {
            "EndpointName": context.endpoint_name,
            "EndpointConfigName": "{% $name %}",
            **context.boundary.tagging,
        },
        next="WaitForEndpoint",
        # What an earlier look saw is gone: there is nothing to go back to.
        assign={"created": True, "former_config": "{% '' %}", "looks": 0},
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
