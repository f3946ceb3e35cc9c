"""Trail: every call in the account, encrypted, signed and locked against deletion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aws_cdk import RemovalPolicy
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlops_constructs.datalake.zone import Zone
from mlops_constructs.governance.grants import allow
from mlops_constructs.governance.known import Place, place_of
from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import OWNER, REVIEW

Insight = Literal["ApiCallRateInsight", "ApiErrorRateInsight"]
_PACKS = ("NIST.800.53.R5", "HIPAA.Security")


@dataclass(frozen=True, kw_only=True)
class ObjectLock:
    """How long nobody can delete a file of the trail.

    Args:
        days: Days from its delivery.
        mode: `compliance`: nobody at all, not even the root user, and it cannot be shortened. `governance`: nobody
            without `s3:BypassGovernanceRetention`.
    """

    days: int
    mode: Literal["compliance", "governance"] = "governance"


class Trail(Construct):
    """A trail over all regions: management events, object events of buckets, calls of functions.

    The trail must be named: key and bucket policies address it before it exists, and no other trail may use them.

    Args:
        name: Name of the trail.
        encryption_key: Key of the files; the statements that CloudTrail needs are added to its policy.
        access_log_bucket: Where S3 logs each request to the trail's bucket.
        object_lock: How long files cannot be deleted.
        keep_days: Days until a file is deleted; at least those of the lock.
        buckets: Buckets whose object events are logged; none by default.
        function_prefix: Calls of functions whose name begins so are logged; none by default.
        insights: Anomalies that CloudTrail looks for in management events; none by default.
        log_key: Copy the events to a log group under this key, for a year; no log group by default.

    Attributes:
        bucket: The `Zone` of the files, kept when the stack is deleted.
        trail: The `cloudtrail.CfnTrail`.
        log_group: The `logs.LogGroup`, or None.

    Raises:
        ValueError: `keep_days` ends before the lock does.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        encryption_key: kms.IKey,
        access_log_bucket: s3.IBucket,
        object_lock: ObjectLock,
        keep_days: int,
        buckets: Sequence[s3.IBucket] = (),
        function_prefix: str | None = None,
        insights: Sequence[Insight] = (),
        log_key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, id)
        if keep_days < object_lock.days:
            raise ValueError(f"keep_days must be at least {object_lock.days}, the days of the lock; got {keep_days}")
        here = place_of(self)
        self._arn = here.arn("cloudtrail", f"trail/{name}")
        allow_trail_encryption(encryption_key, name)
        self.bucket = self._bucket(encryption_key, access_log_bucket, object_lock, keep_days)
        self.log_group: logs.LogGroup | None = None
        role: iam.Role | None = None
        if log_key:
            self.log_group, role = self._logs(log_key)
        self.trail = cloudtrail.CfnTrail(
            self,
            "Resource",
            trail_name=name,
            is_logging=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            kms_key_id=encryption_key.key_arn,
            s3_bucket_name=self.bucket.bucket_name,
            advanced_event_selectors=_selectors(here, buckets, function_prefix),
            insight_selectors=[cloudtrail.CfnTrail.InsightSelectorProperty(insight_type=each) for each in insights]
            or None,
            cloud_watch_logs_log_group_arn=self.log_group.log_group_arn if self.log_group else None,
            cloud_watch_logs_role_arn=role.role_arn if role else None,
        )
        if self.bucket.policy:
            self.trail.node.add_dependency(self.bucket.policy)
        if role:
            self.trail.node.add_dependency(role)
        else:
            waive(self.trail, *_without_log_group())

    def _bucket(self, key: kms.IKey, access_logs: s3.IBucket, lock: ObjectLock, keep_days: int) -> Zone:
        bucket = Zone(
            self, "Files", encryption_key=key, access_log_bucket=access_logs, noncurrent_days=30, expire={"": keep_days}
        )
        bucket.resource.object_lock_enabled = True
        bucket.resource.object_lock_configuration = s3.CfnBucket.ObjectLockConfigurationProperty(
            object_lock_enabled="Enabled",
            rule=s3.CfnBucket.ObjectLockRuleProperty(
                default_retention=s3.CfnBucket.DefaultRetentionProperty(mode=lock.mode.upper(), days=lock.days)
            ),
        )
        own = {"aws:SourceArn": self._arn}
        principal = iam.ServicePrincipal("cloudtrail.amazonaws.com")
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TrailLooks",
                principals=[principal],
                actions=["s3:GetBucketAcl"],
                resources=[bucket.bucket_arn],
                conditions={"StringEquals": own},
            )
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TrailWrites",
                principals=[principal],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(f"AWSLogs/{place_of(self).account}/*")],
                conditions={"StringEquals": {**own, "s3:x-amz-acl": "bucket-owner-full-control"}},
            )
        )
        return bucket

    def _logs(self, key: kms.IKey) -> tuple[logs.LogGroup, iam.Role]:
        group = logs.LogGroup(
            self,
            "Events",
            encryption_key=key,
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=RemovalPolicy.RETAIN,
        )
        role = iam.Role(
            self,
            "EventsRole",
            assumed_by=iam.ServicePrincipal(
                "cloudtrail.amazonaws.com", conditions={"StringEquals": {"aws:SourceArn": self._arn}}
            ),
        )
        allow(role, "logs:CreateLogStream", "logs:PutLogEvents", on=[group.log_group_arn])
        return group, role


