"""Statements that deny, as plain data. Sids begin with the control id, without its hyphen: `ENC1...`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Statement = dict[str, object]
Condition = Mapping[str, Mapping[str, str | Sequence[str]]]
PLATFORM_ROLES = "arn:*:iam::*:role/mlops/*"


def deny(
    sid: str,
    *actions: str,
    on: Sequence[str] = ("*",),
    when: Condition | None = None,
    unless_by: Sequence[str] = (),
) -> Statement:
    """A statement of a service control policy that denies.

    Args:
        sid: Begins with the control id.
        actions: What is denied.
        on: Resources; everything by default.
        when: Further conditions, all of which must hold.
        unless_by: ARN patterns of principals it does not apply to.
    """
    conditions: dict[str, dict[str, object]] = {key: dict(value) for key, value in (when or {}).items()}
    if unless_by:
        conditions.setdefault("ArnNotLike", {})["aws:PrincipalArn"] = _one_or_many(unless_by)
    found: Statement = {"Sid": sid, "Effect": "Deny", "Action": _one_or_many(actions), "Resource": _one_or_many(on)}
    if conditions:
        found["Condition"] = conditions
    return found


def deny_to_resources(sid: str, *actions: str, when: Condition) -> Statement:
    """A statement of a resource control policy: denied to everyone for whom the conditions hold."""
    conditions = {key: dict(value) for key, value in when.items()}
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": _one_or_many(actions),
        "Resource": "*",
        "Condition": conditions,
    }


def document(statements: Sequence[Statement]) -> dict[str, object]:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _one_or_many(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
