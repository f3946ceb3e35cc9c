"""IAM-5 and IAM-6: every role has its limits, and nobody holds long-lived keys or somebody else's broad policies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.identities import IDENTITIES, PERMISSION_SET, ROLE, USER, Identity, graph_of
from mlops_constructs.compliance.policy import Statement, texts
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.iam_escalation import tame
from mlops_constructs.compliance.rules.iam_primitives import ONLY_TAKES_AWAY, TAKES_OVER
from mlops_constructs.compliance.rules.iam_wildcards import actions_of, nameless

_DATA = Path(__file__).parents[1] / "data" / "aws_managed_policies.json"
_OF_AWS = re.compile(r"arn:[\w-]+:iam::aws:policy/(?P<name>.+)")
_BROAD_NAME = re.compile(r"FullAccess|Administrator|PowerUser|(^|/)job-function/")
# Data of others that a role could carry out of the account, and what tells the two apart.
_CARRIES = "s3:PutObject"
_HOME = frozenset({"aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths"})
# Beyond what changes identities: what a boundary must never leave to a job, a function or a workflow.
_UNBOUNDED = (
    "dynamodb:DeleteBackup",
    "dynamodb:DeleteTable",
    "kms:CreateGrant",
    "kms:DisableKey",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "logs:DeleteLogGroup",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
)
_NOT_OURS = frozenset(
    {"scheduler:UpdateSchedule", "pipes:UpdatePipe", "glue:UpdateJob", "ssm:StartAutomationExecution"}
)


def _boundary(estate: Estate) -> Iterator[Judgement]:
    for resource in estate.of(ROLE, USER):
        boundary = resource.get("PermissionsBoundary")
        if not boundary:
            yield Judgement(
                resource, False, "none", "has no permissions boundary: nothing caps what its policies add up to"
            )
        elif _OF_AWS.fullmatch(str(boundary)):
            yield Judgement(resource, False, "of AWS", f"has {boundary} as boundary, which is no limit of ours")
        else:
            yield Judgement(resource, True)


def _path(estate: Estate) -> Iterator[Judgement]:
    for role in estate.of(ROLE):
        has = role.get("Path", "/") != "/"
        message = "" if has else "has no path: policies and reports cannot tell the environment's roles from others"
        yield Judgement(role, has, "" if has else "none", message)


def _boundary_limits(estate: Estate) -> Iterator[Judgement]:
    for policy, statements in graph_of(estate).boundaries.items():
        found = dict(_left_open(policy, statements))
        if not found:
            yield Judgement(policy, True)
        yield from (Judgement(policy, False, detail, message) for detail, message in found.items())


def _left_open(policy: Resource, statements: tuple[Statement, ...]) -> Iterator[tuple[str, str]]:
    identity = Identity(policy, boundary=statements)
    administration = sorted(a for a in actions_of("iam_actions_permissions.json") - ONLY_TAKES_AWAY if a[:4] == "iam:")
    for action in (*administration, *TAKES_OVER, *_UNBOUNDED):
        if action in _NOT_OURS or identity.bounded(action) or _tamed(action, statements):
            continue
        yield action, f"leaves {action} to every role under it"
    passing = [s for s in statements if s.allows and s.covers_action("iam:PassRole")]
    if any(nameless(pattern) for statement in passing for pattern in statement.resources):
        yield "iam:PassRole", "lets every role under it pass any role of the account"
    if not identity.bounded(_CARRIES) and not any(_keeps_home(statement) for statement in statements):
        yield _CARRIES, "lets every role under it write objects into buckets of other accounts"


def _tamed(action: str, statements: tuple[Statement, ...]) -> bool:
    """Whether what allows the action is conditioned, or a Deny takes back the dangerous half of it."""
    allowing = [s for s in statements if s.allows and s.covers_action(action)]
    if all(tame(action, statement) for statement in allowing):
        return True
    return action == "kms:CreateGrant" and any(
        not s.allows and s.covers_action(action) and any(c.key == "kms:grantisforawsresource" for c in s.conditions)
        for s in statements
    )


def _keeps_home(statement: Statement) -> bool:
    keys = {condition.key for condition in statement.conditions if condition.operator.startswith("stringnot")}
    if statement.allows:
        return False
    return statement.covers_action(_CARRIES) and "*" in statement.resources and not keys.isdisjoint(_HOME)


def _no_users(estate: Estate) -> Iterator[Judgement]:
    for resource in estate.of(*IDENTITIES):
        login = resource.type == USER
        message = "is a user: its password or keys live until somebody thinks of them" if login else ""
        yield Judgement(resource, not login, "user" if login else "", message)
    for key in estate.of("AWS::IAM::AccessKey"):
        yield Judgement(key, False, "access key", f"is a long-lived key of user {key.get('UserName')}")


@cache
def _broad() -> frozenset[str]:
    return frozenset(json.loads(_DATA.read_text())["broad"])


def _no_broad_policies(estate: Estate) -> Iterator[Judgement]:
    graph = graph_of(estate)
    for identity in graph.identities.values():
        yield from _broad_policies(identity.resource, identity.managed)
    for resource in estate.resources:
        if resource not in graph.identities and (arns := list(_attached(resource))):
            yield from _broad_policies(resource, arns)


def _attached(resource: Resource) -> Iterator[str]:
    """ARNs of AWS managed policies in any property that lists policies (a serverless function, a fleet ...)."""
    for name in ("Policies", "ManagedPolicyArns", "ManagedPolicies"):
        for text in texts(resource.get(name)):
            if _OF_AWS.fullmatch(text) or text in _broad():
                yield text


def _broad_policies(resource: Resource, arns: list[str]) -> Iterator[Judgement]:
    found = []
    for arn in arns:
        path = match["name"] if (match := _OF_AWS.fullmatch(arn)) else arn
        name = path.rsplit("/", 1)[-1]
        if name in _broad() or _BROAD_NAME.search(path):
            found.append(name)
    if not found:
        yield Judgement(resource, True)
    for name in sorted(set(found)):
        kind = "permission set" if resource.type == PERMISSION_SET else "identity"
        message = f"has {name} of AWS: whole services on every resource, and AWS adds to it, for this {kind}"
        yield Judgement(resource, False, name, message)


RULES: tuple[Rule, ...] = (
    Rule(
        id="IAM-5.boundary",
        title="Every role and user has a permissions boundary",
        rationale="A boundary holds even when a policy is wrong or somebody attaches another one.",
        remedy="Set PermissionsBoundary to the environment's boundary policy.",
        severity=Severity.MEDIUM,
        phase=Phase.REPEATABLE,
        check=_boundary,
    ),
    Rule(
        id="IAM-5.path",
        title="Every role lives under a path of its environment",
        rationale="Who may pass or assume roles, and which ones a report counts, is decided by path.",
        remedy="Set Path to /<platform>/<environment>/.",
        severity=Severity.LOW,
        phase=Phase.REPEATABLE,
        check=_path,
    ),
    Rule(
        id="IAM-5.boundary-limits",
        title="The boundary forbids changing identities, code, keys and carrying data out",
        rationale="A boundary that leaves these open limits nothing: each of them leads to all the others.",
        remedy="Deny the action in the boundary, or do not allow its service.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_boundary_limits,
        also=("IAM-2",),
    ),
    Rule(
        id="IAM-6.no-users",
        title="No users and no access keys",
        rationale="Long-lived keys leak, and nobody notices; roles give credentials that end by themselves.",
        remedy="Use IAM Identity Center or a role; give machines OIDC.",
        severity=Severity.HIGH,
        phase=Phase.INITIAL,
        check=_no_users,
    ),
    Rule(
        id="IAM-6.no-broad-managed-policies",
        title="No broad policies of AWS",
        rationale="FullAccess and job-function policies cover whole services, and AWS widens them without asking.",
        remedy="Write a policy with the actions and resources that are used.",
        severity=Severity.HIGH,
        phase=Phase.REPEATABLE,
        check=_no_broad_policies,
    ),
)
