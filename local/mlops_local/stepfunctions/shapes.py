"""Between state data and botocore: member names, numbers, blobs and timestamps."""

from __future__ import annotations

import datetime
import json
from typing import Any

from .errors import TaskError


def to_request(shape: Any, value: Any, where: str) -> Any:
    """Task arguments as botocore wants them; members are written in PascalCase for every service.

    Args:
        shape: The botocore shape of the value.
        value: From the state's `Arguments` or `Parameters`.
        where: For messages, for example `glue:startJobRun`.

    Raises:
        TaskError: `States.Runtime` when a member is unknown.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = {_pascal(name): (name, member) for name, member in shape.members.items()}
        unknown = sorted(key for key in value if _pascal(key) not in members)
        if unknown:
            raise TaskError(
                "States.Runtime",
                f"{where}: the field {', '.join(unknown)} is not supported, {shape.name} has {', '.join(members)}",
            )
        return {
            members[_pascal(key)][0]: to_request(members[_pascal(key)][1], item, where)
            for key, item in value.items()
            if item is not None
        }
    if kind == "list" and isinstance(value, list):
        return [to_request(shape.member, item, where) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: to_request(shape.value, item, where) for key, item in value.items()}
    return _scalar(kind, value)


def _scalar(kind: str, value: Any) -> Any:
    if kind == "blob":
        return value.encode() if isinstance(value, str) else json.dumps(value).encode()
    if kind in ("integer", "long") and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind in ("float", "double") and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind == "string" and isinstance(value, (dict, list)):
        return json.dumps(value)  # an object where text is wanted, as `Input` of startExecution
    return value


def to_result(value: Any) -> Any:
    """A response as state data: PascalCase members, text for blobs, ISO 8601 for times."""
    if isinstance(value, dict):
        return {key: to_result(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_result(item) for item in value]
    if isinstance(value, datetime.datetime):
        text = value.astimezone(datetime.UTC).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z").replace(".000Z", "Z")
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if hasattr(value, "read"):
        return value.read().decode("utf-8", errors="replace")
    return value


def pascal_result(shape: Any, value: Any) -> Any:
    """Renames a response's members to PascalCase where the shape is a structure; keys of maps stay."""
    kind = shape.type_name if shape is not None else ""
    if kind == "structure" and isinstance(value, dict):
        return {
            _pascal(key): pascal_result(shape.members.get(key), item)
            for key, item in value.items()
            if key in shape.members
        }
    if kind == "list" and isinstance(value, list):
        return [pascal_result(shape.member, item) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: pascal_result(shape.value, item) for key, item in value.items()}
    return to_result(value)


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]
