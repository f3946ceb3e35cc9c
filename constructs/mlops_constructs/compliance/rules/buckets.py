"""What several rules ask about S3 buckets: who receives logs, which policy belongs to which bucket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.policy import Statement, parse

_LOG_DELIVERY = "logging.s3.amazonaws.com"


def receives_access_logs(estate: Estate, bucket: Resource) -> bool:
    """Whether S3 delivers the access logs of other buckets into this one.

    Such a bucket is special: delivery fails when its default encryption is a customer's key, and logging it into
    itself would never end.
    """
    if bucket.type != "AWS::S3::Bucket":
        return False
    destinations = (each.get("LoggingConfiguration.DestinationBucketName") for each in estate.of("AWS::S3::Bucket"))
    if any(estate.find(name, "AWS::S3::Bucket") is bucket for name in destinations):
        return True
    return any(
        statement.allows
        and statement.covers_action("s3:PutObject")
        and any(principal.value == _LOG_DELIVERY for principal in statement.principals)
        for statement in policies(estate, bucket)
    )


def locked_days(bucket: Resource) -> int:
    """Days for which Object Lock keeps every new object from deletion and change; 0 without such a default."""
    retention = bucket.get("ObjectLockConfiguration.Rule.DefaultRetention")
    if not isinstance(retention, Mapping) or retention.get("Mode") not in ("COMPLIANCE", "GOVERNANCE"):
        return 0
    days, years = str(retention.get("Days", 0)), str(retention.get("Years", 0))
    return (int(days) if days.isdigit() else 0) + 365 * (int(years) if years.isdigit() else 0)


def policies(estate: Estate, bucket: Resource) -> Iterator[Statement]:
    """Yield the statements of the policies attached to a bucket."""
    for policy in estate.of("AWS::S3::BucketPolicy"):
        if estate.find(policy.get("Bucket"), "AWS::S3::Bucket") is bucket:
            yield from parse(policy.get("PolicyDocument"))
