from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops_local.server import LocalAws
from tests.local.ml import LOGS, allow, eventually, log_text, make_role, until

BUCKET = "ml-glue"
SCRIPT = """
import json, os, sys, time
import boto3
from awsglue.utils import getResolvedOptions
print("argv", json.dumps(sys.argv[1:]))
options = getResolvedOptions(sys.argv, ["mode"])
if options["mode"] == "fail":
    raise ValueError("nothing to curate")
if options["mode"] == "sleep":
    time.sleep(60)
body = boto3.client("s3").get_object(Bucket="ml-glue", Key="data.txt")["Body"].read().decode()
print("read", body)
if options["mode"] == "forbidden":
    boto3.client("s3").put_object(Bucket="ml-glue", Key="data.txt", Body=b"no")
"""


@pytest.fixture(scope="module")
def role(aws: LocalAws) -> str:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="job.py", Body=SCRIPT.encode())
    s3.put_object(Bucket=BUCKET, Key="data.txt", Body=b"the data")
    return make_role(aws, "ml-glue", "glue.amazonaws.com", [LOGS, allow("s3:GetObject", on=f"arn:aws:s3:::{BUCKET}/*")])


def make_job(aws: LocalAws, role: str, name: str, **changes: Any) -> str:
    definition: dict[str, Any] = {
        "Role": role,
        "Command": {"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": f"s3://{BUCKET}/job.py"},
        "DefaultArguments": {"--mode": "good", "library-set": "analytics"},
    }
    aws.client("glue").create_job(Name=name, **definition | changes)
    return name


def run(aws: LocalAws, name: str, **arguments: str) -> dict[str, Any]:
    glue = aws.client("glue")
    given = {f"--{key}": value for key, value in arguments.items()}
    run_id = glue.start_job_run(JobName=name, Arguments=given)["JobRunId"]
    return finished(aws, name, run_id)


def finished(aws: LocalAws, name: str, run_id: str) -> dict[str, Any]:
    def describe() -> dict[str, Any]:
        found: dict[str, Any] = aws.client("glue").get_job_run(JobName=name, RunId=run_id)["JobRun"]
        return found

    return until(describe, "JobRunState", "SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR")


def test_a_job_gets_its_arguments_and_its_roles_credentials(aws: LocalAws, role: str) -> None:
    make_job(aws, role, "good-job")
    found = run(aws, "good-job", extra="a b")
    assert found["JobRunState"] == "SUCCEEDED", found.get("ErrorMessage")
    log = log_text(aws, "/aws-glue/python-jobs/output", found["Id"])
    assert '"--JOB_NAME", "good-job"' in log
    assert '"--mode", "good", "--extra", "a b"' in log
    assert "library-set" not in log
    assert "read the data" in log


@pytest.mark.parametrize(("mode", "reason"), [("fail", "ValueError: nothing to curate"), ("forbidden", "AccessDenied")])
def test_a_failing_script_fails_the_run_with_its_last_words(aws: LocalAws, role: str, mode: str, reason: str) -> None:
    make_job(aws, role, f"{mode}-job")
    found = run(aws, f"{mode}-job", mode=mode)
    assert found["JobRunState"] == "FAILED"
    assert reason in found["ErrorMessage"]


def test_concurrent_runs_are_limited_and_can_be_stopped(aws: LocalAws, role: str) -> None:
    glue = aws.client("glue")
    make_job(aws, role, "single-job")
    first = glue.start_job_run(JobName="single-job", Arguments={"--mode": "sleep"})["JobRunId"]
    with pytest.raises(ClientError) as caught:
        glue.start_job_run(JobName="single-job")
    assert caught.value.response["Error"]["Code"] == "ConcurrentRunsExceededException"
    glue.batch_stop_job_run(JobName="single-job", JobRunIds=[first])
    assert finished(aws, "single-job", first)["JobRunState"] == "STOPPED"
    assert run(aws, "single-job")["JobRunState"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("no-script", {"Command": {"Name": "pythonshell", "ScriptLocation": f"s3://{BUCKET}/none.py"}}, "AccessDenied"),
        ("no-module", {"DefaultArguments": {"--additional-python-modules": "leftpad==1.0"}}, "not installed"),
    ],
)
def test_what_cannot_start_says_why(aws: LocalAws, role: str, name: str, changes: dict[str, Any], reason: str) -> None:
    make_job(aws, role, name, **changes)
    found = run(aws, name)
    assert found["JobRunState"] == "FAILED"
    assert reason in found["ErrorMessage"]


