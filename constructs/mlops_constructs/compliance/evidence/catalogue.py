"""Status per rule, per control and per requirement of a framework, out of the checks of a review."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlops_constructs.compliance.controls import CHECKERS, CONTROLS, FRAMEWORKS, controls_of
from mlops_constructs.compliance.evidence.ledger import Check, Ledger
from mlops_constructs.compliance.evidence.statuses import OF_CHECK, counted, worst

Row = dict[str, Any]


def rule_rows(ledgers: Iterable[Ledger], ours: Mapping[str, Row]) -> list[Row]:
    """One row per rule that was asked: what it wants, whom it judged, with what outcome.

    Args:
        ledgers: What the tools said.
        ours: Title, rationale, remedy, severity and controls of our own rules, which judge even where none is found.
    """
    rows = []
    for ledger in ledgers:
        by_rule: dict[str, list[Check]] = {name: [] for name in (*ledger.titles, *ledger.not_applicable)}
        for check in ledger.checks:
            by_rule.setdefault(check.rule, []).append(check)
        for name, checks in sorted(by_rule.items()):
            known = ours.get(name, {}) if ledger.tool == "mlops" else {}
            rows.append(
                {
                    "tool": ledger.tool,
                    "rule": name,
                    "title": known.get("title") or ledger.titles.get(name) or (checks[0].message if checks else ""),
                    "rationale": known.get("rationale", ""),
                    "remedy": known.get("remedy", ""),
                    "severity": known.get("severity") or (checks[0].severity if checks else ""),
                    "phase": known.get("phase", ""),
                    "decides": ledger.decides,
                    "controls": list(known.get("controls") or foreign_controls(ledger.tool, name)),
                    "references": sorted({each for check in checks for each in check.references}),
                    "status": worst(OF_CHECK[check.status] for check in checks) if checks else "NOT_APPLICABLE",
                    "counts": counted(OF_CHECK[check.status] for check in checks),
                    "not_applicable": ledger.not_applicable.get(name, 0),
                }
            )
    return rows


def foreign_controls(tool: str, rule: str) -> tuple[str, ...]:
    """Controls of ours that a foreign rule speaks of; none where nobody has mapped the tool."""
    checker = next((each for each in CHECKERS if tool.startswith(each)), None)
    return () if checker is None else controls_of(checker, rule)


def control_rows(rules: Sequence[Row]) -> list[Row]:
    """One row per control of the catalogue, in its order, with the rules that speak of it."""
    return [
        {
            "id": control.id,
            "title": control.title,
            "family": control.family,
            "intent": control.intent,
            "phase": str(control.phase),
            "frameworks": {name: list(ids) for name, ids in control.frameworks.items()},
            "detect": list(control.detect),
            "prevent": list(control.prevent),
            **_summary([rule for rule in rules if control.id in rule["controls"]]),
        }
        for control in CONTROLS.values()
    ]


def framework_rows(rules: Sequence[Row]) -> list[Row]:
    """One row per framework with its requirements: those our controls serve, and those a tool names itself."""
    rows = []
    for framework in FRAMEWORKS.values():
        served: dict[str, list[str]] = {}
        for control in CONTROLS.values():
            for requirement in control.frameworks.get(framework.id, ()):
                served.setdefault(requirement, []).append(control.id)
        named: dict[str, list[Row]] = {}
        for rule in rules:
            for reference in rule["references"]:
                publisher, _, requirement = reference.partition(" ")
                if publisher == framework.id:
                    named.setdefault(requirement, []).append(rule)
        requirements = [
            _requirement(each, served.get(each, []), rules, named.get(each, []))
            for each in sorted({*served, *named}, key=_natural)
        ]
        rows.append(
            {
                "id": framework.id,
                "name": framework.name,
                "version": framework.version,
                "official": framework.official,
                "source": framework.source,
                "requirements": requirements,
                "counts": counted(each["status"] for each in requirements),
            }
        )
    return rows


def _requirement(identifier: str, controls: list[str], rules: Sequence[Row], named: Sequence[Row]) -> Row:
    served = [rule for rule in rules if set(controls) & set(rule["controls"])]
    every = {(rule["tool"], rule["rule"]): rule for rule in (*served, *named)}
    beside = [rule for rule in named if rule not in served]
    return {"id": identifier, "controls": controls, **_summary(list(every.values())), "named": _names(beside)}


def _summary(rules: Sequence[Row]) -> Row:
    """Status over rules; a retired standard is listed and never decides."""
    deciding = [rule for rule in rules if rule["decides"] and rule["status"] != "NOT_APPLICABLE"]
    counts: dict[str, int] = {}
    for rule in deciding:
        for status, number in rule["counts"].items():
            counts[status] = counts.get(status, 0) + number
    return {
        "status": worst(counts),
        "counts": counted(status for status, number in counts.items() for _ in range(number)),
        "rules": _names(rules),
    }


def _names(rules: Iterable[Row]) -> list[Row]:
    return [{"tool": rule["tool"], "rule": rule["rule"], "status": rule["status"]} for rule in rules]


def _natural(identifier: str) -> list[tuple[int, str]]:
    """Order in which AC-2 stands before AC-11."""
    pieces: list[str] = [""]
    for letter in identifier:
        if letter.isdigit() == pieces[-1][-1:].isdigit():
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in pieces]
