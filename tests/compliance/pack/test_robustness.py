"""No rule stumbles over a template nobody here wrote: parts missing, empty, or known only at deployment."""

import copy
import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mlops_constructs.compliance.estate import Estate, from_templates, load
from mlops_constructs.compliance.finding import Status
from mlops_constructs.compliance.run import evaluate
from tests.assembly import Assembly

LATER = {"Ref": "NobodyKnows"}
CHANGES: tuple[Any, ...] = (LATER, None, {}, [], "", "text", 0, True, [LATER])
Place = tuple[Any, Any]  # the container, and the key or index in it


def places(value: Any) -> Iterator[Place]:
    """Yield every place below a value; not inside intrinsic functions, whose form is CloudFormation's."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref")):
        return
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield value, key
        yield from places(each)


def damaged(estate: Estate, seed: int, share: float = 0.9) -> Estate:
    """Return the estate with one place of many resources removed or replaced."""
    draw = random.Random(seed)
    templates = []
    for template in estate.templates:
        body = copy.deepcopy(dict(template.body))
        for resource in body["Resources"].values():
            found = list(places(resource.get("Properties") or {}))
            if found and draw.random() < share:
                container, key = draw.choice(found)
                if draw.random() < 0.25:
                    container.pop(key)
                else:
                    container[key] = draw.choice(CHANGES)
        body["Parameters"] = {"NobodyKnows": {"Type": "String"}}
        templates.append(replace(template, body=body))
    return Estate(estate.name, templates, stage=estate.stage)


def errors(estate: Estate) -> list[str]:
    found = evaluate(estate, [], dt.date.min)
    return [f"{each.rule}: {each.message}" for each in found if each.status is Status.ERROR]


@pytest.mark.parametrize("seed", range(3))
def test_no_rule_fails_over_damaged_templates(assembly: Assembly, seed: int) -> None:
    estate = next(each for each in load(assembly.folder) if each.name == "prod")
    assert errors(damaged(estate, seed)) == []


def test_no_rule_fails_over_resources_without_properties(assembly: Assembly) -> None:
    types = sorted({resource["Type"] for _, _, _, resource in assembly.resources()})
    bare = {f"R{number}": {"Type": kind} for number, kind in enumerate(types)}
    assert errors(from_templates({"bare": {"Resources": bare}})) == []
