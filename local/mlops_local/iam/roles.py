"""Temporary credentials for the roles of the templates, given only to the services their trust policies name."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from collections.abc import Mapping
from typing import Any

from ..errors import AssumeRoleDenied

_ROLE_ARN = re.compile(r"arn:aws:iam::(\d{12}):role/(?:.+/)?([^/]+)$")


def role_name(role_arn: str) -> str:
    """The name in a role's ARN, without its path.

    Raises:
        AssumeRoleDenied: the text is no role ARN.
    """
    match = _ROLE_ARN.match(role_arn or "")
    if not match:
        raise AssumeRoleDenied(role_arn, "sts:AssumeRole", role_arn, message=f"{role_arn!r} is not the ARN of a role")
    return match.group(2)


def find_role(role_arn: str) -> dict[str, Any] | None:
    """The role with exactly this ARN (path included), or None."""
    from ministack.services import iam

    account = role_arn.split(":")[4]
    role: dict[str, Any] | None = iam._roles.get_scoped(account, None, role_name(role_arn))
    return role if role is not None and role.get("Arn") == role_arn else None


def trusts_service(role: Mapping[str, Any], service_principal: str, context: Mapping[str, Any]) -> bool:
    """Whether a role's trust policy lets a service assume it; a matching Deny wins."""
    from ministack.core import iam_evaluator as evaluator

    document = role.get("AssumeRolePolicyDocument") or {}
    if isinstance(document, str):
        document = json.loads(document)
    statements = document.get("Statement", [])
    keys = {key.lower(): value for key, value in context.items()}
    account = str(role["Arn"]).split(":")[4]
    evaluation = evaluator.EvalContext(
        principal_arn=service_principal,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role["Arn"],
        region="us-east-1",
        service_context=keys,
    )
    allowed = False
    for statement in [statements] if isinstance(statements, dict) else statements:
        actions = statement.get("Action", [])
        if not evaluator._action_matches("sts:AssumeRole", [actions] if isinstance(actions, str) else actions, []):
            continue
        if not evaluator._service_principal_matches(statement.get("Principal"), service_principal):
            continue
        if not evaluator._conditions_met(statement.get("Condition", {}), evaluation):
            continue
        if statement.get("Effect") == "Deny":
            return False
        allowed = True
    return allowed


class RoleSessions:
    """Keeps one set of temporary credentials per role, service and session name."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._keys: dict[tuple[str, str, str], dict[str, str]] = {}
        self._lock = threading.Lock()

    def credentials(
        self, role_arn: str, service_principal: str, session_name: str, context: Mapping[str, Any]
    ) -> dict[str, str]:
        """Credentials as `aws_access_key_id`, `aws_secret_access_key`, `aws_session_token`.

        Raises:
            AssumeRoleDenied: no such role, or its trust policy doesn't name the service.
        """
        role = find_role(role_arn)
        if role is None or not trusts_service(role, service_principal, context):
            reason = "does not exist" if role is None else "has a trust policy that does not allow it"
            message = f"{service_principal} can't assume {role_arn}: the role {reason}"
            raise AssumeRoleDenied(service_principal, "sts:AssumeRole", role_arn, message=message)
        session_name = re.sub(r"[^\w+=,.@-]", "-", session_name)[:64]
        with self._lock:
            key = (role["RoleId"], service_principal, session_name)
            if key not in self._keys:
                self._keys[key] = self._register(role, session_name)
            return self._keys[key]

    def _register(self, role: Mapping[str, Any], session_name: str) -> dict[str, str]:
        from ministack.services import sts

        name = role["RoleName"]
        access_key = "ASIA" + hashlib.sha256(secrets.token_bytes(16)).hexdigest()[:16].upper()
        secret, token = secrets.token_hex(20), secrets.token_hex(32)
        sts.register_session(
            access_key,
            {
                "Arn": f"arn:aws:sts::{self._account}:assumed-role/{name}/{session_name}",
                "UserId": f"{role['RoleId']}:{session_name}",
                "SecretAccessKey": secret,
                "SessionToken": token,
            },
        )
        return {"aws_access_key_id": access_key, "aws_secret_access_key": secret, "aws_session_token": token}
