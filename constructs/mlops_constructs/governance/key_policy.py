"""Key policies: who administers a key, who uses it, and which AWS service does for us, each in a statement of its own.

Administration is delegated to the IAM policies of the account, so that nobody can lock the account out of a key; it
holds no action that touches data. Use is delegated too, but only to roles whose ARN fits: an administrator who gives
himself `kms:Decrypt` in IAM still decrypts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

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
    "dynamodb",
    "elasticfilesystem",
    "events",
    "firehose",
    "glue",
    "kinesis",
    "lambda",
    "logs",
    "sagemaker",
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
    stack = Stack.of(scope)
    account = iam.ArnPrincipal(f"arn:{stack.partition}:iam::{stack.account}:root")

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
        services = [f"{name}.{stack.region}.amazonaws.com" for name in DEPLOYED_SERVICES]
        through: Conditions = {
            "ArnLike": {"aws:PrincipalArn": list(deployers)},
            "StringEquals": {"kms:ViaService": services},
        }
        statements.append(allow("DeploymentsUseThroughServices", [*USE, "kms:CreateGrant"], through))
    return iam.PolicyDocument(statements=statements)


def allow_log_encryption(key: kms.IKey) -> None:
    """Let CloudWatch Logs encrypt log groups of this account and region with the key, and deliver workflow logs.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html.
    """
    stack = Stack.of(key)
    logs = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}"
    _let(
        key,
        "LogGroupsOfThisAccount",
        [f"logs.{stack.region}.amazonaws.com"],
        [*USE, "kms:DescribeKey"],
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"{logs}:log-group:*"}},
    )
    # Step Functions encrypts what it hands to log delivery in the name of the workflow's role, with this very context
    # (the star is part of the value), so that nothing else decrypts with it.
    # https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
    _let(
        key,
        "WorkflowLogsOfThisAccount",
        ["delivery.logs.amazonaws.com"],
        ["kms:Decrypt"],
        {"StringEquals": {"kms:EncryptionContext:SourceArn": f"{logs}:*"}},
    )


def allow_event_services(key: kms.IKey) -> None:
    """Let EventBridge (buses, archives, dead letters) and CloudWatch alarms of this account use the key.

    The encryption context names the bus, topic or queue of this account. Not `aws:SourceAccount`: EventBridge does not
    send it along when a topic or queue encrypts what it delivers, and the event would be lost.
    """
    stack = Stack.of(key)
    own = f"{stack.region}:{stack.account}"
    events = "events.amazonaws.com"
    bus = {"kms:EncryptionContext:aws:events:event-bus:arn": f"arn:{stack.partition}:events:{own}:event-bus/*"}
    topics = {"kms:EncryptionContext:aws:sns:topicArn": f"arn:{stack.partition}:sns:{own}:*"}
    queues = {"kms:EncryptionContext:aws:sqs:arn": f"arn:{stack.partition}:sqs:{own}:*"}
    exchange = ["kms:Decrypt", "kms:GenerateDataKey"]
    moves = [*exchange, "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    _let(key, "EventBusesOfThisAccount", [events], moves, {"ArnLike": bus})
    # Creating a bus or an archive looks at the key before there is a bus to name.
    _let(key, "EventBridgeLooks", [events], ["kms:DescribeKey"], None)
    _let(key, "TopicsOfThisAccount", [events, "cloudwatch.amazonaws.com"], exchange, {"ArnLike": topics})
    _let(key, "QueuesOfThisAccount", [events, "sns.amazonaws.com"], exchange, {"ArnLike": queues})


def _let(
    key: kms.IKey, sid: str, services: Sequence[str], actions: Sequence[str], conditions: Conditions | None
) -> None:
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            principals=[iam.ServicePrincipal(service) for service in services],
            actions=list(actions),
            resources=["*"],
            conditions=conditions,
        )
    )
