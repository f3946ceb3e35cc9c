"""The intrinsic functions of CloudFormation, one by one; `resolve` puts them to work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from mlops_constructs.compliance.template import Template
from mlops_constructs.compliance.values import Unknown, like, text

_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")


class Scope(Protocol):
    """What a function needs of the template it stands in."""

    template: Template

    def resolve(self, value: Any) -> Any:
        """Return the value with every function in it replaced."""

    def reference(self, name: str) -> Any:
        """Return what `Ref` gives."""

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what `Fn::GetAtt` gives."""

    def condition(self, value: Any) -> bool | None:
        """Return whether a condition holds, None if nobody can tell yet."""

    def imported(self, name: object) -> Any:
        """Return what another stack exports."""

    def mapping(self, name: object) -> Mapping[str, Mapping[str, Any]]:
        """Return one table of the template's mappings."""


def _join(scope: Scope, argument: Any) -> Any:
    delimiter, items = argument
    parts = scope.resolve(items)
    if not isinstance(parts, list):
        return Unknown(text(parts))
    return like(str(delimiter).join(map(text, parts)), *parts)


def _sub(scope: Scope, argument: Any) -> Any:
    pattern, given = argument if isinstance(argument, list) else (argument, {})
    known = scope.resolve(given)
    parts: list[object] = []

    def replace(found: re.Match[str]) -> str:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        name = name.strip()
        if name in known:
            part = known[name]
        elif "." in name:
            part = scope.attribute(*name.split(".", 1))
        else:
            part = scope.reference(name)
        parts.append(part)
        return text(part)

    return like(_PLACEHOLDER.sub(replace, str(pattern)), *parts)


def _get_att(scope: Scope, argument: Any) -> Any:
    logical_id, name = argument.split(".", 1) if isinstance(argument, str) else argument
    return scope.attribute(logical_id, text(scope.resolve(name)))


def _select(scope: Scope, argument: Any) -> Any:
    index, items = map(scope.resolve, argument)
    if isinstance(items, list) and re.fullmatch(r"\d+", text(index)) and int(index) < len(items):
        return items[int(index)]
    return Unknown(f"{text(items)}[{text(index)}]")


def _split(scope: Scope, argument: Any) -> Any:
    delimiter, value = argument
    whole = scope.resolve(value)
    if not isinstance(whole, str):
        return Unknown(text(whole))
    parts = whole.split(str(delimiter))
    # `${A}:b` keeps what is known: the parts without a placeholder are as certain as before.
    return [Unknown(each) if isinstance(whole, Unknown) and "${" in each else each for each in parts]


def _if(scope: Scope, argument: Any) -> Any:
    name, when_true, when_false = argument
    holds = scope.condition(name)
    if holds is not None:
        return scope.resolve(when_true if holds else when_false)
    first, second = scope.resolve(when_true), scope.resolve(when_false)
    return first if first == second else Unknown(f"${{If:{name}}}")


def _find_in_map(scope: Scope, argument: Any) -> Any:
    name, top, second, *more = map(scope.resolve, argument)
    found = scope.mapping(name).get(text(top), {}).get(text(second))
    if found is not None:
        return scope.resolve(found)
    fallback = more[0].get("DefaultValue") if more and isinstance(more[0], Mapping) else None
    return Unknown(f"${{FindInMap:{name}.{text(top)}.{text(second)}}}") if fallback is None else fallback


def _zones(scope: Scope, argument: Any) -> Any:
    region = scope.resolve(argument) or scope.template.region
    return [f"{text(region)}{letter}" for letter in "abc"]


def _cidr(scope: Scope, argument: Any) -> Any:
    block, count, *_ = map(scope.resolve, argument)
    number = int(text(count)) if re.fullmatch(r"\d+", text(count)) else 1
    return [Unknown(f"${{Cidr:{text(block)}:{index}}}") for index in range(number)]


def _length(scope: Scope, argument: Any) -> Any:
    items = scope.resolve(argument)
    return len(items) if isinstance(items, list) else Unknown(f"${{Length:{text(items)}}}")


def _to_json(scope: Scope, argument: Any) -> Any:
    value = scope.resolve(argument)
    return like(json.dumps(value, separators=(",", ":")), *_leaves(value))


def _leaves(value: Any) -> Iterable[object]:
    if isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(each)
    else:
        yield value


def _transform(scope: Scope, argument: Any) -> Any:
    return Unknown(f"${{Transform:{argument.get('Name') if isinstance(argument, Mapping) else argument}}}")


FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Ref": lambda scope, name: scope.reference(str(name)),
    "Fn::Base64": lambda scope, argument: scope.resolve(argument),  # rules read it, nothing runs it
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _zones,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": lambda scope, name: scope.imported(scope.resolve(name)),
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json,
    "Fn::Transform": _transform,
}
