"""The whole platform on the local AWS: deployed by the CDK CLI, two months of real flights, changed, destroyed.

Every assertion reads what was produced (objects, rows, events, versions), never a status.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
import pytest

from mlops_local.demo.capture import parse_capture
from mlops_local.demo.deployment import Deployment
from mlops_local.demo.display import Display
from mlops_local.demo.landing import Produced
from mlops_local.demo.metrics import recompute
from mlops_local.demo.months import parse_months
from mlops_local.demo.platform import Platform
from mlops_local.demo.result import Result
from mlops_local.demo.run import Demo
from mlops_local.demo.scoring import rows_of
from mlops_local.server import LocalAws

pytestmark = pytest.mark.e2e
REPOSITORY = Path(__file__).resolve().parents[2]
MONTHS = parse_months("4-5")


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """The account after two months, still running."""

    aws: LocalAws
    platform: Platform
    deployment: Deployment
    demo: Demo
    files: list[Produced]
    result: Result

    def rows(self, zone: str, prefix: str) -> pd.DataFrame:
        bucket = self.platform.bucket(zone)
        keys = [key for key in self.platform.list_keys(bucket, prefix) if key.endswith(".parquet")]
        return pd.concat(pd.read_parquet(io.BytesIO(self.platform.read(f"s3://{bucket}/{key}"))) for key in keys)

    def events(self) -> list[dict[str, object]]:
        lines = (self.demo.out / "events.jsonl").read_text().splitlines()
        return [json.loads(line)["event"] for line in lines]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    demo = Demo(repository=REPOSITORY, out=tmp_path_factory.mktemp("demo"), port=port, months=MONTHS)
    with Display() as display, LocalAws(demo.home, port) as aws:
        files = demo.produce(display)
        deployment = demo.deploy(aws, display)
        platform = Platform.discover(aws.client, "local", "flight-delays")
        result = demo.close(demo.loop(platform, files, display), display)
        yield Replayed(aws=aws, platform=platform, deployment=deployment, demo=demo, files=files, result=result)


@pytest.mark.parametrize("source", ["flights", "labels"])
def test_curated_rows_are_the_landed_rows_less_the_rejected(replayed: Replayed, source: str) -> None:
    landed = pd.concat(pd.read_csv(file.path) for file in replayed.files if file.source == source)
    curated = replayed.rows("curated", f"flight-delays/{source}/")
    assert curated["flight_id"].is_unique
    assert set(curated["flight_id"]) == set(landed["flight_id"])
    assert len(curated) == len(landed)


def test_labels_that_contradict_do_not_replace_the_first(replayed: Replayed) -> None:
    landed = pd.concat(pd.read_csv(file.path) for file in replayed.files if file.source == "labels")
    curated = replayed.rows("curated", "flight-delays/labels/").set_index("flight_id")["late"]
    expected = landed.set_index("flight_id")["late"]
    assert (curated.loc[expected.index].astype(int) == expected).all()


def test_every_broken_file_is_kept_away_with_the_right_reason(replayed: Replayed) -> None:
    faults = [file for file in replayed.result.files if file.fault]
    assert {file.month for file in faults} == {"2013-05"}
    codes = {file.fault: file.reason_code for file in faults if file.outcome == "rejected"}
    assert codes["a column has another name"] == "wrong_columns"
    assert codes["the upload broke off in the middle of a row"] == "broken_row"
    assert codes["the file is empty"] == "empty"
    assert codes["a picture was uploaded as CSV"] == "not_csv"
    assert codes["the same content was landed before under another name"] == "duplicate_file"
    contradiction = next(file for file in faults if file.dataset == "labels")
    assert contradiction.outcome == "rejected" or contradiction.rows_quarantined == 25
    assert contradiction.reason


def test_quarantine_holds_each_refused_file_and_its_reason(replayed: Replayed) -> None:
    refused = [file for file in replayed.result.files if file.outcome == "rejected"]
    assert refused
    for file in refused:
        folder = (
            file.quarantine_uri if file.quarantine_uri.endswith("/") else file.quarantine_uri.rsplit("/", 1)[0] + "/"
        )
        reason = json.loads(replayed.platform.read(f"{folder}reason.json"))
        assert reason["reason_code"] == file.reason_code
        replayed.platform.read(f"{folder}{file.file}")


def test_every_scored_flight_is_in_predictions_once_with_its_label(replayed: Replayed) -> None:
    sent = [
        row.split(",", 1)[0]
        for month in MONTHS
        for row in rows_of(file.path for file in replayed.files if file.source == "flights" and file.month == month)
    ]
    predictions = pd.read_parquet(replayed.demo.out / "predictions.parquet")
    assert sorted(predictions["flight_id"]) == sorted(sent)
    assert predictions["score"].between(0, 1).all()
    assert predictions["label"].notna().all()


def test_capture_in_s3_is_what_predictions_were_made_of(replayed: Replayed) -> None:
    bucket = replayed.platform.bucket("capture")
    keys = replayed.platform.list_keys(bucket, "flight-delays/flight-delays-local/")
    lines = [line for key in keys for line in replayed.platform.read(f"s3://{bucket}/{key}").decode().splitlines()]
    assert len(list(parse_capture(lines))) == sum(month.rows for month in replayed.result.months)


def test_result_follows_from_predictions(replayed: Replayed) -> None:
    out = replayed.demo.out
    assert set(recompute(out / "predictions.parquet", out / "result.json")) == {"2013-04", "2013-05"}


def test_first_model_is_packaged_with_lineage_and_serves(replayed: Replayed) -> None:
    first = replayed.result.packages[0]
    package = replayed.aws.client("sagemaker").describe_model_package(ModelPackageName=first.arn)
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["CustomerMetadataProperties"]["snapshot_id"] == first.snapshot_id
    assert first.deployed
    assert set(replayed.result.months[0].served_versions) == {"1"}
    assert "data snapshot" in {step.kind for step in replayed.result.lineage}


def test_each_monitored_month_left_a_report_in_model_monitor_format(replayed: Replayed) -> None:
    reported = [
        event for event in replayed.events() if event["detail-type"] in ("Drift Detected", "Monitoring Completed")
    ]
    assert len(reported) == len(MONTHS)
    for event, month in zip(reported, replayed.result.months, strict=True):
        detail = event["detail"]
        assert isinstance(detail, dict)
        assert detail["rows"] == month.rows
        assert detail["labelled_rows"] == month.rows
        folder = str(detail["report_uri"]).rstrip("/")
        violations = json.loads(replayed.platform.read(f"{folder}/constraint_violations.json"))["violations"]
        assert len(violations) == len(detail["violations"])


def test_every_trigger_is_answered_once(replayed: Replayed) -> None:
    kinds = [event["detail-type"] for event in replayed.events()]
    triggers = kinds.count("Drift Detected") + kinds.count("Retraining Requested")
    assert kinds.count("Retraining Started") + kinds.count("Retraining Suppressed") == triggers
    assert kinds.count("Retraining Started") == kinds.count("Model Registered") + kinds.count("Model Rejected")
    assert "Training Failed" not in kinds


def test_report_holds_the_figures(replayed: Replayed) -> None:
    page = (replayed.demo.out / "report.html").read_text()
    for month in replayed.result.months:
        assert f"{month.platform.auc:.3f}" in page


def test_the_kill_switch_takes_the_endpoint_away_and_gives_it_back(replayed: Replayed) -> None:
    sagemaker, ssm = replayed.aws.client("sagemaker"), replayed.aws.client("ssm")
    served = sagemaker.describe_endpoint(EndpointName=replayed.platform.endpoint)["EndpointConfigName"]

    def command(action: str) -> dict[str, object]:
        asked = {"action": action, "workload": "flight-delays", "requested_by": "test", "reason": "an emergency drill"}
        answer = replayed.aws.client("lambda").invoke(
            FunctionName="mlops-local-control", Payload=json.dumps(asked).encode()
        )
        said: dict[str, object] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    def switch(name: str) -> str:
        return str(ssm.get_parameter(Name=f"/mlops/local/flight-delays/{name}")["Parameter"]["Value"])

    record = json.loads(replayed.platform.read(str(command("detach-endpoint")["record_uri"])))
    assert (record["request"]["requested_by"], record["outcomes"][0]["workload"]) == ("test", "flight-delays")
    assert not sagemaker.list_endpoints(NameContains=replayed.platform.endpoint)["Endpoints"]
    assert switch("promotion-freeze") == "on"
    command("attach-endpoint")
    found = sagemaker.describe_endpoint(EndpointName=replayed.platform.endpoint)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", served)
    assert (switch("promotion-freeze"), switch("detached-endpoint")) == ("off", "none")


def test_page_of_the_loop_lists_what_a_run_leaves(replayed: Replayed) -> None:
    page = (REPOSITORY / "docs" / "loop.md").read_text()
    listed = set(re.findall(r"^\| `([\w.-]+)/?` \|", page.split("## What it leaves")[1], re.MULTILINE))
    assert {path.name for path in replayed.demo.out.iterdir()} == listed


def test_deployments_that_are_asked_for_at_once_take_turns(replayed: Replayed) -> None:
    sagemaker, steps = replayed.aws.client("sagemaker"), replayed.aws.client("stepfunctions")
    machine, champion = replayed.platform.workflow("deploy"), "/mlops/local/flight-delays/champion"
    package = replayed.aws.client("ssm").get_parameter(Name=champion)["Parameter"]["Value"]
    version = package.rpartition("/")[2]

    def configs() -> list[str]:
        prefix = f"{replayed.platform.endpoint}-v{version}-"
        found = sagemaker.list_endpoint_configs(NameContains=prefix, SortBy="CreationTime", MaxResults=100)
        return [each["EndpointConfigName"] for each in reversed(found["EndpointConfigs"])]

    before = configs()
    by_hand, event = {"model_package_arn": package}, {"detail": {"ModelPackageArn": package}}
    for name, given in (("turn-1", by_hand), ("turn-2", by_hand), ("turn-3", event)):
        steps.start_execution(stateMachineArn=machine, name=name, input=json.dumps(given))
    deadline = time.monotonic() + 120
    while steps.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        assert time.monotonic() < deadline, "the deployments still run"
        time.sleep(0.2)
    # The event came when its version served already: it made nothing.
    made = configs()[len(before) :]
    assert [name.rpartition("-turn-")[2] for name in made] == ["1", "2"]
    assert sagemaker.describe_endpoint(EndpointName=replayed.platform.endpoint)["EndpointConfigName"] == made[-1]
    assert sagemaker.describe_model_package(ModelPackageName=package)["ModelApprovalStatus"] == "Approved"


def test_second_deploy_changes_what_the_environment_file_says_and_keeps_serving(
    replayed: Replayed, tmp_path: Path
) -> None:
    checkout = _checkout(tmp_path / "checkout")
    local = checkout / "environments" / "local.yaml"
    before = local.read_text()
    local.write_text(before.replace("daily_cap: 50", "daily_cap: 49"))
    assert local.read_text() != before
    changed = Deployment(repository=checkout, out=tmp_path / "out", environ=replayed.aws.environ())
    changed.out.mkdir()
    changed.synth()
    changed.deploy(log_name="second-deploy")
    functions = replayed.aws.client("lambda").get_paginator("list_functions").paginate()
    caps = [
        function["Environment"]["Variables"]["DAILY_CAP"]
        for page in functions
        for function in page["Functions"]
        if "DAILY_CAP" in function.get("Environment", {}).get("Variables", {})
    ]
    assert caps == ["49"]
    row = next(rows_of(file.path for file in replayed.files if file.source == "flights"))
    answer = replayed.aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=replayed.platform.endpoint,
        ContentType="text/csv",
        Accept="application/jsonlines",
        Body=row.encode(),
    )
    assert json.loads(answer["Body"].read())["record_id"] == row.split(",", 1)[0]


def test_destroy_leaves_nothing(replayed: Replayed) -> None:
    replayed.deployment.destroy()
    left = {**_resources(replayed.aws), **_networks(replayed.aws), **_on_this_machine(replayed.aws)}
    assert left == {**{name: [] for name in left}, "stacks": ["CDKToolkit"], "buses": ["default"]}


def _resources(aws: LocalAws) -> dict[str, list[object]]:
    client = aws.client
    events, glue, sagemaker, logs = client("events"), client("glue"), client("sagemaker"), client("logs")
    databases = [one["Name"] for one in glue.get_databases()["DatabaseList"]]
    groups = [
        one["logGroupName"]
        for page in logs.get_paginator("describe_log_groups").paginate()
        for one in page["logGroups"]
    ]
    keys = [client("kms").describe_key(KeyId=one["KeyId"])["KeyMetadata"] for one in client("kms").list_keys()["Keys"]]
    return {
        "stacks": [one["StackName"] for one in client("cloudformation").describe_stacks()["Stacks"]],
        "state machines": client("stepfunctions").list_state_machines()["stateMachines"],
        "functions": client("lambda").list_functions()["Functions"],
        "endpoints": sagemaker.list_endpoints()["Endpoints"],
        "endpoint configs": sagemaker.list_endpoint_configs()["EndpointConfigs"],
        "models": sagemaker.list_models()["Models"],
        "package groups": sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"],
        "tables": client("dynamodb").list_tables()["TableNames"],
        "buses": [one["Name"] for one in events.list_event_buses()["EventBuses"]],
        "rules": events.list_rules()["Rules"],
        "archives": events.list_archives()["Archives"],
        "schedules": client("scheduler").list_schedules()["Schedules"],
        "schema registries": client("schemas").list_registries()["Registries"],
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "topics": client("sns").list_topics()["Topics"],
        "alarms": client("cloudwatch").describe_alarms()["MetricAlarms"],
        "dashboards": client("cloudwatch").list_dashboards()["DashboardEntries"],
        # What services write by themselves belongs to no stack and stays, as in an account.
        "log groups": [name for name in groups if not name.startswith(("/aws/sagemaker/", "/aws-glue/"))],
        "jobs": glue.get_jobs()["Jobs"],
        "rulesets": glue.list_data_quality_rulesets()["Rulesets"],
        "catalog": [name for name in databases if name != "default"],
        "connections": glue.get_connections()["ConnectionList"],
        "work groups": [
            one["Name"] for one in client("athena").list_work_groups()["WorkGroups"] if one["Name"] != "primary"
        ],
        "parameters": client("ssm").get_parameters_by_path(Path="/mlops/", Recursive=True)["Parameters"],
        "roles": client("iam").list_roles(PathPrefix="/mlops/")["Roles"],
        "policies": client("iam").list_policies(Scope="Local")["Policies"],
        "buckets": [
            one["Name"] for one in client("s3").list_buckets()["Buckets"] if not one["Name"].startswith("cdk-")
        ],
        # A key that is deleted waits for weeks.
        "keys": [
            key["KeyId"] for key in keys if key["KeyManager"] == "CUSTOMER" and key["KeyState"] != "PendingDeletion"
        ],
    }


def _networks(aws: LocalAws) -> dict[str, list[object]]:
    ec2 = aws.client("ec2")
    own = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
    groups = ec2.describe_security_groups()["SecurityGroups"]
    return {
        "networks": own,
        "security groups": [group["GroupId"] for group in groups if group["GroupName"] != "default"],
        "endpoints of networks": ec2.describe_vpc_endpoints()["VpcEndpoints"],
        "flow logs": ec2.describe_flow_logs()["FlowLogs"],
    }


def _on_this_machine(aws: LocalAws) -> dict[str, list[object]]:
    forker = [
        child
        for child in psutil.Process(aws.pid).children(recursive=True)
        if any(word.endswith("lambda_fork_worker.py") for word in child.cmdline())
    ]
    assert forker or sys.platform != "linux"
    return {
        "function processes": [child for each in forker for child in each.children()],
        "function folders": list((aws.home / "tmp").glob("ministack-lambda-*")),
        "job folders": list((aws.home / "jobs").iterdir()),
        "endpoint folders": list((aws.home / "endpoints").iterdir()),
    }


def _checkout(folder: Path) -> Path:
    """A second checkout with its own environments; what it does not change is linked."""
    folder.mkdir()
    for name in ("stacks", "environments"):
        shutil.copytree(REPOSITORY / name, folder / name)
    for name in ("app.py", "cdk.json"):
        shutil.copy(REPOSITORY / name, folder / name)
    for name in ("workloads", "lambda", "constructs", "local", "node_modules", ".venv"):
        (folder / name).symlink_to(REPOSITORY / name)
    return folder
