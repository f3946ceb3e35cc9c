"""ML-1, ML-2, ML-7, ML-10 and the jobs' keys: one broken setting, one finding, wherever the job is made."""

import json
from typing import Any

import pytest

from mlops_constructs.compliance.rules.ml_isolation import LOCAL_STORAGE
from mlops_constructs.training.jobs import HARDWARE_ENCRYPTED, takes_volume_key
from tests.compliance.pack.judging import DELETED, changed, failed, passes, resource
from tests.compliance.pack.ml_samples import CONFIG, DIGEST, PROCESSING, TRAINING, VPC, calls, task, workflow

MODEL = {
    "PrimaryContainer": {"ModelPackageName": "arn:aws:sagemaker:us-east-1:111122223333:model-package/g/1"},
    "EnableNetworkIsolation": True,
    "VpcConfig": VPC,
}
BROKEN: list[tuple[str, str, str, Any]] = [
    ("ML-1.network-isolation", "sagemaker:createTrainingJob.sync", "EnableNetworkIsolation", False),
    ("ML-1.network-isolation", "sagemaker:createTrainingJob.sync", "EnableNetworkIsolation", DELETED),
    ("ML-1.network-isolation", "sagemaker:createTrainingJob.sync", "EnableNetworkIsolation", "{% $open %}"),
    ("ML-1.network-isolation", "sagemaker:createProcessingJob.sync", "NetworkConfig", DELETED),
    ("ML-2.job-in-vpc", "sagemaker:createTrainingJob", "VpcConfig", DELETED),
    ("ML-2.job-in-vpc", "sagemaker:createTrainingJob", "VpcConfig.Subnets", []),
    ("ML-2.job-in-vpc", "sagemaker:createProcessingJob.sync", "NetworkConfig.VpcConfig.SecurityGroupIds", DELETED),
    ("ENC-3.inter-container-traffic", "sagemaker:createTrainingJob", "EnableInterContainerTrafficEncryption", False),
    ("ENC-1.workflow-job-key", "sagemaker:createTrainingJob", "OutputDataConfig.KmsKeyId", DELETED),
    ("ENC-1.workflow-job-key", "sagemaker:createTrainingJob", "ResourceConfig.VolumeKmsKeyId", "alias/aws/sagemaker"),
    ("ENC-1.workflow-job-key", "aws-sdk:sagemaker:createProcessingJob", "ProcessingOutputConfig", DELETED),
    ("ML-7.image-pinned", "sagemaker:createTrainingJob", "AlgorithmSpecification.TrainingImage", "train:latest"),
    ("ML-7.image-pinned", "sagemaker:createProcessingJob", "AppSpecification.ImageUri", "{% $image %}"),
    ("ML-10.job-limit", "sagemaker:createTrainingJob", "StoppingCondition", DELETED),
    ("ML-10.job-limit", "sagemaker:createProcessingJob", "StoppingCondition.MaxRuntimeInSeconds", 9_999_999),
]


def _body(call: str) -> dict[str, Any]:
    return TRAINING if "Training" in call else PROCESSING


@pytest.mark.parametrize(("rule", "call", "path", "value"), BROKEN)
def test_a_broken_setting_of_a_workflow_job_is_found(rule: str, call: str, path: str, value: Any) -> None:
    assert passes(rule, {"M": calls(call, _body(call))})
    assert failed(rule, {"M": calls(call, changed(_body(call), path, value))})


def test_the_finding_names_the_state() -> None:
    body = changed(TRAINING, "EnableNetworkIsolation", False)
    found = failed("ML-1.network-isolation", {"M": calls("sagemaker:createTrainingJob.sync", body)})
    assert found == {("M", "Step")}


@pytest.mark.parametrize("rule", sorted({rule for rule, call, *_ in BROKEN if "Training" in call}))
def test_a_pipeline_step_is_judged_like_a_task(rule: str) -> None:
    def pipeline(body: Any) -> dict[str, Any]:
        text = json.dumps({"Steps": [{"Name": "Learn", "Type": "Training", "Arguments": body}]})
        return resource("AWS::SageMaker::Pipeline", {"PipelineDefinition": {"PipelineDefinitionBody": text}})

    path, value = next((p, v) for r, call, p, v in BROKEN if r == rule and "Training" in call)
    assert passes(rule, {"P": pipeline(TRAINING)})
    assert failed(rule, {"P": pipeline(changed(TRAINING, path, value))})


def test_jsonpath_parameters_are_read_and_references_are_no_proof() -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob", "End": True}
    whole = {**changed(TRAINING, "EnableNetworkIsolation", DELETED), "EnableNetworkIsolation.$": "$.isolated"}
    definition = {"StartAt": "Step", "States": {"Step": {**state, "Parameters": whole}}}
    machine = resource("AWS::StepFunctions::StateMachine", {"Definition": definition})
    assert failed("ML-1.network-isolation", {"M": machine}) == {("M", "Step")}
    assert passes("ML-2.job-in-vpc", {"M": machine})


