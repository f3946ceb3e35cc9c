"""Intrinsic functions folded into the text they will become, across all templates of one environment.

What the templates alone cannot tell (a parameter without default, a condition on one, an import from elsewhere)
becomes `Unknown`, so that a rule can say so instead of guessing. Parameters with a default take it: the template's
author chose it. Conditions never remove a resource: it is judged as if it were made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mlops_constructs.compliance.names import Form, Ref, form_of

ACCOUNT, REGION = "111122223333", "us-east-1"
NOTHING: Final = object()  # what AWS::NoValue leaves of a property
_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")


class Unknown(str):
    """A value known only at deployment; its text says where it will come from, like `${Parameter}`."""

    __slots__ = ()


def is_true(value: object) -> bool:
    """Whether CloudFormation takes the value for true, as a boolean or as the text `true`."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def is_false(value: object) -> bool:
    """Whether CloudFormation takes the value for false, as a boolean or as the text `false`."""
    return value is False or (isinstance(value, str) and value.lower() == "false")


@dataclass(frozen=True, kw_only=True)
class Template:
    """One template and what is known about it beside its text.

    Args:
        stack: Name of the stack.
        body: The template.
        file: Name of its file.
        paths: Construct path by logical id, where the CDK wrote one.
        lines: Line of each logical id in the file.
        account: Account it is deployed to.
        region: Region it is deployed to.
    """

    stack: str
    body: Mapping[str, Any]
    file: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    account: str = ACCOUNT
    region: str = REGION

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """The resources by logical id."""
        found: Mapping[str, Mapping[str, Any]] = self.body.get("Resources") or {}
        return found


class Resolver:
    """Resolves the values of every template of an environment; a reference is the same text in all of them."""

    def __init__(self, templates: Iterable[Template]) -> None:
        self._scopes = {template.stack: Scope(template, self) for template in templates}
        self._exports: dict[str, tuple[Scope, Any]] | None = None
        owners: dict[tuple[str, str], list[str]] = {}
        for scope in self._scopes.values():
            for logical_id, resource in scope.template.resources.items():
                owners.setdefault((str(resource.get("Type")), logical_id), []).append(scope.template.stack)
        self._shared = {key for key, stacks in owners.items() if len(stacks) > 1}

    def scope(self, stack: str) -> Scope:
        """Return the scope of one stack."""
        return self._scopes[stack]

    def is_shared(self, kind: str, logical_id: str) -> bool:
        """Whether several stacks have a resource of this type and logical id."""
        return (kind, logical_id) in self._shared

    def imported(self, name: object) -> Any:
        """Return the value exported under a name by any of the templates."""
        if self._exports is None:
            self._exports = {}
            for scope in self._scopes.values():
                for output in (scope.template.body.get("Outputs") or {}).values():
                    if "Export" in output:
                        self._exports[str(scope.resolve(output["Export"].get("Name")))] = (scope, output.get("Value"))
        if isinstance(name, str) and name in self._exports:
            scope, value = self._exports[name]
            return scope.resolve(value)
        return Unknown(f"${{ImportValue:{name}}}")


