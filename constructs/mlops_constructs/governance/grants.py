"""Grants, action by action and resource by resource.

The `grant_*` methods of the Level 2 constructs hand out `s3:GetObject*`, `kms:ReEncrypt*` and the like; these name each
action. Where a resource cannot be named, the kind of wildcard must be in `wildcards.REVIEWED`, and its waiver is
written beside the role.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Resource, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

from mlops_constructs.governance.known import asked_once, bucket_arn, key_arn, key_of, stack_of
from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import OBJECTS, Wildcard

Conditions = Mapping[str, Mapping[str, str | list[str]]]


def allow(role: iam.IRole, *actions: str, on: Sequence[str], conditions: Conditions | None = None) -> None:
    """Let a role do these actions on these ARNs.

    Raises:
        ValueError: An action or ARN is a bare wildcard: use `allow_wildcard` with a reviewed kind.
    """
    if vague := [name for name in (*actions, *on) if name == "*" or ("*" in name and name in actions)]:
        raise ValueError(f"{', '.join(vague)} is a wildcard: name action and resource, or use allow_wildcard()")
    iam.Grant.add_to_principal(grantee=role, actions=list(actions), resource_arns=list(on), conditions=conditions)


def allow_wildcard(
    role: iam.IRole, kind: Wildcard, *actions: str, on: str = "*", conditions: Conditions | None = None
) -> None:
    """Let a role do actions that have no resource level, or whose resources have no name yet.

    Args:
        kind: A reviewed kind of wildcard; it must allow the actions.
        actions: All actions of the kind by default.
        on: The narrowest ARN pattern there is.
        conditions: What narrows it further.
    """
    chosen = actions or tuple(sorted(kind.actions))
    if strange := sorted(set(chosen) - kind.actions):
        raise ValueError(
            f"{', '.join(strange)} is not among the actions reviewed for this wildcard: {sorted(kind.actions)}"
        )
    iam.Grant.add_to_principal(grantee=role, actions=list(chosen), resource_arns=[on], conditions=conditions)
    waive_wildcard(role, kind, flat(role, on))


def waive_wildcard(role: iam.IRole, kind: Wildcard, *resources: str) -> None:
    """Write the waivers of a wildcard beside its role (also for statements that a Level 2 construct adds by itself).

    Args:
        role: Who has the permission.
        kind: A reviewed kind of wildcard.
        resources: Patterns in the notation of cdk-nag's findings; `*` by default.
    """
    waive(
        role,
        *(
            Waiver(
                finding=f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]",
                reason=kind.reason,
                owner=kind.owner,
                review=kind.review,
            )
            for resource in resources or ("*",)
        ),
    )


def read_objects(bucket: s3.IBucket, role: iam.IRole, *prefixes: str) -> None:
    """Read and list the objects under prefixes (each ends in `/`), and decrypt with the bucket's key."""
    allow_objects(bucket, role, "s3:GetObject", prefixes=prefixes)
    list_objects(bucket, role, *prefixes)
    use_key(key_of(bucket), role, "kms:Decrypt")


def read_versions(bucket: s3.IBucket, role: iam.IRole, *prefixes: str) -> None:
    """As `read_objects`, and an object in the version that an event names, overwritten and deleted ones too."""
    read_objects(bucket, role, *prefixes)
    allow_objects(bucket, role, "s3:GetObjectVersion", prefixes=prefixes)


def write_objects(bucket: s3.IBucket, role: iam.IRole, *prefixes: str) -> None:
    """Write objects under prefixes and encrypt with the bucket's key (multipart uploads decrypt their parts)."""
    allow_objects(bucket, role, "s3:PutObject", "s3:AbortMultipartUpload", prefixes=prefixes)
    use_key(key_of(bucket), role, "kms:Decrypt", "kms:GenerateDataKey")


def list_objects(bucket: s3.IBucket, role: iam.IRole, *prefixes: str) -> None:
    """List a bucket, but only below the prefixes."""
    patterns = [f"{prefix}*" for prefix in _checked(prefixes)]
    allow(role, "s3:ListBucket", on=[bucket_arn(bucket)], conditions={"StringLike": {"s3:prefix": patterns}})


