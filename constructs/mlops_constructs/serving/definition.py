"""The deploy workflow as plain data: from an approved model package to a verified endpoint.

    AskForTurn -> DescribePackage -> DescribeTraining -> InspectEndpoint -> CreateModel -> CreateEndpointConfig
      -> ReadFreeze -> CreateEndpoint | UpdateEndpoint
      -> wait -> LiveConfigCheck -> SmokeTest -> PublishChampion -> scaling -> Deployment Succeeded
    the endpoint still serves the former config -> Deployment Rolled Back
    the smoke test fails on an endpoint that had a former config -> RestorePrevious -> Deployment Rolled Back
    an endpoint made by this execution does not come to serve -> it is removed with its config -> Deployment Failed
    anything else that breaks -> Deployment Failed
    a package that did not come to serve is rejected, unless its version serves or the endpoint was not looked at yet

UpdateEndpoint answers before anything has happened, and SageMaker rolls back without an error: so the workflow waits
and then asserts that the LIVE config is the requested one.

Models and configs are named `<endpoint>-v<version>-<execution>`, so what exists under such a name was made by this
execution, and a config tells which version it serves.
"""

from __future__ import annotations

from mlops_constructs.names import execution_name
from mlops_constructs.orchestration.outcomes import failure
from mlops_constructs.orchestration.states import State, choice, pass_
from mlops_constructs.serving.calls import CHANGING, EXISTING, refusal, sagemaker
from mlops_constructs.serving.context import DeployContext
from mlops_constructs.serving.endings import endings, rolling_back
from mlops_constructs.serving.freeze import freezing
from mlops_constructs.serving.inspection import inspection
from mlops_constructs.serving.removal import removing
from mlops_constructs.serving.rollout import VARIANT
from mlops_constructs.serving.turn import FIRST, taking_turns
from mlops_constructs.serving.verification import publish, scaling, verification
from mlops_constructs.serving.waiting import has_looks, poll
from mlops_constructs.training.jobs import takes_volume_key

START_AT = "Begin"
_TRAINING_JOB = "$states.result.CustomerMetadataProperties.training_job"
_CONTAINERS = "$states.result.InferenceSpecification.Containers"


def definition(context: DeployContext) -> dict[str, State]:
    """All states of the deploy workflow, first state `START_AT`."""
    return {
        START_AT: _begin(context),
        **taking_turns(context),
        **_package(context),
        **_origin(context),
        **inspection(context),
        "CreateModel": _create_model(context),
        "ModelRefused": refusal(EXISTING, next="CreateEndpointConfig"),
        "CreateEndpointConfig": _create_config(context),
        "ConfigRefused": refusal(EXISTING, next="ReadFreeze"),
        **freezing(context),
        "HasEndpoint": choice([("{% $former_config != '' %}", "UpdateEndpoint")], default="CreateEndpoint"),
        # Refused, because SageMaker changes the endpoint for somebody else, or for us and only its answer was lost: it
        # is looked at again.
        "CreateEndpoint": _create_endpoint(context),
        "EndpointRefused": refusal(EXISTING, next="WaitForIdle", also=has_looks(context)),
        "UpdateEndpoint": _update_endpoint(context),
        "UpdateRefused": refusal(CHANGING, next="WaitForIdle", also=has_looks(context)),
        **poll(
            context,
            wait="WaitForEndpoint",
            look="LookAtEndpoint",
            decide="EndpointSettled",
            settled="LiveConfigCheck",
            otherwise="EndpointBroken",
            unseen="Abandon",
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
        next=FIRST,
        assign={
            "package": f"{{% {given} %}}",
            "former_config": "{% '' %}",
            "created": False,
            "looks": 0,
            # An event can come twice: until the endpoint was looked at, the version may be the one that serves.
            "keep": True,
        },
    )


def _package(context: DeployContext) -> dict[str, State]:
    version = "$string($states.result.ModelPackageVersion)"
    return {
        "DescribePackage": sagemaker(
            "describeModelPackage",
            {"ModelPackageName": "{% $package %}"},
            next="PackageApproved",
            assign={
                "version": "{% $states.result.ModelPackageVersion %}",
                "approval": "{% $states.result.ModelApprovalStatus %}",
                "training_job": f"{{% [{_TRAINING_JOB}, ''][0] %}}",
                # Of several containers a list of texts, which equals no text.
                "content": f"{{% {_CONTAINERS}.(Image & ' ' & ModelDataUrl) %}}",
                "name": execution_name(context.endpoint_name, item=f"'v' & {version}"),
                "versioned": f"{{% '{context.endpoint_name}-v' & {version} & '-' %}}",
                "looks": 0,
            },
        ),
        "PackageApproved": choice([("{% $approval = 'Approved' %}", "OriginKnown")], default="NotApproved"),
        # Nothing is taken from a package that waits for its approval, or was refused before.
        "NotApproved": failure(
            "'ModelNotApproved'", "'approve the model package first: its status is ' & $approval", next="EmitFailed"
        ),
    }


def _origin(context: DeployContext) -> dict[str, State]:
    """Whoever may approve a version may also change its container, which IAM cannot forbid: what serves was trained."""
    made = "$states.result.AlgorithmSpecification.TrainingImage & ' ' & $states.result.ModelArtifacts.S3ModelArtifacts"
    return {
        # A version that others registered may come from anywhere.
        "OriginKnown": choice([("{% $training_job = '' %}", "InspectEndpoint")], default="DescribeTraining"),
        "DescribeTraining": sagemaker(
            "describeTrainingJob",
            {"TrainingJobName": "{% $training_job %}"},
            next="PackageIntact",
            assign={"made": f"{{% {made} %}}"},
        ),
        "PackageIntact": choice([("{% $content = $made %}", "InspectEndpoint")], default="PackageChanged"),
        "PackageChanged": failure(
            "'PackageChanged'",
            "'the package holds ' & $string($content) & ', its training job ' & $training_job & ' made ' & $made",
            next="RejectFailed",
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
        refused="ModelRefused",
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
        refused="ConfigRefused",
    )


def _create_endpoint(context: DeployContext) -> State:
    return sagemaker(
        "createEndpoint",
        {
            "EndpointName": context.endpoint_name,
            "EndpointConfigName": "{% $name %}",
            **context.boundary.tagging,
        },
        next="WaitForEndpoint",
        assign={"created": True, "looks": 0},
        refused="EndpointRefused",
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
        refused="UpdateRefused",
    )
