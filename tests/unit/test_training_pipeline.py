"""What the train workflow, its roles and its jobs promise."""

import json
import math

import jsonata
import pytest

from mlops_constructs.training import ContainerImage, PromotionPolicy, TrainingRecipe
from mlops_constructs.training.jobs import JOB_FAILURE, JobCompute, environment_pieces
from mlops_constructs.training.metrics import RANGES
from mlops_runtime.evaluation import MAXIMISED, MINIMISED
from tests.definitions import states as every_state
from tests.unit.jsonata_asl import evaluate
from tests.unit.ml_stack import COMPUTE, SPEC, actions, allowed_on, as_list, only, statements, template, workflow


def jobs() -> list[dict]:
    """Arguments of every SageMaker job of the train workflow."""
    found = [state for _, state, _ in every_state(workflow("Train"))]
    return [s["Arguments"] for s in found if s.get("Resource", "").endswith(".sync")]


def states() -> dict:
    return workflow("Train")["States"]


def test_there_are_five_jobs():
    names = {job.get("ProcessingJobName") or job["TrainingJobName"] for job in jobs()}
    assert len(names) == len(jobs()) == 5


def test_every_job_is_isolated_and_inside_the_network():
    for job in jobs():
        place = job.get("NetworkConfig", job)
        assert place["EnableNetworkIsolation"] is True
        assert place["EnableInterContainerTrafficEncryption"] is True
        assert place["VpcConfig"] == {"SecurityGroupIds": ["sg-11111111"], "Subnets": ["subnet-11111111"]}


def test_volumes_and_outputs_are_encrypted_with_the_models_key():
    for job in jobs():
        cluster = job.get("ResourceConfig") or job["ProcessingResources"]["ClusterConfig"]
        output = job.get("OutputDataConfig") or job["ProcessingOutputConfig"]
        assert "KeysModels" in cluster["VolumeKmsKeyId"]
        assert "KeysModels" in output["KmsKeyId"]


def test_every_job_is_stopped_after_its_longest_runtime():
    assert {job["StoppingCondition"]["MaxRuntimeInSeconds"] for job in jobs()} == {3600}


def package(version: int, data: str | None = None) -> dict:
    """What is kept of a described package."""
    arn = f"arn:m/{version}"
    return {
        "model_package_arn": arn,
        "version": version,
        "image": f"image-{version}",
        "data": data or f"s3://{version}",
    }


def contestants(*champions: dict) -> list[dict]:
    variables = {"champions": list(champions), "model": {"data": "s3://new"}}
    return evaluate(states()["Evaluate"]["Items"], variables=variables)


@pytest.mark.parametrize("champions", [[], [package(3)], [package(3), package(2), package(1)]])
def test_everyone_is_judged_by_the_image_of_its_own_package(champions):
    judged = contestants(*champions)
    assert [each["who"] for each in judged] == ["challenger", "champion", "former-2", "former-1"][: 1 + len(champions)]
    assert judged[0]["data"] == "s3://new"
    assert judged[0]["image"].endswith("images:model")
    assert [each["image"] for each in judged[1:]] == [each["image"] for each in champions]


def test_everyone_is_judged_on_the_same_holdout():
    job = states()["Evaluate"]["ItemProcessor"]["States"]["EvaluateModel"]["Arguments"]
    assert job["AppSpecification"]["ImageUri"] == "{% $states.input.image %}"
    model, holdout = (each["S3Input"]["S3Uri"] for each in job["ProcessingInputs"])
    assert model == "{% $states.input.data %}"
    assert (
        evaluate(holdout, variables={"run": "s3://runs/r"}, input={"who": "champion"})
        == "s3://runs/r/features/holdout/"
    )


