"""ML-3 to ML-6, ML-8 and ML-9: capture, monitors, Studio, stores, rollout, approval."""

from typing import Any

import pytest

from tests.compliance.pack.judging import DELETED, KEY, changed, failed, passes, resource
from tests.compliance.pack.ml_samples import (
    ALARM,
    CAPTURE,
    CONFIG,
    DEPLOYMENT,
    NETWORK,
    PROCESSING,
    calls,
    task,
    workflow,
)

UPDATE = {"EndpointName": "e", "EndpointConfigName": "c", "DeploymentConfig": DEPLOYMENT}
COUNT = "ProductionVariants.0.InitialInstanceCount"
ROUTING = "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration"
JOB = {
    "DataQualityBaselineConfig": {"BaseliningJobName": "baseline"},
    "NetworkConfig": NETWORK,
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}
NOTEBOOK = {
    "DirectInternetAccess": "Disabled",
    "RootAccess": "Disabled",
    "SubnetId": "subnet-1",
    "SecurityGroupIds": ["sg-1"],
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"},
}
DOMAIN = {
    "AppNetworkAccessType": "VpcOnly",
    "VpcId": "vpc-1",
    "SubnetIds": ["subnet-1"],
    "DefaultUserSettings": {
        "SecurityGroups": ["sg-1"],
        "SharingSettings": {"NotebookOutputOption": "Allowed", "S3KmsKeyId": KEY},
        "JupyterLabAppSettings": {"AppLifecycleManagement": {"IdleSettings": {"LifecycleManagement": "ENABLED"}}},
    },
    "DomainSettings": {"DockerSettings": {"EnableDockerAccess": "ENABLED", "VpcOnlyTrustedAccounts": ["111122223333"]}},
}
FEATURES = {
    "OnlineStoreConfig": {"EnableOnlineStore": True, "SecurityConfig": {"KmsKeyId": KEY}},
    "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://f/", "KmsKeyId": KEY}},
}
DECLARED: list[tuple[str, str, dict[str, Any], str, Any]] = [
    *(
        ("ML-3.capture", "EndpointConfig", CONFIG, f"DataCaptureConfig.{path}", value)
        for path, value in (
            ("EnableCapture", False),
            ("InitialSamplingPercentage", 20),
            ("KmsKeyId", DELETED),
            ("CaptureOptions", [{"CaptureMode": "Input"}]),
            ("DestinationS3Uri", DELETED),
        )
    ),
    ("ML-3.capture", "EndpointConfig", CONFIG, "DataCaptureConfig", DELETED),
    ("ML-8.two-instances", "EndpointConfig", CONFIG, COUNT, 1),
    ("ML-8.rollback-alarms", "Endpoint", UPDATE, "DeploymentConfig.AutoRollbackConfiguration", DELETED),
    ("ML-8.gradual-traffic", "Endpoint", UPDATE, f"{ROUTING}.Type", "ALL_AT_ONCE"),
    ("ML-8.gradual-traffic", "Endpoint", UPDATE, f"{ROUTING}.WaitIntervalInSeconds", 0),
    ("ML-8.gradual-traffic", "Endpoint", UPDATE, f"{ROUTING}.CanarySize.Value", 100),
    ("ML-4.baseline", "DataQualityJobDefinition", JOB, "DataQualityBaselineConfig", DELETED),
    ("ML-5.studio-vpc-only", "Domain", DOMAIN, "AppNetworkAccessType", DELETED),
    ("ML-5.studio-vpc-only", "Domain", DOMAIN, "AppNetworkAccessType", "PublicInternetOnly"),
    ("ML-5.studio-vpc-only", "Domain", DOMAIN, "DefaultUserSettings.SecurityGroups", []),
    ("ML-5.studio-vpc-only", "Domain", DOMAIN, "SubnetIds", DELETED),
    ("ML-5.studio-vpc-only", "Domain", DOMAIN, "DomainSettings.DockerSettings.VpcOnlyTrustedAccounts", DELETED),
    ("ML-5.shared-output-key", "Domain", DOMAIN, "DefaultUserSettings.SharingSettings.S3KmsKeyId", DELETED),
    (
        "ML-5.idle-shutdown",
        "Domain",
        DOMAIN,
        "DefaultUserSettings.JupyterLabAppSettings.AppLifecycleManagement.IdleSettings.LifecycleManagement",
        "DISABLED",
    ),
    ("ML-5.notebook", "NotebookInstance", NOTEBOOK, "DirectInternetAccess", DELETED),
    ("ML-5.notebook", "NotebookInstance", NOTEBOOK, "RootAccess", "Enabled"),
    ("ML-5.notebook", "NotebookInstance", NOTEBOOK, "SubnetId", DELETED),
    ("ML-5.notebook", "NotebookInstance", NOTEBOOK, "InstanceMetadataServiceConfiguration", DELETED),
    ("ML-6.feature-store-keys", "FeatureGroup", FEATURES, "OnlineStoreConfig.SecurityConfig", DELETED),
    ("ML-6.feature-store-keys", "FeatureGroup", FEATURES, "OfflineStoreConfig.S3StorageConfig.KmsKeyId", DELETED),
    ("ML-6.registry-keys", "ModelCard", {"SecurityConfig": {"KmsKeyId": KEY}}, "SecurityConfig", DELETED),
    ("ML-9.no-auto-approval", "ModelPackage", {"ModelApprovalStatus": "Rejected"}, "ModelApprovalStatus", "Approved"),
]


