"""Values of a template: known or not, and how CloudFormation writes and compares them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

NOTHING: Final = object()  # what AWS::NoValue leaves of a property


class Unknown(str):
    """A value known only at deployment; its text says where it will come from, like `${Parameter}`."""

    __slots__ = ()


def is_true(value: object) -> bool:
    """Whether CloudFormation takes the value for true, as a boolean or as the text `true`."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def is_false(value: object) -> bool:
    """Whether CloudFormation takes the value for false, as a boolean or as the text `false`."""
    return value is False or (isinstance(value, str) and value.lower() == "false")


def default_of(name: str, parameter: Mapping[str, Any]) -> Any:
    """Return what `Ref` gives for a parameter: its default, unknown if it has none."""
    kind, default = str(parameter.get("Type", "String")), parameter.get("Default")
    if default is None or kind.startswith("AWS::SSM::"):
        return Unknown(f"${{{name}}}")
    if kind.startswith("List<") or kind == "CommaDelimitedList":
        return [each.strip() for each in text(default).split(",")]
    if text(default).lower() in ("true", "false"):
        return text(default).lower() == "true"
    if kind == "Number" and re.fullmatch(r"-?\d+", text(default)):
        return int(text(default))
    return text(default)


def text(value: object) -> str:
    """Return a value as CloudFormation writes it into text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def like(result: str, *parts: object) -> str:
    """Return text made of parts: what has an unknown part is unknown."""
    return Unknown(result) if any(isinstance(part, Unknown) for part in parts) else result


def equal(left: Any, right: Any) -> bool | None:
    """Whether `Fn::Equals` holds; None if that is known only at deployment."""
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return True if left == right else None
    return text(left) == text(right)