def test_each_evaluation_has_a_job_and_a_folder_of_its_own():
    step = states()["Evaluate"]["ItemProcessor"]["States"]["EvaluateModel"]
    context, variables = {"Execution": {"Name": "run-7"}}, {"run": "s3://runs/run-7"}
    names, uris = set(), set()
    for each in contestants(package(3), package(2), package(1)):
        names.add(evaluate(step["Arguments"]["ProcessingJobName"], input=each, context=context))
        uris.add(evaluate(step["Output"], input=each, variables=variables)["uri"])
    whos = ("challenger", "champion", "former-2", "former-1")
    assert names == {f"churn-test-{who}-run-7" for who in whos}
    assert uris == {f"s3://runs/run-7/evaluation/{who}/evaluation.json" for who in whos}


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_the_challenge_is_told_who_is_who(count):
    champions = [package(version) for version in range(count, 0, -1)]
    result = [{**each, "uri": f"s3://{each['who']}"} for each in contestants(*champions)]
    assign = states()["Evaluate"]["Assign"]
    assert evaluate(assign["challenger_uri"], result=result) == "s3://challenger"
    assert evaluate(assign["champion_uri"], result=result) == ("s3://champion" if count else None)
    assert evaluate(assign["former"], result=result) == [
        {"uri": f"s3://former-{version}", "model_package_arn": f"arn:m/{version}", "version": version}
        for version in range(count - 1, 0, -1)
    ]


@pytest.mark.parametrize(
    ("listed", "kept"),
    [
        ([], []),
        ([package(1)], [1]),
        ([package(2), package(1)], [2, 1]),
        # Version 4 brought the model of version 1 back: it is one model, and the newer version speaks for it.
        ([package(4, "s3://1"), package(3), package(2), package(1)], [4, 3, 2]),
        ([package(version) for version in range(7, 0, -1)], [7, 6, 5, 4]),
        (
            [package(7, "s3://a"), package(6, "s3://b"), package(5, "s3://a"), package(4), package(3), package(2)],
            [7, 6, 4, 3],
        ),
    ],
)
def test_each_model_competes_once(listed, kept):
    chosen = evaluate(states()["DescribeChampions"]["Assign"]["champions"], result=listed)
    assert [each["version"] for each in chosen] == kept


@pytest.mark.parametrize(
    ("served", "approved", "competing"),
    [
        ("none", [], []),
        ("none", [1], [1]),
        ("none", [3, 2, 1], [3, 2, 1]),
        (1, [1], [1]),
        (3, [3, 2, 1], [3, 2, 1]),
        # Younger ones wait for their deployment, or a person left them for version 2.
        (2, [4, 3, 2, 1], [2, 1]),
        # What serves competes though it is so old that it is not listed, or was refused meanwhile.
        (1, [9, 8, 7], [1]),
        (1, [], [1]),
        (10, [11, 9, 8], [10, 9, 8]),
        # Twice as many as are judged, as some may hold the same model.
        (9, [9, 8, 7, 6, 5, 4, 3, 2, 1], [9, 8, 7, 6, 5, 4, 3]),
        ("none", [9, 8, 7, 6, 5, 4, 3, 2, 1], [9, 8, 7, 6, 5, 4, 3]),
    ],
)
def test_the_champion_is_what_serves(served, approved, competing):
    summaries = [{"ModelPackageArn": f"arn:m/{version}", "ModelPackageVersion": version} for version in approved]
    listed = {"ModelPackageSummaryList": summaries}
    serving = served if served == "none" else f"arn:m/{served}"
    found = evaluate(states()["FindChampions"]["Assign"]["found"], variables={"served": serving}, result=listed)
    assert found == [f"arn:m/{version}" for version in competing]


def test_what_serves_is_read_from_the_parameter_that_deployments_write():
    read = states()["ReadChampion"]
    assert read["Arguments"] == {"Names": [only("Custom::LiveParameter", "Champion")["Name"]]}
    (arn,) = allowed_on("TrainingTrainRole", "ssm:GetParameters")
    assert arn.endswith(":parameter/mlops/test/churn/champion")


@pytest.mark.parametrize(
    ("answer", "served"),
    [
        ({"Parameters": [{"Value": "arn:m/3"}], "InvalidParameters": []}, "arn:m/3"),
        ({"Parameters": [{"Value": "none"}], "InvalidParameters": []}, "none"),
        ({"Parameters": [], "InvalidParameters": ["/mlops/test/churn/champion"]}, "none"),
    ],
)
def test_a_champion_that_was_never_written_is_none(answer, served):
    assert evaluate(states()["ReadChampion"]["Assign"]["served"], result=answer) == served