@pytest.mark.parametrize(("rule", "kind", "good", "path", "value"), DECLARED)
def test_a_broken_setting_of_a_declared_resource_is_found(
    rule: str, kind: str, good: dict[str, Any], path: str, value: Any
) -> None:
    assert passes(rule, {"R": resource(f"AWS::SageMaker::{kind}", good), "Alarm": ALARM})
    assert failed(rule, {"R": resource(f"AWS::SageMaker::{kind}", changed(good, path, value)), "Alarm": ALARM})


@pytest.mark.parametrize(
    ("rule", "call", "good", "path", "value"),
    [
        ("ML-3.capture", "aws-sdk:sagemaker:createEndpointConfig", CONFIG, "DataCaptureConfig.EnableCapture", False),
        (
            "ML-8.two-instances",
            "sagemaker:createEndpointConfig",
            CONFIG,
            COUNT,
            1,
        ),
        ("ML-8.rollback-alarms", "aws-sdk:sagemaker:updateEndpoint", UPDATE, "DeploymentConfig", DELETED),
        ("ML-8.gradual-traffic", "sagemaker:updateEndpoint", UPDATE, "DeploymentConfig.BlueGreenUpdatePolicy", DELETED),
        (
            "ML-8.two-instances",
            "aws-sdk:applicationautoscaling:registerScalableTarget",
            {"ServiceNamespace": "sagemaker", "MinCapacity": 2},
            "MinCapacity",
            1,
        ),
        (
            "ML-9.no-auto-approval",
            "aws-sdk:sagemaker:updateModelPackage",
            {"ModelApprovalStatus": "Rejected"},
            "ModelApprovalStatus",
            "Approved",
        ),
    ],
)
def test_a_broken_setting_of_a_workflow_is_found(
    rule: str, call: str, good: dict[str, Any], path: str, value: Any
) -> None:
    assert passes(rule, {"M": calls(call, good), "Alarm": ALARM})
    assert failed(rule, {"M": calls(call, changed(good, path, value)), "Alarm": ALARM})


def test_a_rollback_alarm_must_exist() -> None:
    assert failed("ML-8.rollback-alarms", {"M": calls("sagemaker:updateEndpoint", UPDATE)}) == {("M", "Step")}


def test_batch_capture_needs_a_key_only_when_it_is_on() -> None:
    rule, call = "ML-3.transform-capture-key", "sagemaker:createTransformJob.sync"
    assert passes(rule, {"M": calls(call, {"DataCaptureConfig": CAPTURE})})
    assert failed(rule, {"M": calls(call, {"DataCaptureConfig": changed(CAPTURE, "KmsKeyId", DELETED)})})
    assert not failed(rule, {"M": calls(call, {})})


def test_dev_may_run_one_instance_and_approve_itself_prod_and_strangers_may_not() -> None:
    one = resource("AWS::SageMaker::EndpointConfig", changed(CONFIG, COUNT, 1))
    register = resource("AWS::Lambda::Function", {"Environment": {"Variables": {"APPROVAL_STATUS": "Approved"}}})
    for rule, resources in (("ML-8.two-instances", {"C": one}), ("ML-9.no-auto-approval", {"F": register})):
        assert not failed(rule, resources, stage="dev")
        assert failed(rule, resources, stage="prod")
        assert failed(rule, resources, stage=None)


