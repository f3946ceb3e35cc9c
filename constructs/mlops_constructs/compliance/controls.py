"""The control catalogue: what the platform promises, in which framework it counts, and which layer keeps it.

A control is kept in up to three layers under one id: a rule over templates (`mlops_constructs.compliance.rules`),
a detective AWS Config rule and a preventive deny statement. The catalogue and its maps are data, in `data/`; the two
deployed layers register what they deploy in `data/detective.json` and `data/preventive.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mlops_constructs.compliance.rule import Phase

CHECKERS = ("cdk-nag", "checkov")
"""Foreign checkers whose rules are mapped to our controls."""


@dataclass(frozen=True, kw_only=True)
class Framework:
    """A catalogue of somebody else that our controls serve.

    Args:
        id: Key in `Control.frameworks`: `nist-800-53-r5`.
        name: As its publisher calls it.
        version: The edition the ids come from.
        official: Whether publishers or checkers map cloud settings to it; False marks a map that is our reading.
        source: Where its text is published.
    """

    id: str
    name: str
    version: str
    official: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class Control:
    """One promise of the platform.

    Args:
        id: Family and number: `ENC-1`. Rule ids, Config rules and deny statements begin with it.
        title: The promise in a few words.
        family: Heading of the catalogue it stands under.
        intent: What it is good for, in one sentence.
        phase: Phase of the MLOps maturity model in which an organisation needs it.
        frameworks: Requirement ids by framework id.
        detect: AWS Config rules that watch it in the account.
        prevent: Sids of the deny statements that enforce it in the account.
    """

    id: str
    title: str
    family: str
    intent: str
    phase: Phase
    frameworks: Mapping[str, tuple[str, ...]]
    detect: tuple[str, ...] = ()
    prevent: tuple[str, ...] = ()


def control_of(rule_id: str) -> str:
    """Return the control a rule of ours belongs to: `ENC-1` for `ENC-1.customer-key`."""
    return rule_id.partition(".")[0]


def controls_of(tool: str, rule_id: str) -> tuple[str, ...]:
    """Return the controls a foreign checker's rule speaks of; empty when it speaks of none of ours.

    Args:
        tool: One of `CHECKERS`.
        rule_id: As the tool prints it: `AwsSolutions-S1`, `NIST.800.53.R5::NIST.800.53.R5-LambdaDLQ`, `CKV_AWS_19`,
            with or without a finding in brackets.

    Raises:
        ValueError: The tool is not mapped.
    """
    if tool not in CHECKERS:
        raise ValueError(f"no rules of {tool!r} are mapped to controls, only those of {', '.join(CHECKERS)}")
    name = rule_id.partition("[")[0].rpartition("::")[2]
    known = _foreign(tool)
    return known.get(name) or known.get(name.rpartition("-")[2], ())


def requirements(framework: str) -> dict[str, tuple[str, ...]]:
    """Return the controls that serve each requirement of a framework."""
    served: dict[str, list[str]] = {}
    for control in CONTROLS.values():
        for requirement in control.frameworks.get(framework, ()):
            served.setdefault(requirement, []).append(control.id)
    return {requirement: tuple(ids) for requirement, ids in sorted(served.items())}


@cache
def _foreign(tool: str) -> dict[str, tuple[str, ...]]:
    by_rule: dict[str, list[str]] = {}
    for control, rules in _data("foreign_rules.json")[tool].items():
        for rule in rules:
            by_rule.setdefault(rule, []).append(control)
    return {rule: tuple(controls) for rule, controls in by_rule.items()}


def _data(name: str) -> dict[str, Any]:
    file = files(__package__) / "data" / name
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return loaded


def _layer(name: str, known: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    layer = _data(name)
    if strangers := sorted(set(layer) - set(known)):
        raise ValueError(f"data/{name} names controls the catalogue does not have: {', '.join(strangers)}")
    return {control: tuple(sorted(entries)) for control, entries in layer.items()}


def _catalogue() -> tuple[dict[str, Framework], dict[str, Control]]:
    data = _data("frameworks.json")
    detect = _layer("detective.json", data["controls"])
    prevent = _layer("preventive.json", data["controls"])
    frameworks = {key: Framework(id=key, **entry) for key, entry in data["frameworks"].items()}
    controls = {
        key: Control(
            id=key,
            title=entry["title"],
            family=entry["family"],
            intent=entry["intent"],
            phase=Phase[entry["phase"].upper()],
            frameworks={name: tuple(ids) for name, ids in entry["frameworks"].items()},
            detect=detect.get(key, ()),
            prevent=prevent.get(key, ()),
        )
        for key, entry in data["controls"].items()
    }
    return frameworks, controls


FRAMEWORKS, CONTROLS = _catalogue()
"""Frameworks and controls by id, in the catalogue's order."""
