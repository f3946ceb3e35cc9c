"""Good resources of machine learning, one per rule at least; tests break one property at a time."""

import json
from typing import Any

from tests.compliance.pack.judging import KEY, resource

DIGEST = "111122223333.dkr.ecr.us-east-1.amazonaws.com/train@sha256:" + "0a" * 32
VPC = {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
NETWORK = {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True, "VpcConfig": VPC}
CAUGHT = {
    "TimeoutSeconds": 60,
    "Retry": [{"ErrorEquals": ["SageMaker.SdkClientException"], "MaxAttempts": 3, "BackoffRate": 2}],
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "EmitFailed"}],
}
TRAINING = {
    "AlgorithmSpecification": {"TrainingImage": DIGEST},
    "OutputDataConfig": {"KmsKeyId": KEY},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "VolumeKmsKeyId": KEY},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "EnableNetworkIsolation": True,
    "EnableInterContainerTrafficEncryption": True,
    "VpcConfig": VPC,
}
PROCESSING = {
    "AppSpecification": {"ImageUri": DIGEST},
    "ProcessingInputs": [
        {
            "InputName": "capture",
            "S3Input": {"S3Uri": "s3://capture/", "LocalPath": "/opt/ml/processing/input/capture"},
        },
        {"InputName": "before", "S3Input": {"S3Uri": "s3://b/", "LocalPath": "/opt/ml/processing/input/baseline"}},
    ],
    "ProcessingOutputConfig": {"KmsKeyId": KEY},
    "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "VolumeKmsKeyId": KEY}},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "NetworkConfig": NETWORK,
}
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "KmsKeyId": KEY,
    "DestinationS3Uri": "s3://capture/",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}
CONFIG = {
    "ProductionVariants": [{"VariantName": "all", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}],
    "DataCaptureConfig": CAPTURE,
    "KmsKeyId": KEY,
}
DEPLOYMENT = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 600,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20},
        }
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
}
ALARM = resource("AWS::CloudWatch::Alarm", {"AlarmName": "errors", "AlarmActions": ["arn:aws:sns:::topic"]})
EVENT = {"detail_type": "Training Failed", "detail": {}}


def task(call: str, arguments: Any, **more: Any) -> dict[str, Any]:
    """A task of a workflow with timeout, retry and catch."""
    return {"Type": "Task", "Resource": f"arn:aws:states:::{call}", "Arguments": arguments, **CAUGHT, **more}


def workflow(states: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A state machine of these states, which end in a failure event and a Fail state."""
    emit = task("lambda:invoke", {"FunctionName": "emitter", "Payload": EVENT}, Next="Failed")
    emit["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}]
    whole = {**states, "EmitFailed": emit, "Failed": {"Type": "Fail"}, "Done": {"Type": "Succeed"}}
    body = {"StartAt": next(iter(states)), "TimeoutSeconds": 3600, "States": whole, **more}
    return resource("AWS::StepFunctions::StateMachine", {"DefinitionString": json.dumps(body)})


def calls(call: str, arguments: Any, **more: Any) -> dict[str, Any]:
    """A workflow of one task."""
    return workflow({"Step": task(call, arguments, Next="Done")}, **more)
