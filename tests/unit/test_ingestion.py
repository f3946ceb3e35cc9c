"""The ingestion construct alone in somebody else's stack, with its workflow as data."""

import json
import os

import pytest

os.environ["CDK_VALIDATION"] = "false"

import aws_cdk as cdk
from aws_cdk import assertions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from mlops_constructs.datalake.dataset import Column, Dataset
from mlops_constructs.datalake.ingest import START, IngestTargets, ingest_states
from mlops_constructs.datalake.ingestion import Ingestion
from mlops_constructs.datalake.lake import Lake
from mlops_constructs.datalake.zone import AccessLogBucket
from mlops_constructs.governance.keys import Keys
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.wildcards import REVIEWED
from mlops_constructs.orchestration import PlatformBus
from mlops_constructs.orchestration import states as asl
from mlops_constructs.orchestration.callee import Callee

ENVIRONMENT = cdk.Environment(account="111111111111", region="eu-west-1")
COLUMNS = (Column(name="id", type="string"), Column(name="at", type="timestamp"), Column(name="late", type="int"))
DATASETS = (
    Dataset(name="flights", columns=COLUMNS[:2], key="id", event_time="at", quality_rules=("RowCount > 0",)),
    Dataset(name="labels", columns=COLUMNS, key="id", event_time="at", quality_rules=("RowCount > 0",), label="late"),
)


def made(network_of=lambda stack: None, zones_of=lambda stack: {}):
    stack = cdk.Stack(cdk.App(), "Stack", env=ENVIRONMENT)
    keys = Keys(stack, "Keys")
    lake = Lake(
        stack,
        "Lake",
        database_name="mlops_test",
        encryption_key=keys.data,
        access_log_bucket=AccessLogBucket(stack, "AccessLogs"),
        zones=zones_of(stack),
    )
    Ingestion(
        stack,
        "Ingestion",
        workload="flight-delays",
        environment_name="test",
        datasets=DATASETS,
        lake=lake,
        bus=PlatformBus(stack, "Bus", name="mlops-test", encryption_key=keys.data),
        encryption_key=keys.data,
        log_key=keys.logs,
        network=network_of(stack),
    )
    return assertions.Template.from_stack(stack)


@pytest.fixture(scope="module")
def template():
    return made()


@pytest.fixture(scope="module")
def states():
    fields = IngestTargets.__dataclass_fields__.values()
    names = {field.name: field.name for field in fields if field.type == "str"}
    functions = {field.name: Callee(arn=field.name, timeout_seconds=60) for field in fields if field.type == "Callee"}
    targets = IngestTargets(**names, **functions, staged_tables={"flights": "f_staged"}, rulesets={"flights": "f"})
    return ingest_states(targets)


def properties(template, kind, name=""):
    found = template.find_resources(kind).items()
    return [resource["Properties"] for logical_id, resource in found if name in logical_id]


def test_zones_that_exist_are_used_with_their_own_keys_and_stay_as_they_are():
    def zones(stack):
        def zone(name):
            key = kms.Key.from_key_arn(stack, f"{name}-key", f"arn:aws:kms:eu-west-1:111111111111:key/{name}")
            arn = f"arn:aws:s3:::our-{name}"
            return s3.Bucket.from_bucket_attributes(stack, name, bucket_arn=arn, encryption_key=key)

        return {name: zone(name) for name in ("landing", "raw", "curated", "quarantine")}

    template = made(zones_of=zones)
    assert {name[:8] for name in template.find_resources("AWS::S3::Bucket")} == {"AccessLo", "LakeArte", "LakeCapt"}
    policies = json.dumps(properties(template, "AWS::S3::BucketPolicy"))
    assert "our-" not in policies
    (workflow,) = properties(template, "AWS::IAM::Policy", "IngestRoleDefaultPolicy")
    keys = {
        json.dumps(statement["Resource"]).rpartition("/")[2].strip('"')
        for statement in workflow["PolicyDocument"]["Statement"]
        if "kms:GenerateDataKey" in statement["Action"] and "Condition" not in statement
    }
    assert keys == {"landing", "raw"}, "it reads what landed and writes it to raw"
    (rule,) = properties(template, "AWS::Events::Rule", "IngestionLanded")
    assert rule["EventPattern"]["detail"]["bucket"]["name"] == ["our-landing"]


