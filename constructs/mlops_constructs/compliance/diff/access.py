"""Whether a change of policies grants anything new: proved with an SMT solver, or shown with a request as witness.

A request is an action, a resource, a principal and the values of condition keys; a policy is a formula over the
patterns they match. Something is granted anew when some request is allowed after the change and was not before. What
patterns cannot express (numbers, dates, addresses, sets, policy variables) is a free truth of its own, the same
before and after: so a widening is never missed, and at worst one is reported that no request can use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import z3

from mlops_constructs.compliance.conditions import Condition
from mlops_constructs.compliance.diff.globs import Class, Pattern, TooManyStatesError, classes
from mlops_constructs.compliance.policy import Principal, Statement

TIMEOUT_MS = 20_000
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
        proved: False when the proof was given up: then nothing is known, and the change counts as a widening.
    """

    action: str = ""
    resource: str = ""
    principal: str = ""
    conditions: dict[str, str] = field(default_factory=dict)
    proved: bool = True

    def __str__(self) -> str:
        if not self.proved:
            return "undecided, too many patterns: look at it by hand"
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
    wanted = [request.allowed_by(new), z3.Not(request.allowed_by(old))]
    # An action is a service and a name: without it the answer may be a text that is no action.
    wanted.append(request.action.matches(Pattern.glob("?*:?*")))
    if outside:
        wanted += request.comes_from_outside(outside)
    solver = z3.Solver()
    solver.set("timeout", TIMEOUT_MS)
    try:
        solver.add(*wanted, *request.possible())
    except TooManyStatesError:
        return Witness(proved=False)
    verdict = solver.check()
    if verdict == z3.unsat:
        return None
    return request.witness(solver) if verdict == z3.sat else Witness(proved=False)


