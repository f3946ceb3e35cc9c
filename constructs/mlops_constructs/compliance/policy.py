"""Algebra of IAM policy documents: statements, patterns, principals, and finding documents in any property.

Everything here works on resolved values (see `resolve`): a document is a mapping or its JSON text, and whatever it
lacks is what IAM takes for it. Nothing is judged here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mlops_constructs.compliance.conditions import Condition, parse_conditions

# A policy variable (`${aws:username}`) or a value known only at deployment can be any text.
_VARIABLE = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True)
class Principal:
    """One principal of a statement: `kind` is AWS, Service, Federated or CanonicalUser; everybody is `AWS` and `*`."""

    kind: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy document, every single value as a tuple."""

    sid: str = ""
    effect: str = "Allow"
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: tuple[Principal, ...] = ()
    not_principals: tuple[Principal, ...] = ()
    conditions: tuple[Condition, ...] = field(default=())

    @property
    def allows(self) -> bool:
        """Whether it allows (else it denies)."""
        return self.effect != "Deny"

    @property
    def names_principals(self) -> bool:
        """Whether it says who, as statements of resources and of trust do."""
        return bool(self.principals or self.not_principals)

    def covers_action(self, action: str) -> bool:
        """Whether the statement speaks of this action (without wildcards)."""
        if self.not_actions:
            return not any(matches(pattern.lower(), action.lower()) for pattern in self.not_actions)
        return any(matches(pattern.lower(), action.lower()) for pattern in self.actions)

    def covers_resource(self, resource: str) -> bool:
        """Whether the statement speaks of this resource; `*` asks whether it speaks of any."""
        if self.not_resources:
            return resource == "*" or not any(matches(pattern, resource) for pattern in self.not_resources)
        return any(overlaps(pattern, resource) for pattern in self.resources or ("*",))

    def keys(self) -> frozenset[str]:
        """Condition keys (lower case) that must be present with a value that narrows."""
        return frozenset(condition.key for condition in self.conditions if condition.narrows)


@lru_cache(maxsize=65536)
def matches(pattern: str, text: str) -> bool:
    """Whether an IAM pattern (`*` any text, `?` one character, `${...}` any text) covers a text."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=8192)
def _compiled(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"([*?])", _VARIABLE.sub("*", pattern))
    return re.compile("".join({"*": ".*", "?": "."}.get(piece, re.escape(piece)) for piece in pieces), re.DOTALL)


@lru_cache(maxsize=65536)
def overlaps(left: str, right: str) -> bool:
    """Whether two patterns have a text in common."""
    left, right = (re.sub(r"\*+", "*", _VARIABLE.sub("*", each)) for each in (left, right))
    if "*" in (left, right) or left == right:
        return True
    if not re.search(r"[*?]", right):
        return matches(left, right)
    if not re.search(r"[*?]", left):
        return matches(right, left)
    return _meet(left, right)


def _meet(left: str, right: str) -> bool:
    """Two patterns with wildcards, position by position: `row[j]` says the prefixes read so far can be one text."""
    row = [True]
    for character in right:
        row.append(row[-1] and character == "*")
    for mine in left:
        before, row = row, [row[0] and mine == "*"]
        for j, theirs in enumerate(right):
            either = mine in ("?", theirs) or theirs == "?"
            if mine == "*" or theirs == "*":
                row.append(before[j + 1] or row[j] or before[j])
            else:
                row.append(either and before[j])
    return row[-1]


def is_wild(pattern: str) -> bool:
    """Whether a pattern holds a wildcard of its own (a variable is none)."""
    return "*" in (plain := _VARIABLE.sub("", pattern)) or "?" in plain


def parse(document: object) -> tuple[Statement, ...]:
    """Read a policy document: a mapping, its JSON text, or the statements alone. Anything else has no statements."""
    if isinstance(document, str):
        document = _loaded(document)
    if isinstance(document, Mapping):
        document = document.get("Statement", [document])
    if isinstance(document, Mapping):
        document = [document]
    if not isinstance(document, Iterable) or isinstance(document, str):
        return ()
    return tuple(_statement(each) for each in document if isinstance(each, Mapping) and "Effect" in each)


def _loaded(text: str) -> object:
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _statement(node: Mapping[str, Any]) -> Statement:
    return Statement(
        sid=str(node.get("Sid", "")),
        effect=str(node["Effect"]),
        actions=texts(node.get("Action")),
        not_actions=texts(node.get("NotAction")),
        resources=texts(node.get("Resource")),
        not_resources=texts(node.get("NotResource")),
        principals=principals_of(node.get("Principal")),
        not_principals=principals_of(node.get("NotPrincipal")),
        conditions=parse_conditions(node.get("Condition")),
    )


def principals_of(node: object) -> tuple[Principal, ...]:
    """Read a `Principal` element in any of its forms."""
    if isinstance(node, Mapping):
        return tuple(Principal(str(kind), value) for kind, values in node.items() for value in texts(values))
    return tuple(Principal("AWS", value) for value in texts(node))


def texts(node: object) -> tuple[str, ...]:
    """One value or a list of them as a tuple of texts; nothing for nothing."""
    if node is None:
        return ()
    if isinstance(node, str):
        return (node,)
    if isinstance(node, Iterable) and not isinstance(node, Mapping):
        return tuple(text for each in node for text in texts(each))
    return (str(node).lower() if isinstance(node, bool) else str(node),)


def documents(properties: object, path: str = "") -> Iterator[tuple[str, tuple[Statement, ...]]]:
    """Every policy document below the properties of a resource, with the path of its property.

    A document is known by its shape (statements with an effect), so a resource type that is new here is judged too.
    """
    if isinstance(properties, str):
        if '"Statement"' in properties and (statements := parse(properties)):
            yield path, statements
    elif isinstance(properties, Mapping):
        if "Statement" in properties and (statements := parse(properties)):
            yield path, statements
        elif "Effect" in properties and ("Action" in properties or "NotAction" in properties):
            yield path, parse([properties])
        else:
            for name, value in properties.items():
                yield from documents(value, f"{path}.{name}" if path else str(name))
    elif isinstance(properties, Iterable):
        for value in properties:
            yield from documents(value, path)
