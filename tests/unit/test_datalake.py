"""The lake alone in somebody else's stack: kept by default, and deletable only when both keys are turned."""

import json
import os
from typing import get_args

import pytest

os.environ["CDK_VALIDATION"] = "false"

import aws_cdk as cdk
from aws_cdk import assertions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from mlops_constructs.datalake.dataset import Column, Dataset, sources_json
from mlops_constructs.datalake.lake import Lake, ZoneName
from mlops_constructs.datalake.zone import AccessLogBucket

ENVIRONMENT = cdk.Environment(account="111111111111", region="eu-west-1")
ZONES = 6


@pytest.fixture(scope="module")
def templates():
    made = {}
    for name, retain in (("Kept", True), ("Disposable", False)):
        stack = cdk.Stack(cdk.App(), name, env=ENVIRONMENT)
        Lake(
            stack,
            "Lake",
            database_name="db",
            encryption_key=kms.Key(stack, "Key"),
            access_log_bucket=AccessLogBucket(stack, "Logs", retain=retain),
            retain=retain,
            noncurrent_days=30,
            capture_days=7,
        )
        made[name] = assertions.Template.from_stack(stack)
    return made


def zones(template):
    found = template.find_resources("AWS::S3::Bucket")
    return {name: bucket for name, bucket in found.items() if name.startswith("Lake")}


def test_every_zone_is_private_versioned_logged_and_encrypted_with_the_given_key(templates):
    buckets = zones(templates["Kept"])
    assert len(buckets) == ZONES
    for bucket in buckets.values():
        properties = bucket["Properties"]
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["BucketKeyEnabled"] is True
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert all(properties["PublicAccessBlockConfiguration"].values())
        assert properties["LoggingConfiguration"]["LogFilePrefix"]


def test_every_bucket_refuses_plain_http(templates):
    template = templates["Kept"]
    policies = template.find_resources("AWS::S3::BucketPolicy").values()
    assert len(policies) == ZONES + 1
    for policy in policies:
        denied = [s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        conditions = [s["Condition"] for s in denied]
        assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
        assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_only_landing_sends_events_and_without_a_helper_function(templates):
    senders = [n for n, b in zones(templates["Kept"]).items() if "NotificationConfiguration" in b["Properties"]]
    assert [name[:11] for name in senders] == ["LakeLanding"]
    assert not templates["Kept"].find_resources("AWS::Lambda::Function")


def test_old_versions_and_broken_uploads_go(templates):
    for bucket in zones(templates["Kept"]).values():
        rule = bucket["Properties"]["LifecycleConfiguration"]["Rules"][0]
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
        assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_captured_predictions_and_staged_rows_expire_and_curated_rows_never(templates):
    def expiry(zone):
        (bucket,) = [b for name, b in zones(templates["Kept"]).items() if name.startswith(f"Lake{zone}")]
        rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"][1:]
        return [(rule.get("Prefix", ""), rule["ExpirationInDays"]) for rule in rules]

    assert expiry("Capture") == [("", 7)]
    assert expiry("Raw") == [("staged/", 30)]
    assert expiry("Curated") == expiry("Landing") == expiry("Quarantine") == []


def test_data_are_kept_by_default_and_no_code_could_delete_them(templates):
    assert all(b["DeletionPolicy"] == b["UpdateReplacePolicy"] == "Retain" for b in zones(templates["Kept"]).values())
    assert not templates["Kept"].find_resources("Custom::BucketEmptier")


def test_a_disposable_lake_is_emptied_bucket_by_bucket(templates):
    template = templates["Disposable"]
    assert all(b["DeletionPolicy"] == "Delete" for b in zones(template).values())
    emptied = template.find_resources("Custom::BucketEmptier").values()
    names = {resource["Properties"]["BucketName"]["Ref"] for resource in emptied}
    assert names == set(zones(template))


def test_query_results_are_encrypted_whatever_the_client_says(templates):
    (group,) = templates["Kept"].find_resources("AWS::Athena::WorkGroup").values()
    settings = group["Properties"]["WorkGroupConfiguration"]
    assert settings["EnforceWorkGroupConfiguration"] is True
    assert settings["ResultConfiguration"]["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"


COLUMNS = (
    Column(name="id", type="string"),
    Column(name="at", type="timestamp"),
    Column(name="x", type="int", required=False),
)


def test_a_dataset_becomes_rules_and_a_schema():
    dataset = Dataset(
        name="s", columns=COLUMNS, key="id", event_time="at", quality_rules=("RowCount > 0", 'IsComplete "id"')
    )
    assert dataset.dqdl == 'Rules = [\n    RowCount > 0,\n    IsComplete "id"\n]'
    assert '{"name":"x","type":"int","required":false}' in sources_json([dataset])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "nope"}, "key of dataset s must be one of id, at, x, got 'nope'"),
        ({"event_time": "x"}, "x of dataset s must be a timestamp, got int"),
        ({"label": "nope"}, "label of dataset s must be one of"),
        ({"quality_rules": ()}, "needs at least one quality rule"),
        ({"quality_rules": "RowCount > 0"}, r"must be a tuple of rules, .* write \('RowCount > 0',\)"),
        ({"name": "A-B c"}, "name of a dataset must be lower-case letters, digits, .* got 'A-B c'"),
        ({"name": ""}, "name of a dataset must be"),
        ({"columns": (*COLUMNS, COLUMNS[0])}, "columns of dataset s must be distinct, got id, at, x, id"),
    ],
)
def test_a_wrong_dataset_is_refused(change, message):
    given = {"name": "s", "columns": COLUMNS, "key": "id", "event_time": "at", "quality_rules": ("RowCount > 0",)}
    with pytest.raises(ValueError, match=message):
        Dataset(**given | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "uuid"}, "type of column x must be one of .*, got 'uuid'"),
        ({"name": "A-B c"}, "name of a column must be lower-case letters, digits .* got 'A-B c'"),
        ({"name": "1st"}, "no digit first, got '1st'"),
        ({"name": "month"}, "must not be 'month', .* partitioned: rename it, for example to month_of_record"),
        ({"name": "file"}, "must not be 'file', .* partitioned: rename it, for example to file_of_record"),
    ],
)
def test_a_wrong_column_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Column(**{"name": "x", "type": "int"} | change)


