"""What the deploy workflow, the endpoint's alarms and its teardown promise."""

import json

import pytest

from mlops_constructs.serving import Autoscaling, Fleet, Rollout, ServingPlan
from tests.unit.jsonata_asl import evaluate
from tests.unit.ml_stack import actions, allowed_on, as_list, only, resources, statements, template, workflow

ENDPOINT = "arn:aws:sagemaker:eu-west-1:111111111111:endpoint/churn-test"
EVENT = {"detail": {"ModelPackageArn": "arn:m/2"}}
BY_HAND = {"model_package_arn": "arn:m/2"}
MISSING = 'An error occurred: Could not find endpoint "arn:aws:sagemaker:eu-west-1:1:endpoint/churn-test".'


def states() -> dict:
    return workflow("Deploy")["States"]


def follow(name: str, /, started_with: dict | None = None, **variables) -> str:
    """Where a Choice leads with these variables, in an execution started with this input."""
    context = {"Execution": {"Input": started_with or {}}}
    for rule in states()[name]["Choices"]:
        if evaluate(rule["Condition"], variables=variables, context=context):
            return rule["Next"]
    return states()[name]["Default"]


def test_an_approval_in_this_group_starts_the_workflow():
    rule = only("AWS::Events::Rule", "ModelApproved")
    assert "EventBusName" not in rule
    assert rule["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": ["churn-test"], "ModelApprovalStatus": ["Approved"]},
    }
    assert rule["Targets"][0]["DeadLetterConfig"]


@pytest.mark.parametrize(
    "given", [{"detail": {"ModelPackageArn": "arn:m/1"}}, {"model_package_arn": "arn:m/1"}], ids=["event", "by hand"]
)
def test_the_package_comes_from_the_event_or_from_hand(given):
    assert evaluate(states()["Begin"]["Assign"]["package"], input=given) == "arn:m/1"


def test_an_input_without_a_package_does_not_break_the_first_state():
    assert evaluate(states()["Begin"]["Assign"]["package"], input={}) == ""


def test_only_approved_packages_are_deployed():
    assert follow("PackageApproved", approval="Approved") == "OriginKnown"
    assert follow("PackageApproved", approval="PendingManualApproval") == "NotApproved"


@pytest.mark.parametrize(
    ("containers", "metadata", "next"),
    [
        ([{"Image": "i:1", "ModelDataUrl": "s3://b/m"}], {"training_job": "t"}, "InspectEndpoint"),
        ([{"Image": "i:2", "ModelDataUrl": "s3://b/m"}], {"training_job": "t"}, "PackageChanged"),
        ([{"Image": "i:1", "ModelDataUrl": "s3://b/n"}], {"training_job": "t"}, "PackageChanged"),
        ([{"Image": "i:1"}], {"training_job": "t"}, "PackageChanged"),
        ([{"Image": "i:1", "ModelDataUrl": "s3://b/m"}] * 2, {"training_job": "t"}, "PackageChanged"),
        ([{"Image": "i:2", "ModelDataUrl": "s3://b/m"}], {}, "InspectEndpoint"),
        ([{"Image": "i:2", "ModelDataUrl": "s3://b/m"}], None, "InspectEndpoint"),
    ],
)
def test_what_serves_is_what_the_training_job_made(containers, metadata, next):
    package = {"ModelPackageVersion": 1, "InferenceSpecification": {"Containers": containers}}
    if metadata is not None:
        package["CustomerMetadataProperties"] = metadata
    job = {"AlgorithmSpecification": {"TrainingImage": "i:1"}, "ModelArtifacts": {"S3ModelArtifacts": "s3://b/m"}}
    training_job = assigned("DescribePackage", "training_job", result=package)
    content = assigned("DescribePackage", "content", result=package)
    made = assigned("DescribeTraining", "made", result=job)
    if follow("OriginKnown", training_job=training_job) == "InspectEndpoint":
        assert next == "InspectEndpoint"
    else:
        assert follow("PackageIntact", content=content, made=made) == next


def test_the_model_is_isolated_and_knows_its_version():
    model = states()["CreateModel"]["Arguments"]
    assert model["EnableNetworkIsolation"] is True
    assert model["VpcConfig"] == {"SecurityGroupIds": ["sg-11111111"], "Subnets": ["subnet-11111111"]}
    assert set(model["PrimaryContainer"]["Environment"]) == {"MODEL_PACKAGE_VERSION", "MODEL_PACKAGE_ARN"}


