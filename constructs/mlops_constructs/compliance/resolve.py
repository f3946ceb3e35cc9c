"""Intrinsic functions folded into the text they will become, across all templates of one environment.

What the templates alone cannot tell (a parameter without default, a condition on one, an import from elsewhere)
becomes `Unknown`, so that a rule can say so instead of guessing. Parameters with a default take it: the template's
author chose it. Conditions never remove a resource: it is judged as if it were made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mlops_constructs.compliance.functions import FUNCTIONS
from mlops_constructs.compliance.names import Form, Ref, form_of
from mlops_constructs.compliance.template import ACCOUNT, REGION, Template
from mlops_constructs.compliance.values import NOTHING, Unknown, default_of, equal, is_false, is_true, like

__all__ = ["ACCOUNT", "REGION", "Resolver", "Scope", "Template", "Unknown", "is_false", "is_true"]

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9-]")
"""Of a nested stack's path, and of the file names that stand for stacks."""


class Resolver:
    """Resolves the values of every template of an environment; a reference is the same text in all of them."""

    def __init__(self, templates: Iterable[Template]) -> None:
        self._scopes = {template.stack: Scope(template, self) for template in templates}
        self._exports: dict[str, tuple[Scope, Any]] | None = None
        self._nested = {scope.template.nested_in: scope for scope in self._scopes.values() if scope.template.nested_in}

    def scope(self, stack: str) -> Scope:
        """Return the scope of one stack."""
        return self._scopes[stack]

    def nested(self, stack: str, logical_id: str) -> Scope | None:
        """Return the scope of the template that a nested stack is made from."""
        return self._nested.get((stack, logical_id))

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
        if isinstance(value, dict):
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
        """Return the name the resource has or, where CloudFormation generates one, those of the stack and its own."""
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
        return like(f"arn:aws:{text}", self.physical_id(logical_id))

    def reference(self, name: str) -> Any:
        """Return what `Ref` gives for a parameter, a pseudo parameter or a resource."""
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameter(name)
        if name not in self.template.resources:
            return Unknown(f"${{{name}}}")
        form, identity = self._form(name), self.physical_id(name)
        if form.ref is Ref.ARN:
            return self.arn(name)
        if form.ref is Ref.URL:
            host = f"https://sqs.{self.template.region}.amazonaws.com/{self.template.account}"
            return like(f"{host}/{identity}", identity)
        return identity

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what `Fn::GetAtt` gives."""
        resource = self.template.resources.get(logical_id)
        if resource is None:
            return Unknown(f"${{{logical_id}.{name}}}")
        nested = self._resolver.nested(self.template.stack, logical_id)
        if nested and name.startswith("Outputs."):
            return nested.output(name.removeprefix("Outputs."))
        kind = str(resource.get("Type")).split("::")[-1].lower()
        # `MonitorArn` of an AnomalyMonitor is its own ARN, `StreamArn` of a Table is not
        if name.endswith("Arn") and kind.endswith(name[:-3].lower()):
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
        if not isinstance(value, dict) or len(value) != 1:
            return None
        name, argument = next(iter(value.items()))
        if name == "Condition":
            return self.condition(argument)
        if name == "Fn::Equals":
            return equal(*map(self.resolve, argument))
        parts = [self.condition(each) for each in argument] if name in ("Fn::And", "Fn::Or", "Fn::Not") else [None]
        if name == "Fn::Not":
            return None if parts[0] is None else not parts[0]
        decisive = name == "Fn::Or"
        return decisive if decisive in parts else None if None in parts else not decisive

    def output(self, name: str) -> Any:
        """Return the value of an output."""
        written = (self.template.body.get("Outputs") or {}).get(name)
        return Unknown(f"${{Outputs.{name}}}") if written is None else self.resolve(written.get("Value"))

    def imported(self, name: object) -> Any:
        """Return what another stack exports under the name."""
        return self._resolver.imported(name)

    def mapping(self, name: object) -> Mapping[str, Mapping[str, Any]]:
        """Return one table of the template's mappings."""
        found: Mapping[str, Mapping[str, Any]] = (self.template.body.get("Mappings") or {}).get(name) or {}
        return found

    def _parameter(self, name: str) -> Any:
        if self.template.nested_in:
            stack, logical_id = self.template.nested_in
            parent = self._resolver.scope(stack)
            given = (parent.template.resources[logical_id].get("Properties") or {}).get("Parameters") or {}
            if name in given:
                return parent.resolve(given[name])
        return default_of(name, self._parameters[name])

    def _form(self, logical_id: str) -> Form:
        return form_of(str(self.template.resources[logical_id].get("Type")))

    def _physical_id(self, logical_id: str) -> str:
        form, resource = self._form(logical_id), self.template.resources[logical_id]
        given = self.resolve((resource.get("Properties") or {}).get(form.name)) if form.name else None
        if isinstance(given, str) and given:
            return given
        generated = f"{form.prefix}{_NOT_IN_NAMES.sub('-', self.template.stack)}-{logical_id}"
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
