"""ConfigRecorder: the history of every resource's configuration; ConformancePack: the rules that judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from aws_cdk import Aws, Stack
from aws_cdk import aws_config as config
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from mlops_constructs.audit.rule import ConfigRule
from mlops_constructs.datalake.zone import Zone

PACK_RULES = 130
_ROLE = "aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"


class ConfigRecorder(Construct):
    """Records the configuration of all resource types of the account and region, with a bucket of its own.

    AWS allows one recorder per account and region. Its bucket has no Object Lock: AWS Config does not deliver to a
    bucket that has it. Items in AWS Config itself are kept for 7 years; CloudFormation cannot set another period.

    Args:
        encryption_key: Key of the files; the statements that AWS Config needs are added to its policy.
        access_log_bucket: Where S3 logs each request to the bucket.
        keep_days: Days until a file is deleted.
        frequency: `continuous` records each change, `daily` the last state of a day (fewer items to pay for).
        service_linked_role: `create` it, or `existing` when the account ever used AWS Config: it can exist only once.

    Attributes:
        bucket: The `Zone` of snapshots and history, kept when the stack is deleted.
        recorder: The `config.CfnConfigurationRecorder`.
        channel: The `config.CfnDeliveryChannel`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        encryption_key: kms.IKey,
        access_log_bucket: s3.IBucket,
        keep_days: int = 2557,
        frequency: Literal["continuous", "daily"] = "continuous",
        service_linked_role: Literal["create", "existing"] = "create",
    ) -> None:
        super().__init__(scope, id)
        allow_config_delivery(encryption_key)
        self.bucket = self._bucket(encryption_key, access_log_bucket, keep_days)
        self.recorder = config.CfnConfigurationRecorder(
            self,
            "Resource",
            role_arn=f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{_ROLE}",
            recording_group=config.CfnConfigurationRecorder.RecordingGroupProperty(
                all_supported=True, include_global_resource_types=True
            ),
            recording_mode=config.CfnConfigurationRecorder.RecordingModeProperty(recording_frequency=frequency.upper()),
        )
        # Neither waits for the other: the recorder is only stable when there is a channel, which needs a recorder. Both
        # wait for the same, so that neither is asked for long before the other.
        self.channel = config.CfnDeliveryChannel(
            self,
            "Channel",
            s3_bucket_name=self.bucket.bucket_name,
            s3_kms_key_arn=encryption_key.key_arn,
            config_snapshot_delivery_properties=config.CfnDeliveryChannel.ConfigSnapshotDeliveryPropertiesProperty(
                delivery_frequency="TwentyFour_Hours"
            ),
        )
        needed: list[IConstruct] = [self.bucket.policy] if self.bucket.policy else []
        if service_linked_role == "create":
            needed.append(iam.CfnServiceLinkedRole(self, "Role", aws_service_name="config.amazonaws.com"))
        self.recorder.node.add_dependency(*needed)
        self.channel.node.add_dependency(*needed)

    def _bucket(self, key: kms.IKey, access_logs: s3.IBucket, keep_days: int) -> Zone:
        bucket = Zone(
            self,
            "History",
            encryption_key=key,
            access_log_bucket=access_logs,
            noncurrent_days=30,
            expire={"": keep_days},
        )
        account = Stack.of(self).account
        principal = iam.ServicePrincipal("config.amazonaws.com")
        own = {"aws:SourceAccount": account}
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="ConfigLooks",
                principals=[principal],
                actions=["s3:GetBucketAcl", "s3:ListBucket"],
                resources=[bucket.bucket_arn],
                conditions={"StringEquals": own},
            )
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="ConfigWrites",
                principals=[principal],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(f"AWSLogs/{account}/Config/*")],
                conditions={"StringEquals": {**own, "s3:x-amz-acl": "bucket-owner-full-control"}},
            )
        )
        return bucket


class ConformancePack(Construct):
    """The rules that apply to an environment, in one pack: each begins with the id of its control.

    Args:
        name: Name of the pack.
        recorder: What records the configuration that the rules judge.
        rules: The rules, for example those of `rules_data.RULES` that apply.
        values: Values of placeholders in parameters: `{"log_days": "365"}`.

    Attributes:
        rules: The rules of the pack.
        pack: The `config.CfnConformancePack`.

    Raises:
        ValueError: There are more rules than a pack takes, none at all, or a parameter has no value.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        recorder: ConfigRecorder,
        rules: Sequence[ConfigRule],
        values: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        if not 1 <= len(rules) <= PACK_RULES:
            raise ValueError(f"rules: got {len(rules)}; a conformance pack takes 1 to {PACK_RULES}")
        self.rules = tuple(rules)
        body = Stack.of(self).to_json_string(pack_template(rules, values or {}))
        self.pack = config.CfnConformancePack(self, "Resource", conformance_pack_name=name, template_body=body)
        self.pack.node.add_dependency(recorder.recorder)


def pack_template(rules: Sequence[ConfigRule], values: Mapping[str, str]) -> dict[str, object]:
    """The template of a conformance pack.

    Raises:
        ValueError: A parameter has a placeholder without a value.
    """
    return {
        "Resources": {
            "".join(part.title() for part in rule.name.split("-")): {
                "Type": "AWS::Config::ConfigRule",
                "Properties": _properties(rule, values),
            }
            for rule in rules
        }
    }


def _properties(rule: ConfigRule, values: Mapping[str, str]) -> dict[str, object]:
    source: dict[str, object] = {"Owner": "AWS", "SourceIdentifier": rule.identifier}
    if rule.policy:
        source = {
            "Owner": "CUSTOM_POLICY",
            "SourceDetails": [{"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}],
            "CustomPolicyDetails": {"PolicyRuntime": "guard-2.x.x", "PolicyText": rule.policy.strip()},
        }
    found: dict[str, object] = {
        "ConfigRuleName": rule.name,
        "Description": f"{rule.control}: {rule.why}",
        "Source": source,
    }
    if rule.types:
        found["Scope"] = {"ComplianceResourceTypes": list(rule.types)}
    if rule.parameters:
        try:
            found["InputParameters"] = {name: text.format_map(values) for name, text in rule.parameters.items()}
        except KeyError as error:
            raise ValueError(f"{rule.name}: give a value for {error} in `values`") from None
    return found


def allow_config_delivery(key: kms.IKey) -> None:
    """Let AWS Config of this account encrypt what it delivers with the key."""
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="ConfigDelivers",
            principals=[iam.ServicePrincipal("config.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(key).account}},
        )
    )
