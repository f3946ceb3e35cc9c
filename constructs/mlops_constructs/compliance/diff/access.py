"""Whether a change of policies grants anything new: proved with an SMT solver, or shown with a request as witness.

A request is an action, a resource, a principal and the values of condition keys, all of them texts; a policy is a
formula over them. Something is granted anew when some request is allowed after the change and was not before. What
strings cannot express (numbers, dates, addresses, sets, policy variables) is a free truth of its own, the same
before and after: so a widening is never missed, and at worst one is reported that no request can use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import z3

from mlops_constructs.compliance.conditions import Condition
from mlops_constructs.compliance.policy import Principal, Statement

TIMEOUT_MS, HINT_TIMEOUT_MS = 20_000, 2_000
_MATCHED = frozenset({"stringequals", "stringlike", "arnequals", "arnlike"})
_REFUSED = frozenset({"stringnotequals", "stringnotlike", "arnnotequals", "arnnotlike"})
_WILD = frozenset({"stringlike", "arnlike", "arnequals", "stringnotlike", "arnnotlike", "arnnotequals"})
_VARIABLE = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True, kw_only=True)
class Witness:
    """A request that is allowed now and was not before.

    Args:
        action: For example `s3:GetObject`.
        resource: ARN it would act on.
        principal: Who would ask, in policies of resources.
        conditions: Values of the condition keys it needs.
        proved: False when the solver gave up: then nothing is known, and the change counts as a widening.
    """

    action: str = ""
    resource: str = ""
    principal: str = ""
    conditions: dict[str, str] = field(default_factory=dict)
    proved: bool = True

    def __str__(self) -> str:
        if not self.proved:
            return "undecided within the time limit: look at it by hand"
        who = f" by {self.principal}" if self.principal else ""
        where = "".join(f", {key} = {value!r}" for key, value in sorted(self.conditions.items()))
        return f"{self.action} on {self.resource or 'any resource'}{who}{where}"


def newly_allowed(old: Sequence[Statement], new: Sequence[Statement], *, outside: str = "") -> Witness | None:
    """A request the new statements allow and the old ones did not; None when there is provably none.

    Args:
        old: Statements before.
        new: Statements after.
        outside: Ask only about principals outside this account that are no service.
    """
    if list(old) == list(new):
        return None
    request = _Request()
    solver = z3.Solver()
    solver.set("timeout", TIMEOUT_MS)
    solver.add(request.allowed_by(new), z3.Not(request.allowed_by(old)))
    # An action is a service and a name: without it the solver answers with texts that are no action.
    solver.add(z3.InRe(request.action, _pattern("?*:?*")))
    if outside:
        inside = z3.InRe(request.principal, _pattern(f"arn:*:*::{outside}:*"))
        service = z3.InRe(request.principal, _pattern("service:*"))
        solver.add(z3.Not(inside), z3.Not(service))
    verdict = solver.check()
    if verdict == z3.unsat:
        return None
    if verdict == z3.unknown:
        return Witness(proved=False)
    return request.witness(solver, new)


class _Request:
    """The unknown request, as variables of the solver."""

    def __init__(self) -> None:
        self.action, self.resource, self.principal = z3.String("action"), z3.String("resource"), z3.String("principal")
        self.keys: dict[str, tuple[Any, Any]] = {}

    def allowed_by(self, statements: Iterable[Statement]) -> Any:
        """Allowed by one statement and denied by none."""
        allows = [self._applies(each) for each in statements if each.allows]
        denies = [self._applies(each) for each in statements if not each.allows]
        return z3.And(_any(allows), z3.Not(_any(denies)))

    def witness(self, solver: Any, statements: Sequence[Statement]) -> Witness:
        """The request the solver found, with the plainest action and resource that will do."""
        model = solver.model()
        solver.set("timeout", HINT_TIMEOUT_MS)
        for variable, hints in ((self.action, _actions(statements)), (self.resource, _resources(statements))):
            for hint in hints:
                solver.push()
                solver.add(variable == hint)
                if solver.check() == z3.sat:
                    model = solver.model()
                    break
                solver.pop()
        names = any(each.names_principals for each in statements)
        return Witness(
            action=_text(model, self.action),
            resource=_text(model, self.resource),
            principal=_text(model, self.principal) or ("everyone" if names else ""),
            conditions={
                key: _text(model, value)
                for key, (present, value) in self.keys.items()
                if z3.is_true(model.eval(present, model_completion=True))
            },
        )

    def _applies(self, statement: Statement) -> Any:
        parts = [self._who(statement), self._what(statement), self._where(statement)]
        return z3.And(*parts, *(self._when(each) for each in statement.conditions))

    def _what(self, statement: Statement) -> Any:
        if statement.not_actions:
            return z3.Not(_any(_matches(self.action, each.lower()) for each in statement.not_actions))
        return _any(_matches(self.action, each.lower()) for each in statement.actions)

    def _where(self, statement: Statement) -> Any:
        if statement.not_resources:
            return z3.Not(_any(_matches(self.resource, each) for each in statement.not_resources))
        if not statement.resources:
            return z3.BoolVal(True)
        return _any(_matches(self.resource, each) for each in statement.resources)

    def _who(self, statement: Statement) -> Any:
        if statement.not_principals:
            return z3.Not(_any(self._is(each) for each in statement.not_principals))
        if not statement.principals:
            return z3.BoolVal(True)
        return _any(self._is(each) for each in statement.principals)

    def _is(self, principal: Principal) -> Any:
        if principal.value == "*":
            return z3.BoolVal(True)
        if principal.kind != "AWS":
            return _matches(self.principal, f"{principal.kind.lower()}:{principal.value}")
        account = re.fullmatch(r"(?:arn:[\w-]+:iam::)?(\d{12})(?::root)?", principal.value)
        return _matches(self.principal, f"arn:*:*::{account[1]}:*" if account else principal.value)

    def _when(self, condition: Condition) -> Any:
        if condition.key not in self.keys:
            name = f"key {condition.key}"
            self.keys[condition.key] = (z3.Bool(f"{name} present"), z3.String(name))
        present, value = self.keys[condition.key]
        if condition.quantifier or any(_VARIABLE.search(each) for each in condition.values):
            return _opaque(condition)
        if condition.operator == "null":
            return _any(z3.Not(present) if each == "true" else present for each in condition.values)
        if condition.operator in _REFUSED:
            return z3.Or(z3.Not(present), z3.Not(_one_of(value, condition)))
        if condition.operator == "bool":
            holds = _any(value == each.lower() for each in condition.values)
        elif condition.operator in _MATCHED:
            holds = _one_of(value, condition)
        else:
            holds = _opaque(condition)
        return z3.Or(z3.Not(present), holds) if condition.optional else z3.And(present, holds)


def _one_of(value: Any, condition: Condition) -> Any:
    if condition.operator in _WILD:
        return _any(_matches(value, each) for each in condition.values)
    return _any(value == each for each in condition.values)


def _opaque(condition: Condition) -> Any:
    """A truth of its own: the same text is true before and after, or false in both."""
    return z3.Bool(f"{condition.quantifier} {condition.operator} {condition.key} {sorted(condition.values)}")


def _matches(variable: Any, pattern: str) -> Any:
    if not _VARIABLE.search(pattern):
        return z3.InRe(variable, _pattern(pattern))
    # What a variable stands for is unknown but the same in both versions: at most what a wildcard would match.
    wide = z3.InRe(variable, _pattern(_VARIABLE.sub("*", pattern)))
    return z3.And(z3.Bool(f"{variable} is {pattern}"), wide)


@cache
def _pattern(text: str) -> Any:
    anything = z3.AllChar(z3.ReSort(z3.StringSort()))
    pieces = [
        z3.Star(anything) if piece == "*" else anything if piece == "?" else z3.Re(z3.StringVal(piece))
        for piece in re.split(r"([*?])", text)
        if piece
    ]
    if not pieces:
        return z3.Re(z3.StringVal(""))
    return pieces[0] if len(pieces) == 1 else z3.Concat(*pieces)


def _any(parts: Iterable[Any]) -> Any:
    found = list(parts)
    return z3.Or(*found) if found else z3.BoolVal(False)


def _actions(statements: Sequence[Statement]) -> Iterator[str]:
    patterns = [each.lower() for statement in statements if statement.allows for each in statement.actions]
    yield from (each for each in patterns if "*" not in each and "?" not in each)
    yield from (each.replace("*", "anything") for each in patterns if each.count("*") == 1 and ":" in each)
    yield from ("iam:createaccesskey", "s3:getobject")


def _resources(statements: Sequence[Statement]) -> Iterator[str]:
    patterns = [each for statement in statements if statement.allows for each in statement.resources]
    yield from (each for each in patterns if "*" not in each and "?" not in each)
    yield from (each.replace("*", "example") for each in patterns if len(each) > 1)
    yield from ("arn:aws:s3:::example", "example")


def _text(model: Any, variable: Any) -> str:
    return str(model.eval(variable, model_completion=True).as_string())