def allow_trail_encryption(key: kms.IKey, trail_name: str) -> None:
    """Let one trail of this account and region encrypt with the key.

    See https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html; decrypting
    is what a bucket with a bucket key asks for.
    """
    here = place_of(key)
    own = here.arn("cloudtrail", f"trail/{trail_name}")
    trails = f"arn:{here.partition}:cloudtrail:*:{here.account}:trail/*"
    principal = iam.ServicePrincipal("cloudtrail.amazonaws.com")
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="TrailEncrypts",
            principals=[principal],
            actions=["kms:GenerateDataKey"],
            resources=["*"],
            conditions={
                "StringEquals": {"aws:SourceArn": own},
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails},
            },
        )
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="TrailLooks",
            principals=[principal],
            actions=["kms:DescribeKey", "kms:Decrypt"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceArn": own}},
        )
    )


def _selectors(
    here: Place, buckets: Sequence[s3.IBucket], function_prefix: str | None
) -> list[cloudtrail.CfnTrail.AdvancedEventSelectorProperty]:
    fields = cloudtrail.CfnTrail.AdvancedFieldSelectorProperty
    selector = cloudtrail.CfnTrail.AdvancedEventSelectorProperty
    found = [
        selector(name="Management events", field_selectors=[fields(field="eventCategory", equal_to=["Management"])])
    ]
    data = fields(field="eventCategory", equal_to=["Data"])
    if buckets:
        prefixes = [bucket.arn_for_objects("") for bucket in buckets]
        kind = fields(field="resources.type", equal_to=["AWS::S3::Object"])
        where = fields(field="resources.ARN", starts_with=prefixes)
        found.append(selector(name="Objects of the lake", field_selectors=[data, kind, where]))
    if function_prefix:
        prefix = here.arn("lambda", f"function:{function_prefix}")
        kind = fields(field="resources.type", equal_to=["AWS::Lambda::Function"])
        where = fields(field="resources.ARN", starts_with=[prefix])
        found.append(selector(name="Calls of functions", field_selectors=[data, kind, where]))
    return found


def _without_log_group() -> list[Waiver]:
    reason = "Files in S3 and events on the bus are what is read; a third copy in a log group was not asked for."
    return [
        Waiver(finding=f"{pack}::{pack}-CloudTrailCloudWatchLogsEnabled", reason=reason, owner=OWNER, review=REVIEW)
        for pack in _PACKS
    ]