def test_requests_and_answers_are_captured_whole_and_encrypted():
    config = states()["CreateEndpointConfig"]["Arguments"]
    capture = config["DataCaptureConfig"]
    assert capture["EnableCapture"] is True
    assert capture["InitialSamplingPercentage"] == 100
    assert {option["CaptureMode"] for option in capture["CaptureOptions"]} == {"Input", "Output"}
    assert "KeysModels" in config["KmsKeyId"]
    assert capture["KmsKeyId"]


def assigned(state: str, variable: str, **given):
    return evaluate(states()[state]["Assign"][variable], **given)


def test_models_and_configs_are_named_by_version_and_execution():
    assert states()["CreateModel"]["Arguments"]["ModelName"] == "{% $name %}"
    assert states()["CreateEndpointConfig"]["Arguments"]["EndpointConfigName"] == "{% $name %}"
    given = {"result": {"ModelPackageVersion": 12}, "context": {"Execution": {"Name": "e-1"}}}
    assert assigned("DescribePackage", "name", **given) == "churn-test-v12-e-1"
    assert assigned("DescribePackage", "versioned", **given) == "churn-test-v12-"


def test_an_endpoint_that_does_not_exist_is_created():
    catcher = states()["InspectEndpoint"]["Catch"][0]
    assert catcher["Next"] == "EndpointMissing"
    assert follow("EndpointMissing", failure={"cause": MISSING}, looks=0) == "NothingServes"
    assert assigned("NothingServes", "former_config") == ""
    assert states()["NothingServes"]["Next"] == "CreateModel"
    assert follow("HasEndpoint", former_config="") == "CreateEndpoint"
    assert follow("HasEndpoint", former_config="old") == "UpdateEndpoint"


def test_another_error_of_the_endpoint_is_not_taken_for_absence():
    assert follow("EndpointMissing", failure={"cause": "Rate exceeded"}, looks=0) == "HasFailed"


@pytest.mark.parametrize(
    ("status", "looks", "next_state"),
    [
        ("InService", 0, "CreateModel"),
        ("Updating", 0, "WaitForIdle"),
        ("Deleting", 0, "WaitForIdle"),
        ("Updating", 10**6, "NotUpdatable"),
        ("Failed", 0, "NotUpdatable"),
    ],
)
def test_a_deployment_waits_while_somebody_changes_the_endpoint(status, looks, next_state):
    names = {"name": "churn-test-v2-own", "live_config": "churn-test-v1-old"}
    assert follow("EndpointIdle", EVENT, status=status, looks=looks, keep=False, **names) == next_state


@pytest.mark.parametrize(
    ("live", "started_with", "next_state"),
    [
        ("churn-test-v2-own", EVENT, "OwnAlready"),
        ("churn-test-v2-own", BY_HAND, "OwnAlready"),
        ("churn-test-v2-other", EVENT, "ServesAlready"),
        ("churn-test-v2-other", BY_HAND, "CreateModel"),
        ("churn-test-v20-other", EVENT, "CreateModel"),
        ("made-by-hand", EVENT, "CreateModel"),
    ],
)
def test_what_serves_already_is_not_deployed_again_by_an_event(live, started_with, next_state):
    names = {"name": "churn-test-v2-own", "versioned": "churn-test-v2-"}
    keep = assigned("InspectEndpoint", "keep", result={"EndpointConfigName": live}, variables={**names, "keep": False})
    variables = {**names, "live_config": live, "keep": keep}
    assert follow("EndpointIdle", started_with, status="InService", looks=0, **variables) == next_state


@pytest.mark.parametrize(
    ("live", "known", "keep"),
    [
        ("churn-test-v2-other", True, True),
        ("churn-test-v20-other", True, False),
        # What this execution brought there itself says nothing new.
        ("churn-test-v2-own", False, False),
        ("churn-test-v2-own", True, True),
    ],
)
def test_a_version_stays_approved_when_it_served_before_this_deployment(live, known, keep):
    variables = {"name": "churn-test-v2-own", "versioned": "churn-test-v2-", "keep": known}
    assert assigned("InspectEndpoint", "keep", result={"EndpointConfigName": live}, variables=variables) is keep
    assert states()["Begin"]["Assign"]["keep"] is True
    assert states()["NothingServes"]["Assign"]["keep"] is False
    for ending, event, rejection in (
        ("HasFailed", "EmitFailed", "RejectFailed"),
        ("WasRolledBack", "EmitRolledBack", "RejectRolledBack"),
    ):
        assert follow(ending, keep=keep) == (event if keep else rejection)


