"""Which resource and which condition keys a request is about, where the emulator's own answer differs from AWS's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from ..patches import replace

if TYPE_CHECKING:
    from ..runtime import Runtime

MODULE = "ministack.core.iam_actions"
_LOGS_TAGGING = {"TagResource", "UntagResource", "ListTagsForResource"}


def register(runtime: Runtime) -> None:
    """Corrects resources and adds condition keys of requests."""

    def resources(original: Any) -> Any:
        def extract(
            service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any, *rest: Any
        ) -> str:
            found = of_request(runtime, service, path, headers, body, query)
            return found[0] if found else str(original(service, method, path, headers, body, query, *rest))

        return extract

    def conditions(original: Any) -> Any:
        def extract(service: str, action: str, body: bytes, query: dict[str, Any]) -> dict[str, Any]:
            context: dict[str, Any] = original(service, action, body, query)
            given = parameters({}, body, query)
            if action == "cloudwatch:PutMetricData" and given.get("Namespace"):
                context["cloudwatch:namespace"] = given["Namespace"]
            if service == "kms":
                context["kms:CallerAccount"] = runtime.account
                context["kms:GrantIsForAWSResource"] = "false"
                for key, value in (given.get("EncryptionContext") or {}).items():
                    context[f"kms:EncryptionContext:{key}"] = value
            if action == "events:PutEvents":
                entries = given.get("Entries") or []
                for key, member in (("events:source", "Source"), ("events:detail-type", "DetailType")):
                    context[key] = sorted({entry.get(member, "") for entry in entries})
            return context

        return extract

    replace(MODULE, "extract_resource_arn", resources)
    replace(MODULE, "request_tag_context", conditions)


def of_request(
    runtime: Runtime, service: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> list[str]:
    """ARNs of what a request is about; none where the emulator's own answer is right."""
    own = _RESOURCES.get(service)
    if own is None:
        return []
    prefix = f"{runtime.region}:{runtime.account}"
    return own(prefix, _operation(path, headers, query), parameters(headers, body, query))


def parameters(headers: dict[str, str], body: bytes, query: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a request in JSON or form encoding; lists of the query protocol are joined."""
    if body[:1] == b"{":
        try:
            parsed = json.loads(body)
            return parsed if isinstance(parsed, dict) else {}
        except ValueError:
            return {}
    form = parse_qs(body.decode("utf-8", "replace")) if b"Action=" in body else {}
    found: dict[str, Any] = {}
    for name, values in sorted({**query, **form}.items()):
        key, _, index = name.partition(".member.")
        value = values[0] if isinstance(values, list) and values else values
        if index:
            found.setdefault(key, []).append(value)
        else:
            found[name] = value
    return found


def _operation(path: str, headers: dict[str, str], query: dict[str, Any]) -> str:
    target = headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2]
    if "/operation/" in path:
        return path.rpartition("/operation/")[2]
    action = query.get("Action", "")
    return str(action[0] if isinstance(action, list) else action)


def _ecr(prefix: str, operation: str, given: dict[str, Any]) -> list[str]:
    return [f"arn:aws:ecr:{prefix}:repository/{name}" for name in _names(given, "repositoryName", "repositoryNames")]


def _logs(prefix: str, operation: str, given: dict[str, Any]) -> list[str]:
    if operation in _LOGS_TAGGING:
        return []
    groups = [
        *_names(given, "logGroupName", "logGroupNames"),
        *(
            identifier.rpartition(":log-group:")[2]
            for identifier in _names(given, "logGroupIdentifier", "logGroupIdentifiers")
        ),
    ]
    # As in AWS's own denials: policies on groups end in `:*`, and that must match.
    stream = given.get("logStreamName", "")
    return [f"arn:aws:logs:{prefix}:log-group:{group}:log-stream:{stream}" for group in groups]


def _iam(prefix: str, operation: str, given: dict[str, Any]) -> list[str]:
    from ministack.services import iam

    role = iam._roles.get(given.get("RoleName", ""))
    return [str(role["Arn"])] if role else []


def _kms(prefix: str, operation: str, given: dict[str, Any]) -> list[str]:
    from .kms import key_arn

    arn = key_arn(str(given["KeyId"])) if given.get("KeyId") else None
    return [arn] if arn else []


def _ssm(prefix: str, operation: str, given: dict[str, Any]) -> list[str]:
    return [f"arn:aws:ssm:{prefix}:parameter/{name.strip('/')}" for name in _names(given, "Path", "Names")]


def _monitoring(prefix: str, operation: str, given: dict[str, Any]) -> list[str]:
    return [f"arn:aws:cloudwatch:{prefix}:alarm:{name}" for name in _names(given, "AlarmName", "AlarmNames")]


def _athena(prefix: str, operation: str, given: dict[str, Any]) -> list[str]:
    from ministack.services import athena

    known = [athena._executions.get(name) or {} for name in _names(given, "QueryExecutionId", "QueryExecutionIds")]
    return [f"arn:aws:athena:{prefix}:workgroup/{each.get('WorkGroup', 'primary')}" for each in known]


def _names(given: dict[str, Any], one: str, several: str) -> list[str]:
    """What a request names by the parameter for one thing, else by the one for several."""
    return [str(given[one])] if given.get(one) else [str(name) for name in given.get(several) or []]


_RESOURCES: dict[str, Callable[[str, str, dict[str, Any]], list[str]]] = {
    "athena": _athena,
    "ecr": _ecr,
    "iam": _iam,
    "kms": _kms,
    "logs": _logs,
    "monitoring": _monitoring,
    "ssm": _ssm,
}
