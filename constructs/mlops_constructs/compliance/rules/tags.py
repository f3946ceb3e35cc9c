"""OPS-2: every resource that can say whose it is does so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

_NEEDED = {
    "owner": re.compile(r"owner|contact|team", re.IGNORECASE),
    "environment": re.compile(r"environment|(^|[:_-])env$|stage", re.IGNORECASE),
    "cost-centre": re.compile(r"cost.?cent(er|re)|billing", re.IGNORECASE),
}
_WORKLOAD = re.compile(r"workload|(^|[:_-])project$|application", re.IGNORECASE)


@cache
def _taggable() -> frozenset[str]:
    data = json.loads((files("mlops_constructs.compliance") / "data" / "taggable.json").read_text(encoding="utf-8"))
    return frozenset(f"AWS::{service}::{name}" for service, names in data["services"].items() for name in names)


def _tags(resource: Resource) -> dict[str, str]:
    """Tags by key, whether the type writes them as a list or as a map, and under whatever name."""
    found: dict[str, str] = {}
    for name, value in resource.properties.items():
        if not name.endswith("Tags"):
            continue
        if isinstance(value, Mapping):
            found |= {str(key): str(each) for key, each in value.items()}
        elif isinstance(value, list):
            pairs = [each for each in value if isinstance(each, Mapping)]
            found |= {str(each.get("Key", each.get("TagKey"))): str(each.get("Value", "")) for each in pairs}
    return found


def _tagged(estate: Estate) -> Iterator[Judgement]:
    for resource in estate.resources:
        if resource.type in _taggable():
            tags = _tags(resource)
            missing = [
                name
                for name, pattern in _NEEDED.items()
                if not any(pattern.search(key) and value.strip() for key, value in tags.items())
            ]
            yield Judgement(resource, not missing, message=f"no tag says its {', '.join(missing)}")


def _workload(estate: Estate) -> Iterator[Judgement]:
    """A stack whose resources mostly name one workload belongs to it; every resource in it should say so."""
    by_stack: dict[str, list[Resource]] = {}
    for resource in estate.resources:
        if resource.type in _taggable():
            by_stack.setdefault(resource.stack, []).append(resource)
    for resources in by_stack.values():
        named = [_workload_of(each) for each in resources]
        known = [name for name in named if name]
        if len(known) * 2 <= len(resources):
            continue
        usual = max(sorted(set(known)), key=known.count)
        for resource, name in zip(resources, named, strict=True):
            message = f"tagged with {'workload ' + name if name else 'no workload'} in a stack of {usual}"
            yield Judgement(resource, name == usual, message=message)


def _workload_of(resource: Resource) -> str:
    return next((value for key, value in _tags(resource).items() if _WORKLOAD.search(key)), "")


RULES: tuple[Rule, ...] = (
    Rule(
        id="OPS-2.owner-tags",
        title="Resources name owner, environment and cost centre",
        rationale="A finding, a bill or a question about a resource without an owner finds nobody.",
        remedy="Tag the stack or the app: Tags.of(scope).add(key, value).",
        severity=Severity.LOW,
        phase=Phase.INITIAL,
        check=_tagged,
    ),
    Rule(
        id="OPS-2.workload-tag",
        title="Resources of a workload's stack name the workload",
        rationale="Costs and access by workload add up only if every resource counts.",
        remedy="Tag the workload's stack with its name.",
        severity=Severity.LOW,
        phase=Phase.REPEATABLE,
        check=_workload,
    ),
)
