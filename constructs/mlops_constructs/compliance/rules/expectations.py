"""Expectations as data: what a property of a resource type must be, in two tables that a person can review.

`data/properties.json` is made from the schemas of every CloudFormation type (`tools/security_properties.py`),
`data/reviewed.json` is written by hand for what names do not tell. Both are `{rule: {type: [row]}}`; a row says:

| field | meaning |
|---|---|
| path | the property; `*` stands for each item of a list or value of a map |
| anchor | the part of the resource that makes the property count, the whole resource by default |
| expect | `key`: a customer's key; `in`, `not`: values; `match`: a pattern; `min`: a number; `present`, `absent` |
| absent | what the service does without it: `fails` (default) or `passes` |
| unless | paths below the anchor; where one is present the row does not count |
| only, only_not | paths below the anchor with values ([] is any): the row counts only (not) where one holds |
| guarded | counts in staging, production and environments of unknown stage only |
| why | a reason worth keeping |
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.rule import Check, Judgement
from mlops_constructs.compliance.rules.customer_key import key_problem
from mlops_constructs.compliance.values import Unknown, is_false, is_true

DATA = Path(__file__).parents[1] / "data"
MISSING: Final = object()


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One row of the tables, see the module."""

    path: str
    expect: Mapping[str, Any]
    anchor: str = ""
    absent: str = "fails"
    unless: tuple[str, ...] = ()
    only: Mapping[str, list[Any]] = field(default_factory=dict)
    only_not: Mapping[str, list[Any]] = field(default_factory=dict)
    guarded: bool = False
    why: str = ""

    @property
    def tail(self) -> list[str]:
        """The path below the anchor."""
        return self.path[len(self.anchor) :].lstrip(".").split(".")

    def counts(self, part: Any) -> bool:
        """Whether the row speaks of this part of a resource."""
        if any(_holds(part, path, []) for path in self.unless):
            return False
        if any(_holds(part, path, values) for path, values in self.only_not.items()):
            return False
        return all(_holds(part, path, values) for path, values in self.only.items())


def expectations(rule: str) -> Mapping[str, tuple[Expectation, ...]]:
    """Return the rows of a rule by resource type."""
    return _tables()[rule]


def check(rule: str, *, except_for: Callable[[Estate, Resource], bool] | None = None, guarded: bool = False) -> Check:
    """Return the check of a rule whose promises stand in the tables.

    Args:
        rule: Id of the rule, as in the tables.
        except_for: Resources that another rule judges.
        guarded: Judge guarded environments only.
    """
    return partial(_judge, rule, except_for, guarded)


def _judge(
    rule: str, except_for: Callable[[Estate, Resource], bool] | None, guarded: bool, estate: Estate
) -> Iterator[Judgement]:
    if guarded and not estate.guarded:
        return
    for kind, rows in expectations(rule).items():
        for resource in estate.of(kind):
            if except_for is None or not except_for(estate, resource):
                for row in rows:
                    if estate.guarded or not row.guarded:
                        yield from _judgements(estate, resource, row)


def _judgements(estate: Estate, resource: Resource, row: Expectation) -> Iterator[Judgement]:
    for place, part in leaves(resource.properties, row.anchor.split(".") if row.anchor else []):
        if part is MISSING or not row.counts(part):
            continue
        for name, value in leaves(part, row.tail, place):
            problem = _problem(estate, row, value)
            yield Judgement(resource, not problem, name, f"{name} {problem}" if problem else "")


def leaves(node: Any, parts: list[str], place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what stands at a path with its concrete place; `MISSING` where it stops, once for each item of a list."""
    if not parts:
        yield place, node
        return
    here = _join(place, parts[0])
    if isinstance(node, Unknown):
        yield _join(place, *parts), node
    elif parts[0] == "*":
        items = list(node.items()) if isinstance(node, Mapping) else list(enumerate(node)) if _is_list(node) else []
        if not items:
            yield _join(place, *parts), MISSING
        for key, item in items:
            yield from leaves(item, parts[1:], _join(place, str(key)))
    elif isinstance(node, Mapping) and parts[0] in node:
        yield from leaves(node[parts[0]], parts[1:], here)
    else:
        yield _join(place, *parts), MISSING


def _problem(estate: Estate, row: Expectation, value: Any) -> str:
    """What is wrong with a value, nothing if it is as expected."""
    (kind, wanted), *_ = row.expect.items()
    if value is MISSING or value is None:
        return "" if kind == "absent" or row.absent == "passes" else f"is missing: {_said(kind, wanted)}"
    if kind == "key":
        return key_problem(estate, value)
    return "" if _FITS[kind](value, wanted) else f"is {_shown(value)}: {_said(kind, wanted)}"


def _in(value: Any, wanted: list[Any]) -> bool:
    if isinstance(value, Unknown):
        return False
    return any(
        is_true(value) if each is True else is_false(value) if each is False else value == each for each in wanted
    )


def _not(value: Any, wanted: list[Any]) -> bool:
    return not isinstance(value, Unknown) and value not in wanted


def _match(value: Any, wanted: str) -> bool:
    return not isinstance(value, Unknown) and re.search(wanted, str(value)) is not None


def _at_least(value: Any, wanted: int) -> bool:
    return not isinstance(value, Unknown) and str(value).isdigit() and int(value) >= wanted


def _present(value: Any, _: Any) -> bool:
    return value not in ("", [], {}, None)


def _absent(value: Any, _: Any) -> bool:
    return not _present(value, _)


_FITS: Mapping[str, Callable[[Any, Any], bool]] = {
    "in": _in,
    "not": _not,
    "match": _match,
    "min": _at_least,
    "present": _present,
    "absent": _absent,
}


def _said(kind: str, wanted: Any) -> str:
    match kind:
        case "in":
            return f"expected {_listed(wanted)}"
        case "not":
            return f"expected anything but {_listed(wanted)}"
        case "match":
            return f"expected to match {wanted}"
        case "min":
            return f"expected at least {wanted}"
        case "key":
            return "a key of the customer is expected"
        case "present":
            return "it must be given"
        case _:
            return "it must not be given"


def _listed(wanted: Any) -> str:
    return " or ".join(_shown(each) for each in wanted)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _holds(part: Any, path: str, values: list[Any]) -> bool:
    found = [value for _, value in leaves(part, path.split(".")) if value is not MISSING]
    return any(_in(value, values) for value in found) if values else any(_present(value, None) for value in found)


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The mappings of a list; nothing if the value is no list."""
    return [each for each in value if isinstance(each, Mapping)] if _is_list(value) else []


def _is_list(node: Any) -> bool:
    return isinstance(node, (list, tuple))


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, Mapping[str, tuple[Expectation, ...]]]:
    tables: dict[str, dict[str, list[Expectation]]] = {}
    for name in ("properties.json", "reviewed.json"):
        for rule, types in json.loads((DATA / name).read_text(encoding="utf-8")).items():
            for kind, rows in types.items():
                made = (Expectation(**{**row, "unless": tuple(row.get("unless", ()))}) for row in rows)
                tables.setdefault(rule, {}).setdefault(kind, []).extend(made)
    return {rule: {kind: tuple(rows) for kind, rows in types.items()} for rule, types in tables.items()}
