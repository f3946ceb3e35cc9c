from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from mlops_local.server import LocalAws
from tests.local.ml import (
    IMAGE,
    LOGS,
    PULL,
    allow,
    events_queue,
    eventually,
    log_text,
    make_role,
    push_image,
    received,
    until,
)

BUCKET = "ml-jobs"


@pytest.fixture(scope="module")
def role(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> str:
    push_image(aws, tmp_path_factory.mktemp("image"))
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key in ("in/a.csv", "in/deep/b.csv", "other/c.csv"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=f"text of {key}".encode())
    manifest = [{"prefix": f"s3://{BUCKET}/"}, "in/deep/b.csv", "other/c.csv"]
    s3.put_object(Bucket=BUCKET, Key="list.manifest", Body=json.dumps(manifest).encode())
    data = [f"arn:aws:s3:::{BUCKET}/in/*", f"arn:aws:s3:::{BUCKET}/other/*", f"arn:aws:s3:::{BUCKET}/list.manifest"]
    statements = [
        PULL,
        LOGS,
        allow("s3:ListBucket", on=f"arn:aws:s3:::{BUCKET}"),
        allow("s3:GetObject", on=data),
        allow("s3:PutObject", on=f"arn:aws:s3:::{BUCKET}/out/*"),
    ]
    return make_role(aws, "ml-jobs", "sagemaker.amazonaws.com", statements)


def training(role: str, name: str, **changes: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "train:auc", "Regex": r"train:auc=(\S+)"}],
        },
        "RoleArn": role,
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    }


def run_training(aws: LocalAws, request: dict[str, Any]) -> dict[str, Any]:
    client = aws.client("sagemaker")
    client.create_training_job(**request)
    name = request["TrainingJobName"]
    return until(
        lambda: client.describe_training_job(TrainingJobName=name),
        "TrainingJobStatus",
        "Completed",
        "Failed",
        "Stopped",
    )


