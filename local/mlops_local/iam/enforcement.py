"""Records every decision of the emulator's policy evaluation, and authorizes what AWS services do by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..patches import replace
from .usage import Decision, UsageLog

if TYPE_CHECKING:
    from ..runtime import Runtime

_ASSUMED = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/")


def register(runtime: Runtime) -> None:
    """Makes `iam_evaluator.enforce` write to `runtime.usage`."""

    def recording(original: Any) -> Any:
        def enforce(
            access_key: str,
            iam_action: str,
            service: str,
            region: str,
            resource_arn: str = "*",
            service_context: dict[str, Any] | None = None,
        ) -> Any:
            result = original(access_key, iam_action, service, region, resource_arn, service_context)
            _record(runtime.usage, access_key, iam_action, resource_arn, result)
            return result

        return enforce

    def secure(original: Any) -> Any:
        # TLS would end in front of the services; on the loopback it never starts. Policies that demand it are met.
        return lambda client, _over_tls: original(client, True)

    def of_roles(original: Any) -> Any:
        def resolve(key: str, context: Any) -> Any:
            value = original(key, context)
            # In a session of a role AWS compares the ARN of the role, path and all, not that of the session.
            return _role_arn(str(value)) if key.lower() == "aws:principalarn" else value

        return resolve

    replace("ministack.core.iam_evaluator", "enforce", recording)
    # Signatures of the root are checked like those of anybody else.
    replace("ministack.core.iam_evaluator", "_is_root_key", lambda _: lambda key: False)
    replace("ministack.core.iam_evaluator", "_resolve_condition_key", of_roles)
    replace("ministack.app", "pin_request_origin", secure)


def _record(usage: UsageLog, access_key: str, action: str, resource: str, result: Any) -> None:
    from ministack.core.iam_evaluator import AuthError
    from ministack.services import sts

    session = sts._sessions.get(access_key)
    if session is None or isinstance(result, AuthError):
        return
    caller = str(session.get("Arn", ""))
    if _ASSUMED.match(caller):
        usage.record(Decision(_role_arn(caller), action, resource, result is None))


def _role_arn(principal: str) -> str:
    """ARN of the role that a session is of; any other principal as it is."""
    from ministack.services import iam

    match = _ASSUMED.match(principal)
    if match is None:
        return principal
    role = iam._roles.get_scoped(match.group(1), None, match.group(2)) or {}
    return str(role.get("Arn") or f"arn:aws:iam::{match.group(1)}:role/{match.group(2)}")


_SILENT = ("sns", "events.amazonaws.com")


def resource_policy_allows(
    service: str,
    action: str,
    resource_arn: str,
    principal: str,
    source_arn: str,
    account: str,
    encryption_context: Mapping[str, str] | None = None,
) -> bool:
    """Whether a resource's own policy lets an AWS service act on it.

    Args:
        service: Owner of the resource: `sqs`, `sns`, `lambda`, `kms`.
        action: For example `sqs:SendMessage`.
        resource_arn: The queue, topic, function or key.
        principal: The calling service, for example `events.amazonaws.com`.
        source_arn: The rule or schedule it acts for (`aws:SourceArn`); EventBridge does not tell a topic.
        account: Account of the source (`aws:SourceAccount`); EventBridge does not tell a topic.
        encryption_context: Of a request to KMS that a queue or topic makes for the calling service. Such a request
            tells neither source account nor source ARN.
    """
    from ministack.core import iam_evaluator

    found = iam_evaluator._resource_policy(service, resource_arn)
    if found is None:
        return False
    origin = {"aws:sourcearn": source_arn, "aws:sourceaccount": account, "aws:sourceowner": account}
    context: Mapping[str, Any] = {
        **({} if encryption_context or (service, principal) == _SILENT else origin),
        **{f"kms:encryptioncontext:{key}".lower(): value for key, value in (encryption_context or {}).items()},
        "aws:principalservicename": principal,
        "aws:principalisawsservice": "true",
        "kms:viaservice": "",
    }
    evaluation = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource_arn,
        region="us-east-1",
        secure_transport=True,
        service_context=dict(context),
    )
    result = iam_evaluator.evaluate_resource_policy(found[0], evaluation, service=principal)
    return bool(result.decision == "Allow")