@pytest.mark.parametrize(("live", "former"), [("old", "old"), ("own", "before")])
def test_an_own_config_is_never_what_is_restored(live, former):
    given = {"result": {"EndpointConfigName": live}, "variables": {"name": "own", "former_config": "before"}}
    assert assigned("InspectEndpoint", "former_config", **given) == former


@pytest.mark.parametrize(
    ("older_runs", "looks", "next_state"),
    [(False, 10**6, "DescribePackage"), (True, 0, "WaitForTurn"), (True, 10**6, "TurnNeverCame")],
)
def test_a_deployment_waits_for_its_turn(older_runs, looks, next_state):
    assert follow("OurTurn", older_runs=older_runs, looks=looks) == next_state


def test_a_turn_outlasts_the_longest_deployment_that_began_before():
    rollout = Rollout()
    assert rollout.turns * rollout.poll_seconds >= 3 * rollout.longest_seconds


def test_the_workflow_lists_its_own_executions_only():
    (listing,) = [p for p in resources("AWS::IAM::Policy").values() if "states:ListExecutions" in json.dumps(p)]
    (statement,) = listing["PolicyDocument"]["Statement"]
    assert statement["Action"] == "states:ListExecutions"
    assert "ServingDeployStateMachine" in statement["Resource"]["Ref"]
    assert ["ServingDeployRole" in role["Ref"] for role in listing["Roles"]] == [True]


@pytest.mark.parametrize(
    ("state", "cause", "next_state"),
    [
        ("ModelRefused", 'Cannot create already existing model "arn".', "CreateEndpointConfig"),
        ("ConfigRefused", 'Cannot create already existing endpoint configuration "arn".', "ReadFreeze"),
        ("EndpointRefused", 'Cannot create already existing endpoint "arn".', "WaitForIdle"),
        ("UpdateRefused", 'Cannot update in-progress endpoint "arn".', "WaitForIdle"),
    ],
)
def test_a_refusal_is_told_from_other_errors_by_its_cause(state, cause, next_state):
    assert follow(state, failure={"cause": cause}, looks=0) == next_state
    assert follow(state, failure={"cause": "Rate exceeded"}, looks=0) == "HasFailed"


@pytest.mark.parametrize(
    ("status", "looks", "next_state"),
    [
        ("InService", 0, "LiveConfigCheck"),
        ("Creating", 0, "WaitForEndpoint"),
        ("RollingBack", 3, "WaitForEndpoint"),
        ("Updating", 10**6, "EndpointBroken"),
        ("Failed", 0, "EndpointBroken"),
        ("UpdateRollbackFailed", 0, "EndpointBroken"),
    ],
)
def test_waiting_ends_for_every_status(status, looks, next_state):
    assert follow("EndpointSettled", status=status, looks=looks) == next_state


def test_a_new_endpoint_that_does_not_serve_is_removed():
    assert states()["CreateEndpoint"]["Assign"]["created"] is True
    assert follow("Abandon", created=True) == "LookBeforeRemoval"
    assert follow("Abandon", created=False) == "HasFailed"


@pytest.mark.parametrize(
    ("status", "config", "next_state"),
    [
        ("InService", "own", "RemoveEndpoint"),
        ("Creating", "own", "RemoveEndpoint"),
        ("Failed", "own", "RemoveEndpoint"),
        ("InService", "other", "EndpointTaken"),
        ("Updating", "own", "EndpointTaken"),
    ],
)
def test_an_endpoint_that_somebody_else_changes_is_not_removed(status, config, next_state):
    assert follow("StillOurs", status=status, live_config=config, name="own") == next_state


def test_the_workflow_deletes_its_own_endpoint_and_configs_only():
    assert allowed_on("ServingDeployRole", "sagemaker:DeleteEndpoint") == [ENDPOINT]
    configs = ENDPOINT.replace(":endpoint/", ":endpoint-config/") + "-v*"
    assert allowed_on("ServingDeployRole", "sagemaker:DeleteEndpointConfig") == [configs]


