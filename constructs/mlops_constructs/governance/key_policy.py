"""Key policies: who administers a key, who uses it, and which AWS service does for us, each in a statement of its own.

Administration is delegated to the IAM policies of the account, so that nobody can lock the account out of a key; it
holds no action that touches data. Use is delegated too, but only to roles whose ARN fits: an administrator who gives
himself `kms:Decrypt` in IAM still decrypts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct, IConstruct

from mlops_constructs.governance.known import place_of, service

ADMINISTER = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
    "kms:UpdatePrimaryRegion",
)
USE = (
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
# Services that use the key in the name of whoever creates an encrypted resource of theirs.
DEPLOYED_SERVICES = (
    "athena",
    "dynamodb",
    "elasticfilesystem",
    "events",
    "firehose",
    "glue",
    "kinesis",
    "lambda",
    "logs",
    "sagemaker",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
)
Conditions = Mapping[str, Mapping[str, str | list[str]]]


def key_policy(scope: Construct, *, users: Sequence[str] = (), deployers: Sequence[str] = ()) -> iam.PolicyDocument:
    """The policy of a new key.

    Args:
        scope: Tells account, region and partition.
        users: ARN patterns of the roles that may use the key when their IAM policy allows it too; every role of the
            account by default.
        deployers: ARN patterns of the roles that create encrypted resources; they use the key through the services
            that encrypt them, never directly. Nobody beyond the users by default.
    """
    return iam.PolicyDocument(statements=account_statements(scope, users=users, deployers=deployers))


def account_statements(
    scope: Construct, *, users: Sequence[str] = (), deployers: Sequence[str] = ()
) -> list[iam.PolicyStatement]:
    """The statements of `key_policy`, which several keys may share."""
    here = place_of(scope)
    account = iam.ArnPrincipal(f"arn:{here.partition}:iam::{here.account}:root")

    def allow(sid: str, actions: Sequence[str], conditions: Conditions | None = None) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid=sid, principals=[account], actions=list(actions), resources=["*"], conditions=conditions
        )

    only: dict[str, dict[str, str | list[str]]] = {"ArnLike": {"aws:PrincipalArn": list(users)}} if users else {}
    for_services: Conditions = {**only, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    statements = [
        allow("AccountAdministers", ADMINISTER),
        allow("RolesUse", USE, only or None),
        allow("RolesGrantToServices", ["kms:CreateGrant"], for_services),
    ]
    if deployers:
        services = [f"{name}.{here.region}.amazonaws.com" for name in DEPLOYED_SERVICES]
        through: Conditions = {
            "ArnLike": {"aws:PrincipalArn": list(deployers)},
            "StringEquals": {"kms:ViaService": services},
        }
        statements.append(allow("DeploymentsUseThroughServices", [*USE, "kms:CreateGrant"], through))
    return statements


def allow_log_encryption(key: kms.IKey) -> None:
    """Let CloudWatch Logs encrypt log groups of this account and region with the key, and deliver workflow logs."""
    for statement in log_statements(key):
        key.add_to_resource_policy(statement)


def log_statements(scope: IConstruct) -> list[iam.PolicyStatement]:
    """The statements of `allow_log_encryption`, which several keys may share.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html.
    """
    here = place_of(scope)
    return [
        _let(
            "LogGroupsOfThisAccount",
            [f"logs.{here.region}.amazonaws.com"],
            [*USE, "kms:DescribeKey"],
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": here.arn("logs", "log-group:*")}},
        ),
        # Step Functions encrypts what it hands to log delivery in the name of the workflow's role, with this very
        # context (the star is part of the value), so that nothing else decrypts with it.
        # https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
        _let(
            "WorkflowLogsOfThisAccount",
            ["delivery.logs.amazonaws.com"],
            ["kms:Decrypt"],
            {"StringEquals": {"kms:EncryptionContext:SourceArn": here.arn("logs", "*")}},
        ),
    ]


def allow_event_services(key: kms.IKey) -> None:
    """Let EventBridge (buses, archives, dead letters) and CloudWatch alarms of this account use the key."""
    for statement in event_statements(key):
        key.add_to_resource_policy(statement)


def event_statements(scope: IConstruct) -> list[iam.PolicyStatement]:
    """The statements of `allow_event_services`, which several keys may share.

    The encryption context names the bus, topic or queue of this account. Not `aws:SourceAccount`: EventBridge does not
    send it along when a topic or queue encrypts what it delivers, and the event would be lost.
    """
    here = place_of(scope)
    events = "events.amazonaws.com"
    bus = {"kms:EncryptionContext:aws:events:event-bus:arn": here.arn("events", "event-bus/*")}
    topics = {"kms:EncryptionContext:aws:sns:topicArn": here.arn("sns", "*")}
    queues = {"kms:EncryptionContext:aws:sqs:arn": here.arn("sqs", "*")}
    exchange = ["kms:Decrypt", "kms:GenerateDataKey"]
    moves = [*exchange, "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    return [
        _let("EventBusesOfThisAccount", [events], moves, {"ArnLike": bus}),
        # Creating a bus or an archive looks at the key before there is a bus to name.
        _let("EventBridgeLooks", [events], ["kms:DescribeKey"], None),
        _let("TopicsOfThisAccount", [events, "cloudwatch.amazonaws.com"], exchange, {"ArnLike": topics}),
        _let("QueuesOfThisAccount", [events, "sns.amazonaws.com"], exchange, {"ArnLike": queues}),
    ]


def _let(
    sid: str, services: Sequence[str], actions: Sequence[str], conditions: Conditions | None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid,
        principals=[service(name) for name in services],
        actions=list(actions),
        resources=["*"],
        conditions=conditions,
    )
