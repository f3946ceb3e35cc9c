"""The review as one document: what `review.json` holds and every other file of the bundle is made from."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.evidence.access import role_inventory
from mlops_constructs.compliance.evidence.catalogue import control_rows, framework_rows, rule_rows
from mlops_constructs.compliance.evidence.inventory import (
    data_inventory,
    encryption_inventory,
    exposure_inventory,
    retention_inventory,
    unknown_inventory,
)
from mlops_constructs.compliance.evidence.ledger import Check, Ledger
from mlops_constructs.compliance.evidence.statuses import FAILING, OF_CHECK, WORST_FIRST, counted
from mlops_constructs.compliance.evidence.unknowns import NOT_IN_TEMPLATES

SCHEMA = "mlops-review/1"
Document = dict[str, Any]


def build(
    estate: Estate,
    templates: Sequence[Path],
    ledgers: Sequence[Ledger],
    waivers: Sequence[Mapping[str, Any]],
    *,
    ours: Mapping[str, Mapping[str, Any]],
    date: dt.date,
    usage: Any = None,
    mutation: Any = None,
) -> Document:
    """Put one environment's review together; equal arguments give an equal document.

    Args:
        estate: The templates, read.
        templates: Their files.
        ledgers: What the tools said, waivers laid over.
        waivers: Waivers with state and what they cover.
        ours: Title, remedy and controls of our own rules.
        date: Day of the review: waivers expire by it.
        usage: Recorded use of permissions by role, if there is a record.
        mutation: Mutation score of the checkers, if there is one.
    """
    rules = rule_rows(ledgers, {key: dict(value) for key, value in ours.items()})
    checks = sorted((check for ledger in ledgers for check in ledger.checks), key=_order)
    encryption = encryption_inventory(estate, checks)
    return {
        "schema": SCHEMA,
        "date": date.isoformat(),
        "environment": {
            "name": estate.name,
            "stage": estate.stage,
            "guarded": estate.guarded,
            "account": estate.account,
            "region": estate.region,
            "resources": len(estate.resources),
            "types": len({each.type for each in estate.resources}),
        },
        "verdict": verdict(ledgers, waivers),
        "tools": [_tool(ledger) for ledger in ledgers],
        "templates": [_template(estate, path) for path in templates],
        "frameworks": framework_rows(rules),
        "controls": control_rows(rules),
        "rules": rules,
        "waivers": list(waivers),
        "inventories": {
            "encryption": encryption,
            "access": role_inventory(estate),
            "exposure": exposure_inventory(estate, checks),
            "retention": retention_inventory(estate, checks),
            "data": data_inventory(estate, encryption),
        },
        "unknowns": unknown_inventory(estate),
        "not_in_templates": [{"subject": subject, "answer": answer} for subject, answer in NOT_IN_TEMPLATES],
        "usage": usage,
        "mutation": mutation,
        "checks": [_check(each) for each in checks],
    }


def verdict(ledgers: Sequence[Ledger], waivers: Sequence[Mapping[str, Any]]) -> Document:
    """PASSED if no tool that decides has an open finding, nothing is broken, and no waiver is late or for nothing."""
    deciding = [check for ledger in ledgers if ledger.decides for check in ledger.checks]
    reasons = []
    for tool in [ledger.tool for ledger in ledgers if ledger.decides]:
        found = Counter(check.status for check in deciding if check.tool == tool and check.status in FAILING)
        reasons += [
            f"{tool}: {found[each]} {_WORDS[each]}" for each in ("FAIL", "WAIVER_EXPIRED", "ERROR") if found[each]
        ]
    for state, word in (("EXPIRED", "past their review date"), ("STALE", "covering nothing")):
        if number := sum(1 for each in waivers if each["state"] == state):
            reasons.append(f"waivers: {number} {word}")
    reasons += [f"{ledger.tool}: {problem}" for ledger in ledgers for problem in ledger.problems]
    return {
        "status": "FAILED" if reasons else "PASSED",
        "reasons": reasons,
        "counts": counted(OF_CHECK[check.status] for check in deciding),
        "left_out": [f"{ledger.tool}: {ledger.note}" for ledger in ledgers if not ledger.ran],
    }


_WORDS = {
    "FAIL": "open findings",
    "WAIVER_EXPIRED": "findings whose waiver is past its review date",
    "ERROR": "rules that could not judge",
}


def _order(check: Check) -> tuple[Any, ...]:
    status = WORST_FIRST.index(OF_CHECK[check.status])
    return check.tool, check.rule, status, check.path, check.finding, check.template, check.line


def _check(check: Check) -> Document:
    row = asdict(check)
    del row["twin"]
    return {**row, "controls": list(check.controls), "references": list(check.references)}


def _tool(ledger: Ledger) -> Document:
    return {
        "name": ledger.tool,
        "version": ledger.version,
        "ran": ledger.ran,
        "decides": ledger.decides,
        "note": ledger.note,
        "rules": len({*ledger.titles, *ledger.not_applicable, *(check.rule for check in ledger.checks)}),
        "counts": counted(OF_CHECK[check.status] for check in ledger.checks),
        "not_applicable": sum(ledger.not_applicable.values()),
    }


def _template(estate: Estate, path: Path) -> Document:
    inside = [each for each in estate.resources if each.template == path.name]
    return {
        "file": f"templates/{path.name}",
        "stack": inside[0].stack if inside else "",
        "resources": len(inside),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
