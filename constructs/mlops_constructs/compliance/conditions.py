"""Conditions of IAM statements: which of them really narrow who or what a statement speaks of."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

_OPERATOR = re.compile(r"(?:(?P<set>ForAllValues|ForAnyValue):)?(?P<name>\w+?)(?P<optional>IfExists)?", re.IGNORECASE)
_EQUALS = frozenset({"stringequals", "stringequalsignorecase", "arnequals", "stringlike", "arnlike"})
_WILD = frozenset({"stringlike", "arnlike", "arnequals"})  # ArnEquals and ArnLike behave the same
_SMALLEST_PREFIX = {4: 16, 6: 32}  # a wider address range names nobody


@dataclass(frozen=True)
class Condition:
    """One key of one operator, for example `ForAnyValue:StringLike` on `aws:PrincipalOrgPaths`."""

    operator: str  # lower case, without set prefix and IfExists
    key: str  # lower case
    values: tuple[str, ...]
    optional: bool = False  # IfExists: true when the request lacks the key
    quantifier: str = ""  # forallvalues, foranyvalue

    @property
    def positive(self) -> bool:
        """Whether the statement applies only to requests that have the key with one of the values."""
        return self.operator in _EQUALS and not self.optional and self.quantifier != "forallvalues"

    @cached_property
    def narrows(self) -> bool:
        """Whether some requests fail it because their key has another value (not because it is missing)."""
        if self.optional or not self.values:
            return False
        if self.operator == "ipaddress":
            return all(_small(value) for value in self.values)
        if self.operator in ("bool", "null"):
            return True
        return self.operator in _EQUALS and not any(_vague(self.operator, value) for value in self.values)

    @property
    def void(self) -> bool:
        """Whether a value is nothing but wildcards, so that it says nothing (or, under equality, nonsense)."""
        if self.operator == "ipaddress":
            return not self.narrows and not self.optional
        return self.operator in _EQUALS and any(_vague("stringlike", value) for value in self.values)

    def says(self, value: str) -> bool:
        """Whether it is exactly this text, for `Bool` conditions."""
        return tuple(each.lower() for each in self.values) == (value,)


def _vague(operator: str, value: str) -> bool:
    """Whether a value lets everything through: `*`, `arn:*`, `*:*`."""
    return operator in _WILD and not re.search(r"[A-Za-z0-9]", re.sub(r"\barn\b|\baws\b", "", value))


def _small(value: str) -> bool:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= _SMALLEST_PREFIX[network.version]


def parse_conditions(node: object) -> tuple[Condition, ...]:
    """Read a `Condition` element."""
    if not isinstance(node, Mapping):
        return ()
    found = []
    for operator, keys in node.items():
        parts = _OPERATOR.fullmatch(str(operator))
        if parts is None or not isinstance(keys, Mapping):
            continue
        for key, values in keys.items():
            found.append(
                Condition(
                    operator=parts["name"].lower(),
                    key=str(key).lower(),
                    values=_values(values),
                    optional=bool(parts["optional"]),
                    quantifier=(parts["set"] or "").lower(),
                )
            )
    return tuple(found)


def _values(node: object) -> tuple[str, ...]:
    items: Iterable[object] = node if isinstance(node, (list, tuple)) else (node,)
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in items)