def own_bucket(stack, name, key=None):
    arn = f"arn:aws:s3:::{name}"
    return s3.Bucket.from_bucket_attributes(stack, name, bucket_arn=arn, encryption_key=key)


def test_with_zones_of_your_own_no_bucket_is_made():
    stack = cdk.Stack(cdk.App(), "Own", env=ENVIRONMENT)
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111111111111:key/models")
    given = {zone: own_bucket(stack, f"our-{zone}", key) for zone in get_args(ZoneName)}
    lake = Lake(stack, "Lake", database_name="db", encryption_key=key, zones=given, retain=False)
    template = assertions.Template.from_stack(stack).to_json()["Resources"]
    assert {resource["Type"] for resource in template.values()} == {"AWS::Glue::Database", "AWS::Athena::WorkGroup"}
    assert {zone: getattr(lake, zone) for zone in given} == given
    (group,) = [body for body in template.values() if body["Type"] == "AWS::Athena::WorkGroup"]
    results = group["Properties"]["WorkGroupConfiguration"]["ResultConfiguration"]
    assert results["OutputLocation"] == "s3://our-artefacts/athena/"


def test_only_the_zones_made_here_are_emptied():
    stack = cdk.Stack(cdk.App(), "Mixed", env=ENVIRONMENT)
    Lake(
        stack,
        "Lake",
        database_name="db",
        encryption_key=kms.Key(stack, "Key"),
        access_log_bucket=AccessLogBucket(stack, "Logs", retain=False),
        zones={"landing": own_bucket(stack, "our-landing")},
        retain=False,
    )
    template = assertions.Template.from_stack(stack)
    emptied = {e["Properties"]["BucketName"]["Ref"] for e in template.find_resources("Custom::BucketEmptier").values()}
    assert emptied == set(zones(template))
    assert len(emptied) == ZONES - 1
    assert "our-landing" not in json.dumps(template.to_json())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"zones": {"bronze": None}}, "zones: got bronze; a zone is one of landing, raw, curated"),
        ({}, "access_log_bucket must be given: S3 logs each request to the zone landing there"),
    ],
)
def test_a_lake_that_cannot_be_is_refused(options, message):
    stack = cdk.Stack(cdk.App(), "Wrong", env=ENVIRONMENT)
    with pytest.raises(ValueError, match=message):
        Lake(stack, "Lake", database_name="db", encryption_key=kms.Key(stack, "Key"), **options)
