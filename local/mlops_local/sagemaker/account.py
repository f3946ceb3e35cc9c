"""What every part of the local SageMaker shares: ARNs, tags, permission checks, events."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3

from ..awsjson import Request, ServiceError
from ..errors import AssumeRoleDenied
from ..runtime import Runtime

PRINCIPAL = "sagemaker.amazonaws.com"

Record = dict[str, Any]


def now() -> datetime:
    """The time of the local AWS, with zone."""
    return datetime.now(UTC)


def invalid(message: str) -> ServiceError:
    """The error SageMaker gives for nearly everything."""
    return ServiceError("ValidationException", message)


class Account:
    """One SageMaker account: the runtime plus the tags of all resources."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._tags: dict[str, dict[str, str]] = {}

    def arn(self, kind: str, name: str) -> str:
        """ARN of a resource; SageMaker writes names in ARNs in lower case."""
        return f"arn:aws:sagemaker:{self.runtime.region}:{self.runtime.account}:{kind}/{name.lower()}"

    def authorize(self, request: Request, arn: str, context: Mapping[str, Any] | None = None) -> None:
        """Checks the caller's permission for the request's own operation."""
        self.runtime.authorize(request.headers, f"sagemaker:{request.operation}", arn, context)

    def authorize_create(self, request: Request, arn: str, context: Mapping[str, Any] | None = None) -> None:
        """Checks a creation: the operation, and `AddTags` when the request carries tags."""
        tags = {tag["Key"]: tag["Value"] for tag in request.parameters.get("Tags", [])}
        keys: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        keys |= {"aws:TagKeys": list(tags)} if tags else {}
        self.authorize(request, arn, {**keys, **(context or {})})
        if tags:
            self.runtime.authorize(request.headers, "sagemaker:AddTags", arn, keys)

    def role(self, request: Request, role_arn: str, source_arn: str) -> boto3.Session:
        """The session of a role the caller passes; checks `iam:PassRole` and the role's trust.

        Raises:
            ServiceError: the role can't be assumed by SageMaker.
        """
        self.runtime.pass_role(request.headers, role_arn, PRINCIPAL)
        try:
            return self.session(role_arn, source_arn)
        except AssumeRoleDenied as denied:
            raise invalid(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                f"'{PRINCIPAL}' to assume the role. ({denied.message})"
            ) from denied

    def session(self, role_arn: str, source_arn: str) -> boto3.Session:
        """A session as an execution role, as the service itself makes one."""
        return self.runtime.session_for_role(role_arn, PRINCIPAL, "SageMaker", source_arn)

    def add_tags(self, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
        """Adds or overwrites tags of a resource."""
        self._tags.setdefault(arn, {}).update({tag["Key"]: tag["Value"] for tag in tags})

    def drop_tags(self, arn: str) -> None:
        """Forgets the tags of a deleted resource."""
        self._tags.pop(arn, None)

    def tags(self, arn: str) -> dict[str, str]:
        """Tags of a resource."""
        return dict(self._tags.get(arn, {}))

    def event(self, detail_type: str, arn: str, record: Mapping[str, Any], fields: Iterable[str]) -> None:
        """Puts a state change on the default bus: the named fields of the record, times in milliseconds."""
        detail = {name: milliseconds(record[name]) for name in fields if record.get(name) is not None}
        self.runtime.put_event("aws.sagemaker", detail_type, {**detail, "Tags": self.tags(arn)}, [arn])

    def tag_operation(self, request: Request) -> dict[str, Any]:
        """AddTags, DeleteTags and ListTags."""
        arn = request.parameters["ResourceArn"]
        self.authorize(request, arn)
        if request.operation == "AddTags":
            self.add_tags(arn, request.parameters["Tags"])
        elif request.operation == "DeleteTags":
            for key in request.parameters["TagKeys"]:
                self._tags.get(arn, {}).pop(key, None)
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags(arn).items()]}


def milliseconds(value: Any) -> Any:
    """A value as SageMaker's events write it: times as epoch milliseconds, at any depth."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: milliseconds(item) for key, item in value.items()}
    return [milliseconds(item) for item in value] if isinstance(value, list) else value


def refuse_unsupported(parameters: Mapping[str, Any], supported: Iterable[str], operation: str) -> None:
    """Refuses a request that asks for something the local SageMaker would silently not do."""
    left = sorted(name for name in set(parameters) - set(supported) if parameters[name] not in (None, [], {}, False))
    if left:
        raise invalid(f"the local AWS does not do {', '.join(left)} of {operation}: leave it out locally")


def page(
    records: Iterable[Record],
    parameters: Mapping[str, Any],
    *,
    sort_keys: Mapping[str, str],
    default_sort: str,
    default_order: str = "Descending",
    name_field: str = "",
) -> tuple[list[Record], str | None]:
    """One page of a list operation: time and name filters, sorting, `NextToken`.

    Args:
        records: What there is; filters special to an operation are applied already.
        parameters: The request's; `CreationTimeAfter`, `NameContains`, `SortBy`, `MaxResults` ... are honoured.
        sort_keys: `SortBy` value to record field.
        default_sort: `SortBy` when the request has none.
        default_order: `SortOrder` when the request has none.
        name_field: Record field `NameContains` searches, in any case.

    Returns:
        The page and the token of the next one, or None.
    """
    chosen = [record for record in records if _in_window(record, parameters)]
    if wanted := parameters.get("NameContains"):
        chosen = [record for record in chosen if re.search(re.escape(wanted), record[name_field], re.IGNORECASE)]
    field = sort_keys[parameters.get("SortBy", default_sort)]
    descending = parameters.get("SortOrder", default_order) == "Descending"
    chosen.sort(key=lambda record: (record[field], record["CreationTime"]), reverse=descending)
    token = parameters.get("NextToken") or "0"
    if not token.isdigit():
        raise invalid("Invalid pagination token provided")
    start, size = int(token), parameters.get("MaxResults", 10)
    return chosen[start : start + size], str(start + size) if start + size < len(chosen) else None


def _in_window(record: Record, parameters: Mapping[str, Any]) -> bool:
    for field, key in (("CreationTime", "CreationTime"), ("LastModifiedTime", "LastModifiedTime")):
        after, before = parameters.get(f"{key}After"), parameters.get(f"{key}Before")
        stamp = record[field].timestamp() if field in record else time.time()
        if (after is not None and stamp <= _epoch(after)) or (before is not None and stamp >= _epoch(before)):
            return False
    return True


def _epoch(value: Any) -> float:
    if isinstance(value, int | float):
        return float(value)
    return datetime.fromisoformat(str(value)).timestamp()