def allow_objects(bucket: s3.IBucket, role: iam.IRole, *actions: str, prefixes: Sequence[str]) -> None:
    """Let a role do object actions below prefixes of a bucket, with the waiver that the wildcard needs."""
    if strange := sorted(set(actions) - OBJECTS.actions):
        raise ValueError(
            f"{', '.join(strange)} is not an object action in the reviewed list: {sorted(OBJECTS.actions)}"
        )
    patterns = [f"{prefix}*" for prefix in _checked(prefixes)]
    arn = bucket_arn(bucket)
    allow(role, *actions, on=[f"{arn}/{pattern}" for pattern in patterns])
    waived = _flat_arn(bucket, stack_of(role))
    waive_wildcard(role, OBJECTS, *(f"{waived}/{pattern}" for pattern in patterns))


def use_key(key: kms.IKey | None, role: iam.IRole, *actions: str, conditions: Conditions | None = None) -> None:
    """Let a role use a key; nothing to do for a bucket that an imported reference shows without its key."""
    if key is not None:
        allow(role, *(actions or ("kms:Decrypt", "kms:GenerateDataKey")), on=[key_arn(key)], conditions=conditions)


def use_table_key(key: kms.IKey, role: iam.IRole) -> None:
    """Let a role use a DynamoDB table encrypted with a key, for which DynamoDB calls KMS in the role's name."""
    actions = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo")
    use_key(key, role, *actions, "kms:GenerateDataKey")


@asked_once
def _flat_arn(bucket: s3.IBucket, here: Stack) -> str:
    """ARN of a bucket in the notation of cdk-nag's findings, seen from the stack of whoever gets the permission."""
    arn, there = bucket_arn(bucket), stack_of(bucket)
    if here is not there and Resource.is_owned_resource(bucket):
        # The reference becomes an import when the app is synthesized; asking for it now gives the same export.
        return _flatten(here.resolve(there.export_value(arn)))
    return _flatten(here.resolve(arn))


def _checked(prefixes: Sequence[str]) -> Sequence[str]:
    if not prefixes:
        raise ValueError("name at least one prefix: a permission on a whole bucket is never what a role needs")
    return prefixes


def flat(scope: IConstruct, arn: str) -> str:
    """An ARN that may hold tokens, in the notation of cdk-nag's findings."""
    return _flatten(stack_of(scope).resolve(arn)) if "${" in arn else arn  # tokens only: asking costs a process hop


def _flatten(node: object) -> str:
    match node:
        case {"Fn::Join": [str(delimiter), list(items)]}:
            return delimiter.join(_flatten(item) for item in items)
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case {"Fn::ImportValue": name}:
            return _flatten(name)
        case {"Ref": str(name)}:
            return f"<{name}>"
        case str():
            return node.replace("${", "<").replace("}", ">")
    raise ValueError(f"cannot name {node!r} in a waiver")


def allow_names(
    role: iam.IRole, kind: Wildcard, *actions: str, on: Sequence[str], conditions: Conditions | None = None
) -> None:
    """Let a role do actions on resources that will be named by a pattern, with the waiver each pattern needs.

    Args:
        role: Who gets the permission.
        kind: The reviewed kind that holds the actions.
        actions: All actions of the kind by default.
        on: ARNs; a trailing `*` stands for the names a workflow gives (`training-job/<workload>-<environment>-*`).
        conditions: Conditions of the statement.

    Raises:
        ValueError: An action is not among the kind's, or a pattern is all wildcard.
    """
    chosen = actions or tuple(sorted(kind.actions))
    if strange := sorted(set(chosen) - kind.actions):
        raise ValueError(
            f"{', '.join(strange)} is not among the reviewed actions of this wildcard: {sorted(kind.actions)}"
        )
    allow(role, *chosen, on=on, conditions=conditions)
    if patterns := [pattern for arn in on if "*" in (pattern := flat(role, arn))]:
        waive_wildcard(role, kind, *patterns)