def test_the_loss_of_one_zone_leaves_the_job_another_connection():
    def network(stack):
        zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
        return Network.from_ids(
            stack,
            "Network",
            vpc_id="vpc-1",
            availability_zones=zones,
            subnet_ids=[f"subnet-{zone[-1]}" for zone in zones],
            job_security_group_id="sg-1",
        )

    template = made(network)
    connections = template.find_resources("AWS::Glue::Connection")
    placed = {
        name: connection["Properties"]["ConnectionInput"]["PhysicalConnectionRequirements"]
        for name, connection in connections.items()
    }
    (job,) = properties(template, "AWS::Glue::Job")
    order = [placed[each["Ref"]] for each in job["Connections"]["Connections"]]
    assert [(each["AvailabilityZone"], each["SubnetId"]) for each in order] == [
        ("eu-west-1a", "subnet-a"),
        ("eu-west-1b", "subnet-b"),
        ("eu-west-1c", "subnet-c"),
    ]
    assert all(each["SecurityGroupIdList"] == ["sg-1"] for each in order)
    (policy,) = properties(template, "AWS::IAM::Policy", "CurationJobRole")
    read = [s for s in policy["PolicyDocument"]["Statement"] if s["Action"] == "glue:GetConnection"]
    assert all(f'"{name}"' in json.dumps(read) for name in connections)


def test_the_definition_is_closed(states):
    definition = asl.definition(START, states, comment="ingest")  # raises when a transition leads nowhere
    assert definition["StartAt"] in definition["States"]


def test_every_task_has_a_timeout_and_ends_in_an_event_when_it_fails(states):
    for name, state in states.items():
        if state["Type"] != "Task":
            continue
        assert state["TimeoutSeconds"] > 0, name
        assert all("States.ALL" not in rule["ErrorEquals"] for rule in state["Retry"]), name
        after = walk(states, state["Catch"][-1]["Next"])
        assert "EmitRejected" in after or name == "EmitRejected", name


def walk(states, start):
    seen, queue = set(), [start]
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        state = states[name]
        queue += [state[key] for key in ("Next", "Default") if key in state]
        queue += [choice["Next"] for choice in state.get("Choices", [])]
    return seen


def test_a_published_file_is_never_quarantined(states):
    assert "Quarantine" not in walk(states, states["EmitReady"]["Catch"][-1]["Next"])


def test_an_expected_rejection_is_no_failed_execution(states):
    assert states["Outcome"]["Default"] == "Rejected"
    assert states["Rejected"]["Type"] == "Succeed"


def test_quality_is_judged_on_the_rows_of_this_file_only(states):
    source = states["StartQuality"]["Arguments"]["DataSource"]["GlueTable"]
    assert source["AdditionalOptions"] == {"pushDownPredicate": '{% "file=\'" & $content_sha256 & "\'" %}'}


def test_waiting_for_quality_ends(states):
    assert "$polls < 240" in json.dumps(states["QualityRun"])


def test_only_this_workloads_files_start_the_workflow(template):
    (rule,) = properties(template, "AWS::Events::Rule", "IngestionLanded")
    assert rule["EventPattern"]["detail"]["object"] == {"key": [{"prefix": "flight-delays/"}]}
    assert rule["EventPattern"]["detail-type"] == ["Object Created"]


def test_curated_tables_are_partitioned_by_month_and_staged_ones_by_file(template):
    tables = {t["TableInput"]["Name"]: t["TableInput"] for t in properties(template, "AWS::Glue::Table")}
    assert set(tables) == {f"flight_delays_{n}{s}" for n in ("flights", "labels") for s in ("", "_staged")}
    assert tables["flight_delays_labels"]["PartitionKeys"] == [{"Name": "month", "Type": "string"}]
    assert tables["flight_delays_labels_staged"]["PartitionKeys"] == [{"Name": "file", "Type": "string"}]
    columns = tables["flight_delays_labels"]["StorageDescriptor"]["Columns"]
    assert columns == [{"Name": c.name, "Type": c.type} for c in COLUMNS]