def test_jobs_inside_map_parallel_and_tuning_are_judged() -> None:
    open_job = changed(TRAINING, "EnableNetworkIsolation", False)
    inner = calls("sagemaker:createHyperParameterTuningJob", {"TrainingJobDefinition": open_job})
    assert failed("ML-1.network-isolation", {"M": inner}) == {("M", "Step")}
    step = {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob", "Arguments": open_job}
    branch = {"StartAt": "Deep", "States": {"Deep": step}}
    for around in ({"Type": "Parallel", "Branches": [branch]}, {"Type": "Map", "ItemProcessor": branch}):
        text = json.dumps({"StartAt": "A", "States": {"A": around}})
        machine = resource("AWS::StepFunctions::StateMachine", {"DefinitionString": text})
        assert failed("ML-1.network-isolation", {"M": machine}) == {("M", "Deep")}


def test_instance_storage_and_serverless_endpoints_need_no_volume_key() -> None:
    body = changed(TRAINING, "ResourceConfig", {"InstanceType": "ml.g5.2xlarge"})
    assert passes("ENC-1.workflow-job-key", {"M": calls("sagemaker:createTrainingJob", body)})
    config = {"ProductionVariants": [{"ServerlessConfig": {"MemorySizeInMB": 2048}}]}
    machine = {"M": calls("sagemaker:createEndpointConfig", config)}
    assert not failed("ENC-1.workflow-job-key", machine)
    assert failed(
        "ENC-1.workflow-job-key", {"M": calls("sagemaker:createEndpointConfig", changed(CONFIG, "KmsKeyId", DELETED))}
    )


def test_rules_and_jobs_mean_the_same_instance_storage() -> None:
    assert LOCAL_STORAGE.pattern == HARDWARE_ENCRYPTED.pattern
    types = ("ml.m5.large", "ml.m5d.large", "ml.c6gd.large", "ml.g4dn.xlarge", "ml.g5.xlarge", "ml.p4de.24xlarge")
    assert [takes_volume_key(each) for each in types] == [True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        ("ML-1.network-isolation", "EnableNetworkIsolation", False),
        ("ML-2.job-in-vpc", "VpcConfig", DELETED),
        ("ML-9.model-from-registry", "PrimaryContainer", {"Image": DIGEST, "ModelDataUrl": "s3://m/model.tar.gz"}),
    ],
)
def test_a_declared_model_is_judged_too(rule: str, path: str, value: Any) -> None:
    assert passes(rule, {"M": resource("AWS::SageMaker::Model", MODEL)})
    assert failed(rule, {"M": resource("AWS::SageMaker::Model", changed(MODEL, path, value))})


ELSEWHERE: list[tuple[str, str, dict[str, Any], str, Any]] = [
    ("ML-2.glue-in-vpc", "AWS::Glue::Job", {"Connections": {"Connections": ["vpc"]}}, "Connections", DELETED),
    ("ML-10.glue-timeout", "AWS::Glue::Job", {"Timeout": 60}, "Timeout", DELETED),
    ("ML-10.glue-timeout", "AWS::Glue::Job", {"Timeout": 60}, "Timeout", 2880),
    (
        "ML-2.batch-in-vpc",
        "AWS::Batch::ComputeEnvironment",
        {"ComputeResources": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
        "ComputeResources.SecurityGroupIds",
        [],
    ),
    (
        "ML-2.batch-in-vpc",
        "AWS::Batch::JobDefinition",
        {"ContainerProperties": {"NetworkConfiguration": {"AssignPublicIp": "DISABLED"}}},
        "ContainerProperties.NetworkConfiguration.AssignPublicIp",
        "ENABLED",
    ),
    (
        "ML-10.batch-timeout",
        "AWS::Batch::JobDefinition",
        {"Timeout": {"AttemptDurationSeconds": 3600}, "RetryStrategy": {"Attempts": 3}},
        "Timeout",
        DELETED,
    ),
    (
        "ML-7.image-pinned",
        "AWS::Batch::JobDefinition",
        {"ContainerProperties": {"Image": DIGEST}},
        "ContainerProperties.Image",
        "python:3.11",
    ),
    (
        "ML-7.scan-on-push",
        "AWS::ECR::Repository",
        {"ImageScanningConfiguration": {"ScanOnPush": True}},
        "ImageScanningConfiguration",
        DELETED,
    ),
    ("ML-7.immutable-tags", "AWS::ECR::Repository", {"ImageTagMutability": "IMMUTABLE"}, "ImageTagMutability", DELETED),
    (
        "ML-7.image-lifecycle",
        "AWS::ECR::Repository",
        {"LifecyclePolicy": {"LifecyclePolicyText": "{}"}},
        "LifecyclePolicy",
        DELETED,
    ),
]


@pytest.mark.parametrize(("rule", "kind", "good", "path", "value"), ELSEWHERE)
def test_jobs_and_images_outside_sagemaker(rule: str, kind: str, good: Any, path: str, value: Any) -> None:
    assert passes(rule, {"R": resource(kind, good)})
    assert failed(rule, {"R": resource(kind, changed(good, path, value))})


def test_a_registry_that_scans_covers_its_repositories() -> None:
    rules = {"Rules": [{"ScanFrequency": "CONTINUOUS_SCAN"}]}
    resources = {
        "Registry": resource("AWS::ECR::RegistryScanningConfiguration", rules),
        "Repository": resource("AWS::ECR::Repository"),
    }
    assert passes("ML-7.scan-on-push", resources)


def test_a_container_task_needs_private_subnets() -> None:
    good = {"NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "DISABLED"}}}
    assert passes("ML-2.task-in-vpc", {"M": calls("ecs:runTask.sync", good)})
    public = changed(good, "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp", "ENABLED")
    assert failed("ML-2.task-in-vpc", {"M": calls("ecs:runTask.sync", public)})


def test_a_registered_image_is_pinned_by_its_registration() -> None:
    body = changed(PROCESSING, "AppSpecification.ImageUri", "{% $image %}")
    states = {
        "Read": task("aws-sdk:sagemaker:describeModelPackage", {"ModelPackageName": "g"}, Next="Use"),
        "Use": task("sagemaker:createProcessingJob.sync", body, Next="Done"),
    }
    assert passes("ML-7.image-pinned", {"M": workflow(states)})
    del states["Read"]
    assert failed("ML-7.image-pinned", {"M": workflow(states)}) == {("M", "Use:AppSpecification:0")}