class Scope:
    """One template, and what its intrinsic functions see."""

    def __init__(self, template: Template, resolver: Resolver) -> None:
        self.template = template
        self._resolver = resolver
        self._ids: dict[str, str | None] = {}
        self._parameters: Mapping[str, Mapping[str, Any]] = template.body.get("Parameters") or {}
        self._pseudo: dict[str, object] = {
            "AWS::AccountId": template.account,
            "AWS::Region": template.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": template.stack,
            "AWS::StackId": f"arn:aws:cloudformation:{template.region}:{template.account}:stack/{template.stack}/id",
            "AWS::NoValue": NOTHING,
            "AWS::NotificationARNs": Unknown("${AWS::NotificationARNs}"),
        }

    def resolve(self, value: Any) -> Any:
        """Return the value with every intrinsic function replaced by what it gives."""
        if isinstance(value, Mapping):
            if len(value) == 1:
                ((name, argument),) = value.items()
                if function := FUNCTIONS.get(name):
                    return function(self, argument)
            pairs = ((key, self.resolve(each)) for key, each in value.items())
            return {key: each for key, each in pairs if each is not NOTHING}
        if isinstance(value, list):
            return [each for each in map(self.resolve, value) if each is not NOTHING]
        return value

    def physical_id(self, logical_id: str) -> str:
        """Return the name the resource has or, where CloudFormation generates one, its logical id."""
        if logical_id not in self._ids:
            self._ids[logical_id] = None  # a name made of the resource itself ends here
            self._ids[logical_id] = self._physical_id(logical_id)
        return self._ids[logical_id] or logical_id

    def arn(self, logical_id: str) -> str:
        """Return the ARN of a resource."""
        resource = self.template.resources[logical_id]
        path = self.resolve((resource.get("Properties") or {}).get("Path", "/"))
        template = self.template
        text = form_of(str(resource.get("Type"))).arn.format(
            region=template.region,
            account=template.account,
            id=self._id_in_arn(logical_id),
            path=path if isinstance(path, str) else "/",
        )
        return _like(f"arn:aws:{text}", self.physical_id(logical_id))

    def reference(self, name: str) -> Any:
        """Return what `Ref` gives for a parameter, a pseudo parameter or a resource."""
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return _default(name, self._parameters[name])
        if name not in self.template.resources:
            return Unknown(f"${{{name}}}")
        form, identity = self._form(name), self.physical_id(name)
        if form.ref is Ref.ARN:
            return self.arn(name)
        if form.ref is Ref.URL:
            host = f"https://sqs.{self.template.region}.amazonaws.com/{self.template.account}"
            return _like(f"{host}/{identity}", identity)
        return identity

    def attribute(self, logical_id: str, name: str) -> str:
        """Return what `Fn::GetAtt` gives."""
        resource = self.template.resources.get(logical_id)
        if resource is None:
            return Unknown(f"${{{logical_id}.{name}}}")
        kind = str(resource.get("Type")).split("::")[-1].lower()
        if name.lower() in ("arn", f"{kind}arn"):
            return self.arn(logical_id)
        if name in ("Name", "Id") or (name.endswith(("Id", "Name")) and "." not in name and "Domain" not in name):
            return self.physical_id(logical_id)
        if name == "QueueUrl":
            return str(self.reference(logical_id))
        return Unknown(f"${{{self.physical_id(logical_id)}.{name}}}")

    def condition(self, value: Any) -> bool | None:
        """Return whether a condition holds; None if that is known only at deployment."""
        if isinstance(value, str):
            named = (self.template.body.get("Conditions") or {}).get(value)
            return None if named is None else self.condition(named)
        if not isinstance(value, Mapping) or len(value) != 1:
            return None
        name, argument = next(iter(value.items()))
        if name == "Condition":
            return self.condition(argument)
        if name == "Fn::Equals":
            return _equal(*map(self.resolve, argument))
        parts = [self.condition(each) for each in argument] if name in ("Fn::And", "Fn::Or", "Fn::Not") else [None]
        if name == "Fn::Not":
            return None if parts[0] is None else not parts[0]
        decisive = name == "Fn::Or"
        return decisive if decisive in parts else None if None in parts else not decisive

    def imported(self, name: object) -> Any:
        """Return what another stack exports under the name."""
        return self._resolver.imported(name)

    def mapping(self, name: object) -> Mapping[str, Mapping[str, Any]]:
        """Return one table of the template's mappings."""
        found: Mapping[str, Mapping[str, Any]] = (self.template.body.get("Mappings") or {}).get(name) or {}
        return found

    def _form(self, logical_id: str) -> Form:
        return form_of(str(self.template.resources[logical_id].get("Type")))

    def _physical_id(self, logical_id: str) -> str:
        form, resource = self._form(logical_id), self.template.resources[logical_id]
        given = self.resolve((resource.get("Properties") or {}).get(form.name)) if form.name else None
        if isinstance(given, str) and given:
            return given
        shared = self._resolver.is_shared(str(resource.get("Type")), logical_id)
        generated = f"{form.prefix}{self.template.stack}-{logical_id}" if shared else f"{form.prefix}{logical_id}"
        return generated.lower() if form.lower else generated

    def _id_in_arn(self, logical_id: str) -> str:
        identity = self.physical_id(logical_id)
        kind = self.template.resources[logical_id].get("Type")
        if kind in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
            properties = self.resolve(self.template.resources[logical_id].get("Properties") or {})
            function = str(properties.get("FunctionName", "")).rsplit("function:", 1)[-1]
            return f"{function}:{properties.get('Name', identity)}"
        if kind == "AWS::SSM::Parameter" and not identity.startswith("/"):
            return f"/{identity}"
        return identity


def _default(name: str, parameter: Mapping[str, Any]) -> Any:
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


def _like(result: str, *parts: object) -> str:
    """Return text made of parts: what has an unknown part is unknown."""
    return Unknown(result) if any(isinstance(part, Unknown) for part in parts) else result


def _equal(left: Any, right: Any) -> bool | None:
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return True if left == right else None
    return text(left) == text(right)


def _join(scope: Scope, argument: Any) -> Any:
    delimiter, items = argument
    parts = scope.resolve(items)
    if not isinstance(parts, list):
        return Unknown(text(parts))
    return _like(str(delimiter).join(map(text, parts)), *parts)


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

    return _like(_PLACEHOLDER.sub(replace, str(pattern)), *parts)


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
    return _like(json.dumps(value, separators=(",", ":")), *_leaves(value))


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
