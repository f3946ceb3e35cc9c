"""Zone: one bucket of the data lake; and the bucket for access logs."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlops_constructs.governance.grants import allow, allow_objects
from mlops_constructs.governance.known import bucket_arn, days, minutes, place_of, service
from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import OWNER, REVIEW
from mlops_constructs.orchestration.function import PlatformFunction

_PACKS = ("NIST.800.53.R5", "HIPAA.Security")


class Zone(s3.Bucket):
    """A private, versioned bucket, encrypted with the given key, that takes requests over TLS only.

    Args:
        encryption_key: Key of every object; a bucket key keeps the number of KMS requests small.
        access_log_bucket: Where S3 logs each request; it must let S3 do so, as `AccessLogBucket` does.
        event_bridge: Send object events to the account's default event bus; off by default.
        retain: Keep the bucket and its data when the stack is deleted. True by default.
        noncurrent_days: Days until an overwritten or deleted version is gone.
        expire: Days after which current objects are deleted, by prefix; none by default. `""` is the whole bucket.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        encryption_key: kms.IKey,
        access_log_bucket: s3.IBucket,
        event_bridge: bool = False,
        retain: bool = True,
        noncurrent_days: int = 90,
        expire: dict[str, int] | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=encryption_key,
            bucket_key_enabled=True,
            versioned=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="Versions",
                    noncurrent_version_expiration=days(noncurrent_days),
                    abort_incomplete_multipart_upload_after=days(7),
                    expired_object_delete_marker=True,
                ),
                *(
                    s3.LifecycleRule(id=f"Expire{number}", prefix=prefix or None, expiration=days(age))
                    for number, (prefix, age) in enumerate((expire or {}).items())
                ),
            ],
        )
        # Not `server_access_logs_bucket`: depending on a feature flag it opens an ACL or writes a policy per bucket.
        self.resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=access_log_bucket.bucket_name, log_file_prefix=f"{id.lower()}/"
        )
        if event_bridge:
            # Not `event_bridge_enabled`: that brings a helper function to set what CloudFormation knows by itself.
            self.resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
                event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
            )
        waive(self, *(_not_replicated(pack) for pack in _PACKS))

    @property
    def resource(self) -> s3.CfnBucket:
        """The Level 1 resource below."""
        child = self.node.default_child
        if not isinstance(child, s3.CfnBucket):
            raise TypeError(f"{self.node.path} has no bucket resource below it, but {child!r}")
        return child


class AccessLogBucket(s3.Bucket):
    """Where S3 server access logs of other buckets go. Kept a year by default.

    Encrypted by S3's own key: log delivery does not write to buckets whose default is a customer key.

    Args:
        retain: Keep the bucket when the stack is deleted. True by default.
        days: Days until a log is deleted.
    """

    def __init__(self, scope: Construct, id: str, *, retain: bool = True, days: int = 365) -> None:
        super().__init__(
            scope,
            id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            versioned=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="Logs",
                    expiration=Duration.days(days),
                    noncurrent_version_expiration=Duration.days(1),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LogsOfThisAccount",
                principals=[service("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects("*")],
                conditions={"StringEquals": {"aws:SourceAccount": place_of(self).account}},
            )
        )
        own_log = "This bucket holds the access logs; logging it into itself would never end."
        waive(
            self,
            *(_not_replicated(pack) for pack in _PACKS),
            *(_waiver(pack, f"{pack}-S3BucketLoggingEnabled", own_log) for pack in _PACKS),
            _waiver("AwsSolutions", "AwsSolutions-S1", own_log),
            *(
                _waiver(
                    pack,
                    f"{pack}-S3DefaultEncryptionKMS",
                    "Server access logs are delivered only to buckets encrypted with S3's own key.",
                )
                for pack in _PACKS
            ),
        )


# Emptying a bucket is a permission on all of it, which nothing but this function ever has.
_EMPTYING = (
    "IAM-1.named-resources[s3:DeleteObject-on-s3-every-object-of-a-bucket]",
    "IAM-1.named-resources[s3:DeleteObjectVersion-on-s3-every-object-of-a-bucket]",
    "IAM-1.narrowed-by-condition[s3:ListBucketVersions]",
)


class BucketEmptier(Construct):
    """Deletes every object version of buckets when the stack is deleted, so that the buckets can go too.

    The function runs outside any VPC: when it is needed, a VPC of the same app may be going too.
    Nothing but deliberate construction (`retain=False`) creates it: a retained bucket has no code that could empty it.

    Args:
        buckets: The buckets, which must have the removal policy DESTROY.
        encryption_key: Key of the function's environment and logs.
        log_key: Key of its log group; the encryption key by default.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        buckets: Sequence[s3.Bucket],
        encryption_key: kms.IKey,
        log_key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.function = PlatformFunction(
            self,
            "Emptier",
            folder="bucket_emptier",
            environment={},
            encryption_key=encryption_key,
            log_key=log_key,
            timeout=minutes(15),
        )
        role = self.function.role
        reason = "The bucket goes with its stack, and CloudFormation deletes only a bucket that holds nothing."
        waive(role, *(_waiver("MLOps", finding, reason) for finding in _EMPTYING))
        for bucket in buckets:
            allow(role, "s3:ListBucketVersions", on=[bucket_arn(bucket)])
            allow_objects(bucket, role, "s3:DeleteObject", "s3:DeleteObjectVersion", prefixes=[""])
            resource = CustomResource(
                self,
                f"Empty{bucket.node.id}",
                resource_type="Custom::BucketEmptier",
                service_token=self.function.function_arn,
                properties={"BucketName": bucket.bucket_name},
            )
            resource.node.add_dependency(bucket, self.function)


def _waiver(pack: str, rule: str, reason: str) -> Waiver:
    return Waiver(finding=f"{pack}::{rule}", reason=reason, owner=OWNER, review=REVIEW)


def _not_replicated(pack: str) -> Waiver:
    reason = "Versioned within one region, where the data may not leave; recovery is from versions and the raw zone."
    return _waiver(pack, f"{pack}-S3BucketReplicationEnabled", reason)
