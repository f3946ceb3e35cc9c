"""Inventory of roles: who may take them, what they may do, where, and under which boundary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.evidence.places import place, short
from mlops_constructs.compliance.policy import Statement, parse, texts

Row = dict[str, Any]
_ATTACHED = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")


def role_inventory(estate: Estate) -> list[Row]:
    """One row per role: trust, actions, resources, conditions, boundary, path."""
    attached = _attachments(estate)
    return [_row(estate, role, attached) for role in estate.of("AWS::IAM::Role")]


def _row(estate: Estate, role: Resource, attached: Mapping[str, list[Statement]]) -> Row:
    statements, elsewhere = _granted(estate, role)
    statements += attached.get(role.path, [])
    allowed = [each for each in statements if each.allows]
    return {
        **place(role),
        "trust": sorted(set(_trust(role))),
        "actions": sorted({action for each in allowed for action in each.actions}),
        "resources": sorted({_name(estate, arn) for each in allowed for arn in each.resources}),
        "inverted": sorted(
            {"NotAction" for each in allowed if each.not_actions}
            | {"NotResource" for each in allowed if each.not_resources}
        ),
        "statements": len(allowed),
        "conditional": sum(1 for each in allowed if each.conditions),
        "denies": len(statements) - len(allowed),
        "managed_elsewhere": sorted(elsewhere),
        "boundary": _name(estate, str(role.get("PermissionsBoundary") or "")),
        "iam_path": str(role.get("Path") or "/"),
    }


def _granted(estate: Estate, role: Resource) -> tuple[list[Statement], list[str]]:
    """Statements the role itself holds, and the managed policies whose text is not in these templates."""
    statements = [each for document in role.values("Policies.*.PolicyDocument") for each in parse(document)]
    elsewhere = []
    for arn in texts(role.get("ManagedPolicyArns")):
        policy = estate.find(arn)
        if policy is None:
            elsewhere.append(arn)
        else:
            statements += parse(policy.get("PolicyDocument"))
    return statements, elsewhere


def _attachments(estate: Estate) -> dict[str, list[Statement]]:
    """Statements by the path of the role that another resource attaches them to."""
    found: dict[str, list[Statement]] = {}
    for policy in estate.of(*_ATTACHED):
        for name in (*texts(policy.get("Roles")), *texts(policy.get("RoleName"))):
            role = estate.find(name, "AWS::IAM::Role")
            if role is not None:
                found.setdefault(role.path, []).extend(parse(policy.get("PolicyDocument")))
    return found


def _trust(role: Resource) -> Iterator[str]:
    for statement in parse(role.get("AssumeRolePolicyDocument")):
        if not statement.allows:
            continue
        only = f" if {', '.join(sorted(each.key for each in statement.conditions))}" if statement.conditions else ""
        yield from (f"{each.kind}: {each.value}{only}" for each in statement.principals)
        yield from (f"everyone but {each.kind}: {each.value}{only}" for each in statement.not_principals)


def _name(estate: Estate, reference: str) -> str:
    """The construct behind an ARN where the estate holds it, else the ARN."""
    if (found := estate.find(reference)) is not None:
        return short(found.path)
    base, slash, rest = reference.partition("/")
    found = estate.find(base) if slash else None
    return reference if found is None else f"{short(found.path)} {slash}{rest}"
