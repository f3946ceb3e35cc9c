from typing import Any

import pytest

from tests.compliance.pack.judging import DELETED, changed, failed, passes, resource

RETAINED = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::RDS::DBInstance"])
def test_data_survive_their_stack(kind: str) -> None:
    rule = "RET-1.kept-on-delete"
    assert passes(rule, {"It": resource(kind, **RETAINED)})
    assert passes(rule, {"It": resource(kind, DeletionPolicy="Snapshot", UpdateReplacePolicy="Snapshot")})
    assert failed(rule, {"It": resource(kind)}) == {("It", "DeletionPolicy"), ("It", "UpdateReplacePolicy")}
    for name in RETAINED:
        assert failed(rule, {"It": resource(kind, **RETAINED | {name: "Delete"})}) == {("It", name)}
    assert failed(rule, {"It": resource(kind)}, stage="dev") == set()
    assert failed(rule, {"It": resource(kind)}, stage=None), "an unknown stage is held to production's rules"


TABLE = {"DeletionProtectionEnabled": True, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}


@pytest.mark.parametrize(
    ("rule", "kind", "properties", "path", "value"),
    [
        ("RET-1.deletion-protection", "AWS::DynamoDB::Table", TABLE, "DeletionProtectionEnabled", False),
        (
            "RET-1.deletion-protection",
            "AWS::Cognito::UserPool",
            {"DeletionProtection": "ACTIVE"},
            "DeletionProtection",
            DELETED,
        ),
        ("RET-1.point-in-time-recovery", "AWS::DynamoDB::Table", TABLE, "PointInTimeRecoverySpecification", DELETED),
        (
            "RET-1.point-in-time-recovery",
            "AWS::DynamoDB::Table",
            TABLE,
            "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
            False,
        ),
        ("RET-1.backups", "AWS::RDS::DBCluster", {"BackupRetentionPeriod": 14}, "BackupRetentionPeriod", 1),
        ("RET-1.backups", "AWS::RDS::DBCluster", {"BackupRetentionPeriod": "7"}, "BackupRetentionPeriod", DELETED),
        (
            "RET-1.versioning",
            "AWS::S3::Bucket",
            {"VersioningConfiguration": {"Status": "Enabled"}},
            "VersioningConfiguration.Status",
            "Suspended",
        ),
        (
            "RET-1.versioning",
            "AWS::S3::Bucket",
            {"VersioningConfiguration": {"Status": "Enabled"}},
            "VersioningConfiguration",
            DELETED,
        ),
        ("RET-2.data-leave", "AWS::Events::Archive", {"RetentionDays": 365}, "RetentionDays", 0),
        ("RET-2.data-leave", "AWS::Events::Archive", {"RetentionDays": 365}, "RetentionDays", DELETED),
    ],
)
def test_a_way_back_taken_away_is_found(rule: str, kind: str, properties: Any, path: str, value: Any) -> None:
    assert passes(rule, {"It": resource(kind, properties)})
    assert failed(rule, {"It": resource(kind, changed(properties, path, value))})


LIFECYCLE = {
    "LifecycleConfiguration": {
        "Rules": [
            {
                "Status": "Enabled",
                "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            }
        ]
    }
}
RULE = "LifecycleConfiguration.Rules.0"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("LifecycleConfiguration", DELETED),
        (f"{RULE}.Status", "Disabled"),
        (f"{RULE}.NoncurrentVersionExpiration", DELETED),
        (f"{RULE}.NoncurrentVersionExpiration.NoncurrentDays", 4000),
        (f"{RULE}.AbortIncompleteMultipartUpload", DELETED),
        (f"{RULE}.Prefix", "only/here/"),
    ],
)
def test_versions_that_never_leave_are_found(path: str, value: Any) -> None:
    assert passes("RET-2.versions-leave", {"It": resource("AWS::S3::Bucket", LIFECYCLE)})
    assert failed("RET-2.versions-leave", {"It": resource("AWS::S3::Bucket", changed(LIFECYCLE, path, value))})


def test_versions_stay_long_enough_to_be_missed() -> None:
    soon = changed(LIFECYCLE, f"{RULE}.NoncurrentVersionExpiration.NoncurrentDays", 1)
    assert passes("RET-1.versions-kept", {"It": resource("AWS::S3::Bucket", LIFECYCLE)})
    assert failed("RET-1.versions-kept", {"It": resource("AWS::S3::Bucket", soon)})
    assert not failed("RET-1.versions-kept", {"It": resource("AWS::S3::Bucket", soon)}, stage="dev")


def test_a_lock_that_is_on_locks() -> None:
    retention = {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}}
    locked = {"ObjectLockEnabled": True, "ObjectLockConfiguration": retention}
    assert passes("RET-1.locks-hold", {"It": resource("AWS::S3::Bucket", locked)})
    short = changed(locked, "ObjectLockConfiguration.Rule.DefaultRetention.Days", 1)
    assert failed("RET-1.locks-hold", {"It": resource("AWS::S3::Bucket", short)})
    assert failed("RET-1.locks-hold", {"It": resource("AWS::S3::Bucket", {"ObjectLockEnabled": True})}, stage="dev")


def test_no_lifecycle_rule_empties_a_bucket_of_data() -> None:
    expiring = changed(LIFECYCLE, f"{RULE}.ExpirationInDays", 30)
    prefixed = changed(expiring, f"{RULE}.Prefix", "staged/")
    assert passes("RET-1.data-stay", {"It": resource("AWS::S3::Bucket", prefixed)})
    assert failed("RET-1.data-stay", {"It": resource("AWS::S3::Bucket", expiring)})