def test_enough_versions_are_listed_to_find_the_former_champions():
    arguments = states()["FindChampions"]["Arguments"]
    assert arguments["MaxResults"] == 100  # the most that one answer holds; younger ones than the champion are left out
    assert (arguments["ModelApprovalStatus"], arguments["SortOrder"]) == ("Approved", "Descending")


def test_a_reinstated_version_keeps_the_origin_of_its_model():
    assign = states()["DescribeFormer"]["Assign"]
    described = {
        "InferenceSpecification": {"Containers": [{"Image": "i", "ModelDataUrl": "s3://m"}]},
        "DriftCheckBaselines": {"ModelDataQuality": {"Statistics": {"S3Uri": "s3://r/baseline/statistics.json"}}},
        "CustomerMetadataProperties": {"run_id": "run-1", "snapshot_id": "s-1"},
    }
    variables = {name: evaluate(expression, result=described) for name, expression in assign.items()}
    assert (variables["image"], variables["data"], variables["baseline_uri"]) == ("i", "s3://m", "s3://r/baseline/")
    payload = states()["Reinstate"]["Arguments"]["Payload"]
    assert evaluate(payload["run_id"], variables=variables) == "run-1"
    assert evaluate(payload["snapshot_id"], variables=variables) == "s-1"


def test_nothing_is_trained_for_a_former_champion():
    rules = {rule["Condition"]: rule["Next"] for rule in states()["Promoted"]["Choices"]}
    assert rules["{% $verdict.verdict = 'reinstate' %}"] == "DescribeFormer"
    assert states()["DescribeFormer"]["Next"] == "Reinstate"


@pytest.mark.parametrize("count", [-1, 13])
def test_a_number_of_former_champions_nobody_pays_for_is_refused(count):
    image = ContainerImage(uri="registry/model:1", repository=None)
    with pytest.raises(ValueError, match="0 to 12"):
        TrainingRecipe(
            image=image,
            monitor_image=image,
            sources=("events",),
            train_days=1,
            holdout_days=1,
            compute=COMPUTE,
            hyperparameters={},
            monitor_environment={},
            former_champions=count,
        )


def test_the_winner_is_refit_on_training_and_holdout_rows():
    refit = workflow("Train")["States"]["Refit"]["Arguments"]
    assert [channel["ChannelName"] for channel in refit["InputDataConfig"]] == ["train", "holdout"]
    assert "refit" in refit["TrainingJobName"]


def test_each_ending_is_one_declared_event():
    states = workflow("Train")["States"].values()
    emitted = {s["Arguments"]["Payload"].get("detail_type") for s in states if "lambda" in s.get("Resource", "")}
    assert emitted - {None} == {"Model Registered", "Model Rejected", "Training Failed"}


def test_a_lost_failure_event_ends_the_execution_instead_of_looping():
    lost = workflow("Train")["States"]["EmitFailed"]
    assert [rule["Next"] for rule in lost["Catch"]] == ["Failed"] == [lost["Next"]]


def test_training_jobs_never_see_the_curated_zone():
    read = allowed_on("TrainingTrainingRole", "s3:GetObject")
    assert read
    assert not [arn for arn in read if "Curated" in arn]


def test_jobs_write_only_below_the_runs_of_the_workload():
    for role in ("TrainingTrainingRole", "TrainingProcessingRole"):
        assert allowed_on(role, "s3:PutObject")
        assert all(arn.endswith("/churn/runs/*") for arn in allowed_on(role, "s3:PutObject"))


def test_roles_are_passed_to_sagemaker_only():
    passing = [s for s in statements("TrainingTrainRole") if "iam:PassRole" in as_list(s["Action"])]
    assert passing
    for statement in passing:
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        assert "*" not in json.dumps(statement["Resource"])