def test_spark_is_refused_by_name(aws: LocalAws, role: str) -> None:
    make_job(aws, role, "spark-job", Command={"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/job.py"})
    with pytest.raises(ClientError, match="spark-job is 'glueetl'"):
        aws.client("glue").start_job_run(JobName="spark-job")


def test_wrong_requests_are_refused(aws: LocalAws, role: str) -> None:
    glue = aws.client("glue")
    with pytest.raises(ClientError, match="not found") as caught:
        glue.start_job_run(JobName="never")
    assert caught.value.response["Error"]["Code"] == "EntityNotFoundException"
    make_job(aws, role, "fixed-job", NonOverridableArguments={"--mode": "good"})
    with pytest.raises(ClientError, match="can't be overridden"):
        glue.start_job_run(JobName="fixed-job", Arguments={"--mode": "fail"})
    with pytest.raises(ClientError, match="does not run glue StartCrawler"):
        glue.start_crawler(Name="c")


TEMPLATE = """
Resources:
  Curate:
    Type: AWS::Glue::Job
    Properties:
      Role: %s
      Command: {Name: pythonshell, PythonVersion: "3.9", ScriptLocation: s3://ml-glue/job.py}
      DefaultArguments: {"--mode": %s}
      ExecutionProperty: {MaxConcurrentRuns: 7}
      MaxCapacity: 0.0625
      Timeout: 15
  Rules:
    Type: AWS::Glue::DataQualityRuleset
    Properties:
      Name: stacked-rules
      Ruleset: 'Rules = [ RowCount > %s ]'
Outputs:
  Job: {Value: !Ref Curate}
  Rules: {Value: !Ref Rules}
"""


def test_cloudformation_creates_updates_and_deletes_jobs_and_rulesets(aws: LocalAws, role: str) -> None:
    glue, stacks = aws.client("glue"), aws.client("cloudformation")

    def stack() -> dict[str, Any]:
        found: dict[str, Any] = stacks.describe_stacks(StackName="glue-stack")["Stacks"][0]
        return found

    stacks.create_stack(StackName="glue-stack", TemplateBody=TEMPLATE % (role, "good", 1))
    eventually(lambda: stack()["StackStatus"] == "CREATE_COMPLETE")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack()["Outputs"]}
    assert outputs["Rules"] == "stacked-rules"
    job = glue.get_job(JobName=outputs["Job"])["Job"]
    assert (job["ExecutionProperty"]["MaxConcurrentRuns"], job["Timeout"]) == (7, 15)
    stacks.update_stack(StackName="glue-stack", TemplateBody=TEMPLATE % (role, "fail", 2))
    eventually(lambda: stack()["StackStatus"] == "UPDATE_COMPLETE")
    assert glue.get_job(JobName=outputs["Job"])["Job"]["DefaultArguments"] == {"--mode": "fail"}
    assert glue.get_data_quality_ruleset(Name="stacked-rules")["Ruleset"] == "Rules = [ RowCount > 2 ]"
    stacks.delete_stack(StackName="glue-stack")
    eventually(lambda: outputs["Job"] not in [found["Name"] for found in glue.get_jobs()["Jobs"]])
    eventually(lambda: not glue.list_data_quality_rulesets(Filter={"Name": "stacked-rules"})["Rulesets"])