def test_only_approved_packages_start_a_deployment() -> None:
    pattern = {
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelApprovalStatus": ["Approved"]},
    }
    for broken in (DELETED, ["Approved", "PendingManualApproval"]):
        bad = changed(pattern, "detail.ModelApprovalStatus", broken)
        assert failed("ML-9.deploys-approved-only", {"R": resource("AWS::Events::Rule", {"EventPattern": bad})})
    assert passes("ML-9.deploys-approved-only", {"R": resource("AWS::Events::Rule", {"EventPattern": pattern})})


def _watched() -> dict[str, Any]:
    monitor = calls("sagemaker:createProcessingJob.sync", PROCESSING, Comment="Monitor")
    target = {"Arn": {"Ref": "Monitor"}}
    return {
        "Monitor": monitor,
        "Daily": resource("AWS::Scheduler::Schedule", {"ScheduleExpression": "rate(1 day)", "Target": target}),
        "Deploy": workflow({"Go": task("sagemaker:createEndpoint", {"EndpointName": "e"}, Next="Done")}),
    }


def test_an_endpoint_without_monitor_is_found() -> None:
    watched = _watched()
    assert passes("ML-4.monitor-present", watched)
    del watched["Monitor"]
    assert failed("ML-4.monitor-present", watched) == {("Deploy", "Go")}


@pytest.mark.parametrize(("path", "value"), [("State", "DISABLED"), ("ScheduleExpression", DELETED), ("Target", {})])
def test_a_monitor_nobody_starts_is_found(path: str, value: Any) -> None:
    watched = _watched()
    assert passes("ML-4.monitor-scheduled", watched)
    watched["Daily"] = changed(watched["Daily"], f"Properties.{path}", value)
    assert failed("ML-4.monitor-scheduled", watched) == {("Monitor", "")}


@pytest.mark.parametrize(("position", "detail"), [(0, "capture"), (1, "baseline")])
def test_a_monitor_that_does_not_read_capture_or_baseline_is_found(position: int, detail: str) -> None:
    body = changed(PROCESSING, f"ProcessingInputs.{position}", DELETED)
    assert passes("ML-4.monitor-inputs", _watched())
    machine = calls("sagemaker:createProcessingJob.sync", body, Comment="Monitor")
    assert failed("ML-4.monitor-inputs", {"M": machine}) == {("M", detail)}


def test_a_definition_no_schedule_runs_is_found() -> None:
    config = {"MonitoringJobDefinitionName": "quality", "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}}
    both = {
        "D": resource("AWS::SageMaker::DataQualityJobDefinition", {"JobDefinitionName": "quality", **JOB}),
        "S": resource("AWS::SageMaker::MonitoringSchedule", {"MonitoringScheduleConfig": config}),
    }
    assert passes("ML-4.monitor-scheduled", both)
    assert failed("ML-4.monitor-scheduled", {"D": both["D"]}) == {("D", "")}


@pytest.mark.parametrize(
    "condition",
    [{"Condition": "{% $approval = 'Approved' %}"}, {"Variable": "$.Status", "StringEquals": "Approved"}],
)
def test_a_workflow_creates_no_model_past_the_approval(condition: dict[str, Any]) -> None:
    rule, create = "ML-9.workflow-asks-approval", task("sagemaker:createModel", {"ModelName": "m"}, Next="Done")
    asked = {"Type": "Choice", "Choices": [{**condition, "Next": "Create"}], "Default": "Failed"}
    assert passes(rule, {"M": workflow({"Asked": asked, "Create": create})})
    for broken in (
        changed(asked, "Default", "Create"),
        changed(asked, "Choices.0", {"Condition": "{% true %}", "Next": "Create"}),
        changed(asked, "Choices.0", {"Condition": "{% $approval != 'Approved' %}", "Next": "Create"}),
    ):
        assert failed(rule, {"M": workflow({"Asked": broken, "Create": create})}) == {("M", "Create")}
    assert failed(rule, {"M": workflow({"Create": create})}) == {("M", "Create")}