def test_training_reads_its_channel_and_uploads_the_model(aws: LocalAws, role: str) -> None:
    queue = events_queue(aws, "training-events", "aws.sagemaker")
    request = training(role, "good", HyperParameters={"extra_output": "1"}, Environment={"EXTRA": "e"})
    job = run_training(aws, request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/out/good/output/model.tar.gz"
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [("train:auc", 0.75)]
    steps = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    assert steps == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    body = aws.client("s3").get_object(Bucket=BUCKET, Key="out/good/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        weights = tar.extractfile("weights.json")
        assert weights is not None
        assert json.load(weights) == {"seen": ["train/a.csv", "train/deep/b.csv"]}
    assert aws.client("s3").head_object(Bucket=BUCKET, Key="out/good/output/output.tar.gz")
    log = log_text(aws, "/aws/sagemaker/TrainingJobs", "good/")
    assert "credentials True image yes" in log
    assert "job good extra e" in log
    events = received(aws, queue, lambda found: any(e["detail"].get("TrainingJobStatus") == "Completed" for e in found))
    last = events[-1]
    assert (last["source"], last["detail-type"]) == ("aws.sagemaker", "SageMaker Training Job State Change")
    assert last["resources"] == [job["TrainingJobArn"]]
    assert isinstance(last["detail"]["CreationTime"], int)


def test_manifest_channel_and_network_isolation(aws: LocalAws, role: str) -> None:
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{BUCKET}/list.manifest"}
    channel = [{"ChannelName": "m", "DataSource": {"S3DataSource": source}}]
    job = run_training(aws, training(role, "isolated", InputDataConfig=channel, EnableNetworkIsolation=True))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    log = log_text(aws, "/aws/sagemaker/TrainingJobs", "isolated/")
    assert '["m/in/deep/b.csv", "m/other/c.csv"]' in log
    assert "credentials False" in log


def test_a_failing_script_fails_the_job_with_its_own_words(aws: LocalAws, role: str) -> None:
    job = run_training(aws, training(role, "bad", HyperParameters={"fail": "no rows to train on"}))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: no rows to train on, exit code: 3"
    assert job["SecondaryStatus"] == "Failed"


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        (
            "no-data",
            {
                "InputDataConfig": [
                    {
                        "ChannelName": "t",
                        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/none/"}},
                    }
                ]
            },
            "ClientError: No S3 objects found under S3 URL",
        ),
        ("no-right", {"OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/forbidden"}}, "AccessDenied"),
        (
            "no-image",
            {"AlgorithmSpecification": {"TrainingImage": IMAGE.replace(":v1", ":v2"), "TrainingInputMode": "File"}},
            "can't be used",
        ),
    ],
)
def test_what_the_role_cannot_reach_fails_the_job(
    aws: LocalAws, role: str, name: str, changes: dict[str, Any], reason: str
) -> None:
    job = run_training(aws, training(role, name, **changes))
    assert job["TrainingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


def test_stop_ends_the_process_politely_and_keeps_its_model(aws: LocalAws, role: str) -> None:
    client = aws.client("sagemaker")
    client.create_training_job(**training(role, "stopped", HyperParameters={"sleep": "60"}))
    until(lambda: client.describe_training_job(TrainingJobName="stopped"), "SecondaryStatus", "Training")
    client.stop_training_job(TrainingJobName="stopped")
    job = until(lambda: client.describe_training_job(TrainingJobName="stopped"), "TrainingJobStatus", "Stopped")
    assert job["SecondaryStatus"] == "Stopped"
    with pytest.raises(ClientError, match="is in status Stopped"):
        client.stop_training_job(TrainingJobName="stopped")


def test_the_time_limit_stops_the_job(aws: LocalAws, role: str) -> None:
    limit = {"MaxRuntimeInSeconds": 1}
    job = run_training(aws, training(role, "slow", HyperParameters={"sleep": "60"}, StoppingCondition=limit))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"TrainingJobName": "bad_name"}, "ValidationException", "regular expression pattern"),
        (
            {"ResourceConfig": {"InstanceType": "ml.none", "InstanceCount": 1, "VolumeSizeInGB": 1}},
            "ValidationException",
            "enum",
        ),
        ({"RoleArn": "arn:aws:iam::000000000000:role/none"}, "ValidationException", "Could not assume role"),
        ({"CheckpointConfig": {"S3Uri": "s3://b/c"}}, "ValidationException", "CheckpointConfig"),
        ({"TrainingJobName": "good"}, "ResourceInUse", "already exists"),
    ],
)
def test_wrong_requests_are_refused(aws: LocalAws, role: str, changes: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(ClientError, match=message) as caught:
        aws.client("sagemaker").create_training_job(**training(role, "refused", **changes) | changes)
    assert caught.value.response["Error"]["Code"] == code


def test_an_unknown_job_and_an_unknown_operation(aws: LocalAws) -> None:
    client = aws.client("sagemaker")
    with pytest.raises(ClientError, match="Requested resource not found"):
        client.describe_training_job(TrainingJobName="never")
    with pytest.raises(ClientError, match="does not run sagemaker ListPipelines"):
        client.list_pipelines()


def test_listing_filters_and_pages(aws: LocalAws, role: str) -> None:
    client = aws.client("sagemaker")
    failed = client.list_training_jobs(StatusEquals="Failed", SortBy="Name", SortOrder="Ascending", MaxResults=2)
    names = [job["TrainingJobName"] for job in failed["TrainingJobSummaries"]]
    assert names == ["bad", "no-data"]
    rest = client.list_training_jobs(
        StatusEquals="Failed", SortBy="Name", SortOrder="Ascending", NextToken=failed["NextToken"]
    )
    assert [job["TrainingJobName"] for job in rest["TrainingJobSummaries"]] == ["no-image", "no-right"]


def caller(aws: LocalAws, name: str, statements: list[dict[str, Any]]) -> Any:
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "sagemaker",
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def test_the_caller_needs_the_action_and_the_right_to_pass_the_role(aws: LocalAws, role: str) -> None:
    create = allow("sagemaker:CreateTrainingJob", on="arn:aws:sagemaker:*:*:training-job/allowed-*")
    client = caller(aws, "without-pass-role", [create])
    with pytest.raises(ClientError, match="iam:PassRole") as caught:
        client.create_training_job(**training(role, "allowed-1"))
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:CreateTrainingJob"):
        client.create_training_job(**training(role, "denied-1"))
    passing = {
        **allow("iam:PassRole", on=role),
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    }
    client = caller(aws, "with-pass-role", [create, passing])
    with pytest.raises(ClientError, match="sagemaker:AddTags"):
        client.create_training_job(**training(role, "allowed-2", Tags=[{"Key": "a", "Value": "b"}]))
    client.create_training_job(**training(role, "allowed-3"))


def processing(role: str, name: str, *arguments: str, **changes: Any) -> dict[str, Any]:
    inside = "/opt/ml/processing"
    return {
        "ProcessingJobName": name,
        "RoleArn": role,
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python", "/opt/program/program.py", "process"],
            **({"ContainerArguments": list(arguments)} if arguments else {}),
        },
        "ProcessingInputs": [
            {
                "InputName": "one",
                "S3Input": {
                    "S3Uri": f"s3://{BUCKET}/in/a.csv",
                    "LocalPath": f"{inside}/input/one",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            },
            {
                "InputName": "many",
                "S3Input": {
                    "S3Uri": f"s3://{BUCKET}/list.manifest",
                    "LocalPath": f"{inside}/input/many",
                    "S3DataType": "ManifestFile",
                    "S3InputMode": "File",
                },
            },
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "result",
                    "S3Output": {
                        "S3Uri": f"s3://{BUCKET}/out/{name}",
                        "LocalPath": f"{inside}/output/result",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
        },
        **changes,
    }


def run_processing(aws: LocalAws, request: dict[str, Any]) -> dict[str, Any]:
    client = aws.client("sagemaker")
    client.create_processing_job(**request)
    name = request["ProcessingJobName"]
    return until(
        lambda: client.describe_processing_job(ProcessingJobName=name),
        "ProcessingJobStatus",
        "Completed",
        "Failed",
        "Stopped",
    )


def test_processing_moves_inputs_through_the_program_to_outputs(aws: LocalAws, role: str) -> None:
    job = run_processing(aws, processing(role, "upper", "with", "words"))
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ExitMessage"] == "processed with words"
    s3 = aws.client("s3")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET, Prefix="out/upper/")["Contents"]]
    assert keys == ["out/upper/many_in_deep_b.csv", "out/upper/many_other_c.csv", "out/upper/one_a.csv"]
    assert s3.get_object(Bucket=BUCKET, Key="out/upper/one_a.csv")["Body"].read() == b"TEXT OF IN/A.CSV"


def test_a_failed_processing_job_uploads_nothing(aws: LocalAws, role: str) -> None:
    job = run_processing(aws, processing(role, "failing", "fail"))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 4"
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="out/failing/")


def test_a_processing_job_can_be_stopped(aws: LocalAws, role: str) -> None:
    client = aws.client("sagemaker")
    client.create_processing_job(**processing(role, "sleeping", "sleep"))
    client.stop_processing_job(ProcessingJobName="sleeping")
    until(lambda: client.describe_processing_job(ProcessingJobName="sleeping"), "ProcessingJobStatus", "Stopped")


def test_jobs_leave_no_folder_behind(aws: LocalAws, role: str) -> None:
    run_processing(aws, processing(role, "tidy"))
    eventually(lambda: not list(Path(aws.home / "jobs").glob("tidy-*")))
