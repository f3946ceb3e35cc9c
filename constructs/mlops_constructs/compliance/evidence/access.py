"""Inventory of roles: who may take them, what they may do, where, and under which boundary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.evidence.places import place, short
from mlops_constructs.compliance.grants import granted
from mlops_constructs.compliance.policy import Statement, parse, texts

Row = dict[str, Any]


def role_inventory(estate: Estate) -> list[Row]:
    """One row per role: trust, actions, resources, conditions, boundary, path."""
    held = granted(estate)
    return [_row(estate, role, held[role.path]) for role in estate.of("AWS::IAM::Role")]


def _row(estate: Estate, role: Resource, statements: Sequence[Statement]) -> Row:
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
        "managed_elsewhere": _elsewhere(estate, role),
        "boundary": _name(estate, str(role.get("PermissionsBoundary") or "")),
        "iam_path": str(role.get("Path") or "/"),
    }


def _elsewhere(estate: Estate, role: Resource) -> list[str]:
    """Managed policies whose text is in none of these templates."""
    return sorted(arn for arn in texts(role.get("ManagedPolicyArns")) if estate.find(arn) is None)


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