@pytest.mark.parametrize(
    ("live", "next_state"),
    [
        ({"live": True, "endpoint_status": "InService"}, "SmokeTest"),
        ({"live": False, "endpoint_status": "InService"}, "UpdateRolledBack"),
        ({"live": False, "endpoint_status": "Failed"}, "ConfigNotLive"),
    ],
)
def test_a_silent_rollback_is_noticed(live, next_state):
    assert follow("ConfigIsLive", live=live) == next_state


def test_a_failed_smoke_test_brings_the_former_config_back():
    assert follow("SmokeTestPassed", smoke={"passed": False}) == "SmokeTestFailed"
    assert states()["SmokeTest"]["Catch"][-1]["Next"] == "HasFormerConfig"
    assert follow("HasFormerConfig", former_config="old") == "RestorePrevious"
    assert follow("HasFormerConfig", former_config="") == "Abandon"
    assert follow("FormerConfigIsLive", live_config="old", former_config="old") == "WasRolledBack"
    assert follow("FormerConfigIsLive", live_config="new", former_config="old") == "RestoreFailed"


def test_the_workflow_may_reject_versions_but_never_approve_one():
    packages = ["arn:aws:sagemaker:eu-west-1:111111111111:model-package/churn-test/*"]
    assert allowed_on("ServingDeployRole", "sagemaker:UpdateModelPackage") == packages
    updating = [s for s in statements("ServingDeployRole") if "sagemaker:UpdateModelPackage" in as_list(s["Action"])]
    assert [s["Condition"]["StringEquals"] for s in updating] == [{"sagemaker:ModelApprovalStatus": ["Rejected"]}]
    assert updating[0]["Condition"]["Null"]["sagemaker:CustomerMetadataProperties/training_job"] == "true"


def test_updates_keep_the_count_that_autoscaling_chose():
    for name in ("UpdateEndpoint", "RestorePrevious"):
        assert states()[name]["Arguments"]["RetainAllVariantProperties"] is True


def test_updates_are_canaries_that_alarms_roll_back():
    config = states()["UpdateEndpoint"]["Arguments"]["DeploymentConfig"]
    routing = config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == "CANARY"
    assert len(config["AutoRollbackConfiguration"]["Alarms"]) == 2


def test_rollback_alarms_watch_errors_and_latency_of_this_endpoint():
    alarms = [a for name, a in resources("AWS::CloudWatch::Alarm").items() if a.get("Namespace") == "AWS/SageMaker"]
    assert {alarm["MetricName"] for alarm in alarms} == {"Invocation5XXErrors", "ModelLatency"}
    for alarm in alarms:
        assert {"Name": "EndpointName", "Value": "churn-test"} in alarm["Dimensions"]
        assert alarm["TreatMissingData"] == "notBreaching"


def test_the_model_may_look_at_its_rollback_alarms_only():
    assert len(allowed_on("ServingModelRole", "cloudwatch:DescribeAlarms")) == 2


def test_the_model_writes_only_its_own_captures():
    written = allowed_on("ServingModelRole", "s3:PutObject")
    assert written
    assert all(arn.endswith("/churn/churn-test/*") for arn in written)


def test_the_workflow_changes_only_its_own_endpoint():
    assert allowed_on("ServingDeployRole", "sagemaker:DeleteEndpoint") == [ENDPOINT]
    assert ENDPOINT in allowed_on("ServingDeployRole", "sagemaker:UpdateEndpoint")


def test_scaling_is_limited_to_instance_counts_of_variants():
    scaling = [s for s in statements("ServingDeployRole") if "application-autoscaling" in json.dumps(s["Action"])]
    conditions = {json.dumps(s["Condition"], sort_keys=True) for s in scaling}
    assert conditions == {
        json.dumps(
            {
                "StringEquals": {
                    "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
                    "application-autoscaling:service-namespace": "sagemaker",
                }
            }
        )
    }


def test_each_ending_is_one_declared_event():
    emitted = {
        s.get("Arguments", {}).get("Payload", {}).get("detail_type")
        for s in states().values()
        if isinstance(s.get("Arguments", {}).get("Payload"), dict)
    }
    assert emitted - {None} == {"Deployment Succeeded", "Deployment Rolled Back", "Deployment Failed"}