def test_tables_outlive_the_stack_where_data_are_retained(template):
    policies = {
        table["Properties"]["TableInput"]["Name"]: table.get("DeletionPolicy")
        for table in template.find_resources("AWS::Glue::Table").values()
    }
    assert set(policies) == {f"flight_delays_{n}{s}" for n in ("flights", "labels") for s in ("", "_staged")}
    assert set(policies.values()) == {"Retain"}


def test_what_an_unpublished_file_left_is_removed_below_the_workloads_prefix_only(template):
    for function in ("PublishSnapshot", "Quarantine"):
        (policy,) = properties(template, "AWS::IAM::Policy", f"Functions{function}")
        deleting = [s for s in policy["PolicyDocument"]["Statement"] if "s3:DeleteObject" in as_list(s["Action"])]
        (bucket, suffix) = deleting[0]["Resource"]["Fn::Join"][1]
        assert len(deleting) == 1
        assert bucket["Fn::GetAtt"][0].startswith("LakeCurated")
        assert suffix == "/flight-delays/*"


def test_a_backfill_waits_for_hours_and_a_few_files_too_many_for_a_minute(states):
    (rule,) = [r for r in states["Curate"]["Retry"] if "Glue.ConcurrentRunsExceededException" in r["ErrorEquals"]]
    first, factor, longest = (rule[name] for name in ("IntervalSeconds", "BackoffRate", "MaxDelaySeconds"))
    averages = [min(longest, first * factor**attempt) / 2 for attempt in range(rule["MaxAttempts"])]
    assert rule["JitterStrategy"] == "FULL"
    assert sum(averages) > 5 * 3600 and 2 * sum(averages) < 24 * 3600  # a workflow is stopped after a day
    assert sum(averages[:3]) < 60


def test_ledger_and_gate_are_kept_encrypted_and_recoverable(template):
    tables = template.find_resources("AWS::DynamoDB::Table").values()
    assert len(tables) == 2
    for table in tables:
        assert table["DeletionPolicy"] == "Retain"
        assert table["Properties"]["DeletionProtectionEnabled"] is True
        assert table["Properties"]["SSESpecification"]["SSEType"] == "KMS"
        assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_the_job_is_encrypted_and_leaves_retries_to_the_workflow(template):
    (job,) = properties(template, "AWS::Glue::Job")
    assert job["MaxRetries"] == 0
    assert "SecurityConfiguration" in job
    (security,) = properties(template, "AWS::Glue::SecurityConfiguration")
    assert set(security["EncryptionConfiguration"]) == {
        "CloudWatchEncryption",
        "JobBookmarksEncryption",
        "S3Encryptions",
    }


def test_the_quality_role_writes_nothing(template):
    (policy,) = properties(template, "AWS::IAM::Policy", "QualityRole")
    actions = {action for s in policy["PolicyDocument"]["Statement"] for action in as_list(s["Action"])}
    assert not {a for a in actions if a.startswith(("s3:Put", "s3:Delete", "glue:Create", "glue:Delete", "kms:Gen"))}


def test_the_workflow_may_pass_one_role_and_only_to_glue(template):
    passing = [s for s in all_statements(template) if "iam:PassRole" in as_list(s["Action"])]
    assert len(passing) == 1
    assert passing[0]["Condition"] == {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}
    assert isinstance(passing[0]["Resource"], dict)


def test_every_wildcard_resource_is_of_a_reviewed_kind(template):
    reviewed = {action for kind in REVIEWED for action in kind.actions}
    for statement in all_statements(template):
        if statement["Effect"] == "Allow" and "*" in json.dumps(statement["Resource"]):
            assert set(as_list(statement["Action"])) <= reviewed, statement
        assert not any("*" in action for action in as_list(statement["Action"]))


def test_a_workload_without_datasets_is_refused():
    stack = cdk.Stack(cdk.App(), "Stack", env=ENVIRONMENT)
    with pytest.raises(ValueError, match="needs at least one dataset"):
        Ingestion(
            stack,
            "Ingestion",
            workload="w",
            environment_name="test",
            datasets=(),
            lake=None,
            bus=None,
            encryption_key=Keys(stack, "Keys").data,
        )


def all_statements(template):
    return [s for p in properties(template, "AWS::IAM::Policy") for s in p["PolicyDocument"]["Statement"]]


def as_list(value):
    return value if isinstance(value, list) else [value]
