"""From template properties to API parameters: CloudFormation writes numbers and booleans as text and other cases."""

from __future__ import annotations

from typing import Any

from ..errors import LocalAwsError


def to_request(shape: Any, value: Any, where: str) -> Any:
    """Properties as the operation's input wants them.

    Args:
        shape: botocore shape.
        value: Property value of the template, resolved.
        where: For messages: type and property path.

    Raises:
        LocalAwsError: the API has no such member, so the property would be dropped silently.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        request: dict[str, Any] = {}
        for key, item in value.items():
            name = members.get(key.lower())
            if name is None:
                raise LocalAwsError(f"{where}.{key} has no counterpart in the API: the local AWS would ignore it")
            request[name] = to_request(shape.members[name], item, f"{where}.{key}")
        return request
    if kind == "list" and isinstance(value, list):
        return [to_request(shape.member, item, where) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: to_request(shape.value, item, where) for key, item in value.items()}
    return _scalar(kind, value)


def _scalar(kind: str, value: Any) -> Any:
    if kind in ("integer", "long") and isinstance(value, (str, float)):
        return int(value)
    if kind in ("float", "double") and isinstance(value, (str, int)) and not isinstance(value, bool):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if kind == "string" and isinstance(value, bool):
        return str(value).lower()
    if kind == "string" and isinstance(value, (int, float)):
        return str(value)
    return value