def test_the_champion_is_published_only_after_the_checks():
    assert not [name for name, state in states().items() if state.get("Next") == "PublishChampion"]
    assert follow("SmokeTestPassed", smoke={"passed": True}) == "PublishChampion"
    assert follow("SmokeTestPassed", smoke={"passed": False}) == "SmokeTestFailed"


def test_a_version_that_serves_is_the_champion_though_its_scaling_fails():
    assert states()["PublishChampion"]["Next"] == "RegisterScaling"
    assert states()["PutScalingPolicy"]["Next"] == "EmitSucceeded"


def test_what_a_deployment_and_people_write_is_never_written_by_cloudformation():
    made = [each for name, each in resources("Custom::LiveParameter").items() if name.startswith("Serving")]
    assert {each["Name"]: each["FirstValue"] for each in made} == {
        "/mlops/test/churn/champion": "none",
        "/mlops/test/churn/promotion-freeze": "off",
        "/mlops/test/churn/detached-endpoint": "none",
    }
    assert not resources("AWS::SSM::Parameter")


def test_the_workflow_goes_before_the_parameters_that_it_writes():
    (machine,) = [
        resource
        for name, resource in template()["Resources"].items()
        if resource["Type"] == "AWS::StepFunctions::StateMachine" and name.startswith("Serving")
    ]
    assert any(name.startswith("ServingChampion") for name in machine["DependsOn"])


def test_the_workflow_writes_the_champion_only():
    (written,) = allowed_on("ServingDeployRole", "ssm:PutParameter")
    (read,) = allowed_on("ServingDeployRole", "ssm:GetParameter")
    assert written.endswith(":parameter/mlops/test/churn/champion")
    assert read.endswith(":parameter/mlops/test/churn/promotion-freeze")


def test_teardown_keeps_versions_where_the_stack_keeps_data():
    variables = only("AWS::Lambda::Function", "EndpointTeardown")["Environment"]["Variables"]
    assert variables["RETAIN_MODELS"] == "true"
    assert "sagemaker:DeleteModelPackage" not in actions("ServingEndpointTeardownRole")


def test_teardown_comes_before_what_the_endpoint_uses():
    (resource,) = [r for r in template()["Resources"].values() if r["Type"] == "Custom::EndpointTeardown"]
    assert any("ServingModelRole" in each for each in resource["DependsOn"])
    assert any("ServingLatency" in each for each in resource["DependsOn"])


def test_one_instance_cannot_be_a_canary():
    routing = Rollout().deployment_config(["a"], instance_count=1)["BlueGreenUpdatePolicy"]
    assert routing["TrafficRoutingConfiguration"]["Type"] == "ALL_AT_ONCE"


@pytest.mark.parametrize(
    ("instances", "size"),
    [(2, ("INSTANCE_COUNT", 1)), (4, ("INSTANCE_COUNT", 1)), (5, ("CAPACITY_PERCENT", 20))],
)
def test_a_canary_is_never_less_than_an_instance(instances, size):
    routing = Rollout(canary_percent=20).deployment_config(["a"], instance_count=instances)["BlueGreenUpdatePolicy"]
    canary = routing["TrafficRoutingConfiguration"]["CanarySize"]
    assert (canary["Type"], canary["Value"]) == size


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: Rollout(canary_percent=51), "to 50"),
        (lambda: Rollout(bake_seconds=3601), "an hour at most"),
        (lambda: Rollout(poll_seconds=0), "at least 1"),
        (lambda: Fleet(instance_type="ml.m5.large", instance_count=0), "at least 1"),
        (lambda: Fleet(instance_type="m5.large", instance_count=1), "ml.m5.large"),
        (lambda: Fleet(instance_type="ml.m5.large", instance_count=1, capture_percent=0), "needs captures"),
        (lambda: Autoscaling(minimum=3, maximum=2, invocations_per_instance=1), "1 to maximum"),
        (
            lambda: ServingPlan(
                fleet=Fleet(instance_type="ml.m5.large", instance_count=1),
                autoscaling=Autoscaling(minimum=2, maximum=4, invocations_per_instance=10),
                smoke_payload="x",
            ),
            "within autoscaling's 2 to 4",
        ),
    ],
)
def test_impossible_plans_are_refused(make, remedy):
    with pytest.raises(ValueError, match=remedy):
        make()