class _Text:
    """One unknown text of the request: a truth for each pattern, bound to what texts can match."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.patterns: dict[Pattern, Any] = {}
        self.options: list[tuple[Class, Any]] = []

    def matches(self, pattern: Pattern) -> Any:
        """The truth that it matches a pattern."""
        return self.patterns.setdefault(pattern, z3.Bool(f"{self.name} matches {len(self.patterns)}"))

    def possible(self) -> Any:
        """It is one of the texts there are."""
        found = classes(list(self.patterns))
        self.options = [(each, z3.Bool(f"{self.name} is {index}")) for index, each in enumerate(found)]
        truths = list(self.patterns.values())
        meaning = [
            z3.Implies(chosen, z3.And(*(t if i in each.matched else z3.Not(t) for i, t in enumerate(truths))))
            for each, chosen in self.options
        ]
        return z3.And(_any(chosen for _, chosen in self.options), *meaning)

    def example(self, model: Any) -> str:
        """A text that the solver chose."""
        return next(each.example for each, chosen in self.options if z3.is_true(model.eval(chosen)))


class _Request:
    """The unknown request."""

    def __init__(self) -> None:
        self.action, self.resource, self.principal = _Text("action"), _Text("resource"), _Text("principal")
        self.keys: dict[str, tuple[Any, _Text]] = {}
        self.names_principals = False

    def allowed_by(self, statements: Iterable[Statement]) -> Any:
        """Allowed by one statement and denied by none."""
        found = [(each.allows, self._applies(each)) for each in statements]
        denied = _any(formula for allows, formula in found if not allows)
        return z3.And(_any(formula for allows, formula in found if allows), z3.Not(denied))

    def comes_from_outside(self, account: str) -> list[Any]:
        """The principal is of another account, by every name the policies call it, and no service."""
        ours = Pattern.glob(f"arn:*:*::{account}:*")
        found = [z3.Not(self.principal.matches(each)) for each in (ours, Pattern.glob("service:*"))]
        for key, inside in (
            ("aws:principalarn", ours),
            ("aws:principalaccount", Pattern.exact(account)),
            ("kms:calleraccount", Pattern.exact(account)),
        ):
            if key in self.keys:
                found.append(z3.Not(self.keys[key][1].matches(inside)))
        return found

    def possible(self) -> list[Any]:
        """What holds for every request."""
        return [each.possible() for each in (self.action, self.resource, self.principal, *self._values())]

    def witness(self, solver: Any) -> Witness:
        """The request the solver found, with an action and a resource that a policy names, if such ones will do."""
        model = solver.model()
        for text in (self.action, self.resource):
            named = [chosen for each, chosen in text.options if Pattern.exact(each.example) in text.patterns]
            if named and solver.check(_any(named)) == z3.sat:
                solver.add(_any(named))
                solver.check()
                model = solver.model()
        return Witness(
            action=self.action.example(model),
            resource=self.resource.example(model),
            principal=(self.principal.example(model) or "everyone") if self.names_principals else "",
            conditions={
                key: value.example(model)
                for key, (present, value) in self.keys.items()
                if z3.is_true(model.eval(present, model_completion=True))
            },
        )

    def _values(self) -> list[_Text]:
        return [value for _, value in self.keys.values()]

    def _applies(self, statement: Statement) -> Any:
        parts = [self._who(statement), self._what(statement), self._where(statement)]
        return z3.And(*parts, *(self._when(each) for each in statement.conditions))

    def _what(self, statement: Statement) -> Any:
        if statement.not_actions:
            return z3.Not(_any(_like(self.action, each.lower()) for each in statement.not_actions))
        return _any(_like(self.action, each.lower()) for each in statement.actions)

    def _where(self, statement: Statement) -> Any:
        if statement.not_resources:
            return z3.Not(_any(_like(self.resource, each) for each in statement.not_resources))
        if not statement.resources:
            return z3.BoolVal(True)
        return _any(_like(self.resource, each) for each in statement.resources)

    def _who(self, statement: Statement) -> Any:
        self.names_principals = self.names_principals or statement.names_principals
        if statement.not_principals:
            return z3.Not(_any(self._is(each) for each in statement.not_principals))
        if not statement.principals:
            return z3.BoolVal(True)
        return _any(self._is(each) for each in statement.principals)

    def _is(self, principal: Principal) -> Any:
        if principal.value == "*":
            return z3.BoolVal(True)
        if principal.kind != "AWS":
            return _like(self.principal, f"{principal.kind.lower()}:{principal.value}")
        account = re.fullmatch(r"(?:arn:[\w-]+:iam::)?(\d{12})(?::root)?", principal.value)
        return _like(self.principal, f"arn:*:*::{account[1]}:*" if account else principal.value)

    def _when(self, condition: Condition) -> Any:
        if condition.key not in self.keys:
            self.keys[condition.key] = (z3.Bool(f"{condition.key} present"), _Text(condition.key))
        present, value = self.keys[condition.key]
        if condition.quantifier or any(_VARIABLE.search(each) for each in condition.values):
            return _opaque(condition)
        if condition.operator == "null":
            return _any(z3.Not(present) if each == "true" else present for each in condition.values)
        if condition.operator in _REFUSED:
            return z3.Or(z3.Not(present), z3.Not(_one_of(value, condition)))
        if condition.operator == "bool":
            holds = _any(value.matches(Pattern.exact(each.lower())) for each in condition.values)
        elif condition.operator in _MATCHED:
            holds = _one_of(value, condition)
        else:
            holds = _opaque(condition)
        return z3.Or(z3.Not(present), holds) if condition.optional else z3.And(present, holds)


def _one_of(value: _Text, condition: Condition) -> Any:
    made = Pattern.glob if condition.operator in _WILD else Pattern.exact
    return _any(value.matches(made(each)) for each in condition.values)


def _opaque(condition: Condition) -> Any:
    """A truth of its own: the same text is true before and after, or false in both."""
    optional = "IfExists" if condition.optional else ""
    values = sorted(condition.values)
    return z3.Bool(f"{condition.quantifier} {condition.operator}{optional} {condition.key} {values}")


def _like(text: _Text, pattern: str) -> Any:
    if not _VARIABLE.search(pattern):
        return text.matches(Pattern.glob(pattern))
    # What a variable stands for is unknown but the same in both versions: at most what a wildcard would match.
    wide = text.matches(Pattern.glob(_VARIABLE.sub("*", pattern)))
    return z3.And(z3.Bool(f"{text.name} is {pattern}"), wide)


def _any(parts: Iterable[Any]) -> Any:
    found = list(parts)
    return z3.Or(*found) if found else z3.BoolVal(False)
