"""Our own policy pack in the form of a ledger: the gate's findings, its waivers already judged."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.evidence.ledger.model import Check, Ledger
from mlops_constructs.compliance.finding import Finding, Status
from mlops_constructs.compliance.rule import Rule
from mlops_constructs.compliance.rules import ALL
from mlops_constructs.compliance.run import evaluate
from mlops_constructs.compliance.waivers import AppliedWaiver, Unreadable

TOOL = "mlops"


def own_ledger(
    estate: Estate, waivers: Sequence[AppliedWaiver | Unreadable], today: dt.date, rules: Sequence[Rule] = ALL
) -> Ledger:
    """Every judgement of our rules; a rule that found nothing of its concern counts as not applicable."""
    known = {rule.id: rule for rule in rules}
    findings = evaluate(estate, waivers, today, rules)
    nothing = Counter(each.rule for each in findings if each.status is Status.NOT_EVALUATED)
    checks = tuple(_check(each, known) for each in findings if each.status is not Status.NOT_EVALUATED)
    return Ledger(
        tool=TOOL,
        version=version("mlops-constructs"),
        checks=checks,
        # Silence of every rule is a broken gate or an empty template, and no pass.
        problems=() if checks else ("no rule found anything to judge",),
        titles={rule.id: rule.title for rule in rules},
        not_applicable=nothing,
    )


def own_rules(rules: Sequence[Rule] = ALL) -> dict[str, dict[str, Any]]:
    """What our rules are for, by id."""
    return {
        rule.id: {
            "title": rule.title,
            "rationale": rule.rationale,
            "remedy": rule.remedy,
            "severity": str(rule.severity),
            "phase": str(rule.phase),
            "controls": list(rule.controls),
        }
        for rule in rules
    }


def _check(finding: Finding, rules: dict[str, Rule]) -> Check:
    rule = rules.get(finding.rule)
    return Check(
        tool=TOOL,
        rule=finding.rule,
        finding=finding.finding,
        status=str(finding.status),
        severity=str(finding.severity),
        message=finding.message,
        remedy=finding.remedy,
        stack=finding.stack,
        template=finding.template,
        line=max(finding.line, 1),
        logical_id=finding.resource,
        resource_type=finding.type,
        path=finding.path,
        controls=rule.controls if rule else (),
    )