def test_the_workflow_starts_jobs_of_its_own_name_only():
    for action, kind in (("CreateTrainingJob", "training-job"), ("CreateProcessingJob", "processing-job")):
        expected = [f"arn:aws:sagemaker:eu-west-1:111111111111:{kind}/churn-test-*"]
        assert allowed_on("TrainingTrainRole", f"sagemaker:{action}") == expected


def test_waiting_for_a_job_needs_the_rules_step_functions_makes():
    rules = allowed_on("TrainingTrainRole", "events:PutRule")
    assert {arn.rsplit("/", 1)[-1] for arn in rules} == {
        "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
        "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    }


def test_keys_are_granted_to_services_only():
    for role in ("TrainingTrainRole", "TrainingTrainingRole", "TrainingProcessingRole"):
        granting = [s for s in statements(role) if "kms:CreateGrant" in as_list(s["Action"])]
        assert granting
        assert all(s["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}} for s in granting)


def test_no_role_of_training_administers_anything():
    for role in ("TrainingTrainRole", "TrainingTrainingRole", "TrainingProcessingRole"):
        assert not [action for action in actions(role) if action.endswith("*")]


def test_job_roles_trust_sagemaker_of_this_account_only():
    trust = only("AWS::IAM::Role", "TrainingTrainingRole")["AssumeRolePolicyDocument"]["Statement"]
    assert [s["Condition"] for s in trust] == [{"StringEquals": {"aws:SourceAccount": "111111111111"}}]


def test_the_registry_outlives_its_stack():
    groups = [r for r in template()["Resources"].values() if r["Type"] == "AWS::SageMaker::ModelPackageGroup"]
    assert [group["DeletionPolicy"] for group in groups] == ["Retain"]


def test_a_person_approves_unless_the_policy_says_otherwise():
    variables = only("AWS::Lambda::Function", "RegisterModel")["Environment"]["Variables"]
    assert variables["APPROVAL_STATUS"] == "PendingManualApproval"


def test_a_failed_evaluation_says_whose_it_was():
    steps = states()["Evaluate"]["ItemProcessor"]["States"]
    remembered = steps["EvaluateModel"]["Catch"][0]["Output"]
    given = {"who": "former-2", "data": "s3://gone"}
    error = {"Error": "States.TaskFailed", "Cause": "no such key"}
    failure = evaluate(remembered["failure"], error=error, context={"State": {"Name": "EvaluateModel"}})
    handed = {"failure": failure, "who": evaluate(remembered["who"], input=given)}
    assert evaluate(steps["EvaluateModelFailed"]["Cause"], input=handed) == "EvaluateModel: former-2: no such key"


def test_every_job_of_the_workflow_is_named_by_its_attempt():
    names = [each.get("TrainingJobName") or each["ProcessingJobName"] for each in jobs()]
    assert names
    assert all("State.RetryCount" in name and "Execution.RedriveCount" in name for name in names)


def test_a_failed_job_is_explained_by_its_own_reason():
    cause = json.dumps({"Big": "x" * 5000, "FailureReason": 'AlgorithmError: no "late" column', "End": 1})
    error = {"Error": "States.TaskFailed", "Cause": cause.replace('": ', '":')}
    failure = evaluate(JOB_FAILURE, error=error, context={"State": {"Name": "Train"}})
    assert failure == {
        "step": "Train",
        "error": "States.TaskFailed",
        "cause": 'AlgorithmError: no \\"late\\" column',
    }


def test_a_failed_script_is_quoted_beside_the_reason():
    cause = json.dumps({"ExitMessage": "no labelled rows", "FailureReason": "AlgorithmError: exit code 1"})
    failure = evaluate(JOB_FAILURE, error={"Error": "E", "Cause": cause}, context={"State": {"Name": "Features"}})
    assert failure["cause"] == "AlgorithmError: exit code 1 | no labelled rows"


def test_a_failure_without_a_reason_keeps_its_cause():
    context = {"State": {"Name": "Train"}}
    assert evaluate(JOB_FAILURE, error={"Error": "E", "Cause": "boom"}, context=context)["cause"] == "boom"
    assert evaluate(JOB_FAILURE, error={"Error": "E"}, context=context)["cause"] == ""


@pytest.mark.parametrize(
    ("failure", "step"),
    [
        ({"step": "Learn", "cause": "Train: no such column: late"}, "Train"),
        ({"step": "Evaluate", "cause": "States.DataLimitExceeded"}, "Evaluate"),
        ({"step": "Evaluate", "cause": "EvaluateModel: former-2: no such image"}, "EvaluateModel"),
        ({"step": "DescribeChampions", "cause": "DescribeChampion: denied"}, "DescribeChampion"),
        ({"step": "Challenge", "cause": "Policy: broken"}, "Challenge"),
    ],
)
def test_the_failure_event_names_the_step(failure, step):
    detail = workflow("Train")["States"]["EmitFailed"]["Arguments"]["Payload"]["detail"]
    assert evaluate(detail["step"], variables={"failure": failure}) == step


def test_long_environment_values_fit_sagemaker_and_lose_nothing():
    pieces = SPEC.environment
    assert len(pieces) > 2
    assert max(map(len, pieces.values())) <= 256
    assert json.loads("".join(pieces[f"MONITOR_CONFIG_{n}"] for n in range(len(pieces))))["label"] == "late"
    assert environment_pieces("A", "") == {}


@pytest.mark.parametrize("instance_type", ["ml.g5.xlarge", "ml.g4dn.xlarge", "ml.m5d.large", "ml.p4de.24xlarge"])
def test_disks_that_hardware_encrypts_name_no_key_because_sagemaker_refuses_it(instance_type):
    assert "VolumeKmsKeyId" not in JobCompute(instance_type=instance_type).cluster("key")


@pytest.mark.parametrize("instance_type", ["ml.m5.large", "ml.c6i.xlarge", "ml.p3.2xlarge", "ml.inf2.xlarge"])
def test_every_other_volume_is_encrypted_with_our_key(instance_type):
    assert JobCompute(instance_type=instance_type).cluster("key")["VolumeKmsKeyId"] == "key"


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ({"instance_type": "m5.large"}, "ml.m5.large"),
        ({"instance_type": "ml.m5.large", "volume_gb": 0}, "at least 1"),
        ({"instance_type": "ml.m5.large", "max_runtime_seconds": 1}, "at least 60"),
    ],
)
def test_impossible_compute_is_refused(arguments, remedy):
    with pytest.raises(ValueError, match=remedy):
        JobCompute(**arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "foo"}, "metric must be one of auc, .* got 'foo'"),
        ({"minimum": 7}, "minimum of auc must be at least 0 and at most 1, got 7"),
        ({"minimum": float("nan")}, "minimum of auc must be .* got nan"),
        ({"metric": "rmse", "minimum": -1}, "minimum of rmse must be at least 0, got -1"),
        ({"metric": "rmse", "minimum": float("inf")}, "minimum of rmse must be at least 0, got inf"),
        ({"metric": "r2", "minimum": 1.5}, "minimum of r2 must be at most 1, got 1.5"),
        ({"min_improvement": -0.1}, "min_improvement must be at least 0, got -0.1"),
    ],
)
def test_an_impossible_promotion_policy_is_refused(change, message):
    given = {"metric": "auc", "minimum": 0.6, "owner": "o", "intended_use": "u", "instance_types": ()}
    with pytest.raises(ValueError, match=message):
        PromotionPolicy(**given | change)


def test_a_promotion_policy_takes_the_metrics_that_the_challenge_can_compare():
    assert set(RANGES) == MAXIMISED | MINIMISED
    assert {name for name, (_, greatest) in RANGES.items() if greatest == math.inf} <= MINIMISED
    assert PromotionPolicy(metric="rmse", minimum=12.5, owner="o", intended_use="u", instance_types=())


@pytest.mark.parametrize("name", ["Train", "Deploy", "Monitor"])
def test_every_expression_is_jsonata(name):
    def expressions(node):
        if isinstance(node, str):
            yield from [node] if node.startswith("{%") else []
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from expressions(child)

    found = list(expressions(workflow(name)))
    assert len(found) > 20
    for expression in found:
        jsonata.Jsonata.jsonata(expression[2:-2])
