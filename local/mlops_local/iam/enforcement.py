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

    replace("ministack.core.iam_evaluator", "enforce", recording)
    replace("ministack.app", "pin_request_origin", secure)


def _record(usage: UsageLog, access_key: str, action: str, resource: str, result: Any) -> None:
    from ministack.core.iam_evaluator import AuthError
    from ministack.services import iam, sts

    session = sts._sessions.get(access_key)
    if session is None or isinstance(result, AuthError):
        return
    match = _ASSUMED.match(str(session.get("Arn", "")))
    if match is None:
        return
    role = iam._roles.get_scoped(match.group(1), None, match.group(2)) or {}
    arn = role.get("Arn") or f"arn:aws:iam::{match.group(1)}:role/{match.group(2)}"
    usage.record(Decision(arn, action, resource, result is None))


def resource_policy_allows(
    service: str, action: str, resource_arn: str, principal: str, source_arn: str, account: str
) -> bool:
    """Whether a resource's own policy lets an AWS service act on it.

    Args:
        service: Owner of the resource: `sqs`, `sns`, `lambda`, `kms`.
        action: For example `sqs:SendMessage`.
        resource_arn: The queue, topic, function or key.
        principal: The calling service, for example `events.amazonaws.com`.
        source_arn: The rule or schedule it acts for (`aws:SourceArn`).
        account: Account of the source (`aws:SourceAccount`).
    """
    from ministack.core import iam_evaluator

    found = iam_evaluator._resource_policy(service, resource_arn)
    if found is None:
        return False
    context: Mapping[str, Any] = {
        "aws:sourcearn": source_arn,
        "aws:sourceaccount": account,
        "aws:sourceowner": account,
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
