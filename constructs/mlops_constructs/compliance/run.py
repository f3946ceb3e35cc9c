"""The gate: every rule over an estate, its findings set against the waivers, the waivers judged themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mlops_constructs.compliance.estate import Estate, TemplateError
from mlops_constructs.compliance.finding import Finding, Status
from mlops_constructs.compliance.rule import Judgement, Rule, Severity
from mlops_constructs.compliance.rules import ALL
from mlops_constructs.compliance.waiver_checks import problems
from mlops_constructs.compliance.waivers import PACK, AppliedWaiver, Unreadable, expired, noted_waivers

__all__ = ["Finding", "Status", "evaluate", "failing", "qualified", "waivers_of"]


def evaluate(
    estate: Estate,
    waivers: Iterable[AppliedWaiver | Unreadable],
    today: dt.date,
    rules: Iterable[Rule] = ALL,
) -> list[Finding]:
    """Judge an estate.

    Args:
        estate: The environment.
        waivers: What `waivers_of` found in it, and those of a file. Findings of other packs are none of our business.
        today: Day at which waivers are looked at.
        rules: Rules to apply, all by default.

    Returns:
        One finding per rule, resource and detail, passes included, in stable order; `failing` picks what stops it.

    Raises:
        TemplateError: There is no rule or no resource: that must not look like a pass.
    """
    rules = tuple(rules)
    if not rules or not estate.resources:
        raise TemplateError(f"{estate.name}: nothing was judged: {len(rules)} rules, {len(estate.resources)} resources")
    ours = [each for each in waivers if each.finding.startswith(f"{PACK}::")]
    valid = [each for each in ours if isinstance(each, AppliedWaiver)]
    late = set(expired(valid, today))
    judged = [finding for rule in rules for finding in _apply(rule, estate, valid, late)]
    return sorted([*judged, *problems(estate, ours, judged)], key=lambda each: (each.rule, each.path, each.finding))


def failing(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that stop a deployment."""
    return [finding for finding in findings if finding.fails]


def waivers_of(estate: Estate) -> list[AppliedWaiver | Unreadable]:
    """Return the waivers the CDK noted in the assembly the estate was read from."""
    return list(noted_waivers(each for template in estate.templates for each in template.acknowledged))


def qualified(rule: str, detail: str = "") -> str:
    """Return the id of a finding as waivers name it, without what the CDK would change in it: brackets and spaces."""
    detail = detail.replace("[", "(").replace("]", ")").replace(" ", "-")
    return f"{PACK}::{rule}[{detail}]" if detail else f"{PACK}::{rule}"


def _apply(rule: Rule, estate: Estate, waivers: list[AppliedWaiver], late: set[AppliedWaiver]) -> Iterator[Finding]:
    found: dict[tuple[str, str], Finding] = {}
    try:
        for judgement in rule.check(estate):
            finding = _finding(rule, judgement)
            known = found.get((finding.path, finding.finding))
            if known is None or not known.fails:  # of several aspects under one id, a failed one decides
                found[finding.path, finding.finding] = finding
    except Exception as error:  # whatever a rule stumbles over must not look like a pass
        message = f"the rule could not judge this environment: {type(error).__name__}: {error}"
        yield replace(_about(rule, estate, Status.ERROR), message=message)
        return
    if not found:
        yield replace(_about(rule, estate, Status.NOT_EVALUATED), message="nothing here that the rule concerns")
    for finding in found.values():
        yield _waived(finding, rule, estate, waivers, late) if finding.fails else finding


def _finding(rule: Rule, judgement: Judgement) -> Finding:
    resource = judgement.resource
    return Finding(
        rule=rule.id,
        resource=resource.logical_id,
        path=resource.path,
        finding=qualified(rule.id, judgement.detail),
        status=Status.PASS if judgement.ok else Status.FAIL,
        severity=rule.severity,
        message=judgement.message or ("" if judgement.ok else f"breaks: {rule.title}"),
        remedy="" if judgement.ok else rule.remedy,
        type=resource.type,
        stack=resource.stack,
        template=resource.template,
        line=resource.line,
    )


def _about(rule: Rule, estate: Estate, status: Status) -> Finding:
    severity = Severity.CRITICAL if status is Status.ERROR else rule.severity
    return Finding(
        rule=rule.id, resource="", path=estate.name, finding=qualified(rule.id), status=status, severity=severity
    )


def _waived(
    finding: Finding, rule: Rule, estate: Estate, waivers: list[AppliedWaiver], late: set[AppliedWaiver]
) -> Finding:
    applied = next((each for each in waivers if each.covers(finding.finding, finding.path)), None)
    if applied is None:
        return finding
    if not rule.waivable_in_prod and estate.stage in ("prod", None):
        message = f"{finding.message} (a waiver is there, but nobody can waive this in prod)"
        return replace(finding, message=message, waiver=applied.waiver)
    status = Status.WAIVER_EXPIRED if applied in late else Status.WAIVED
    return replace(finding, status=status, waiver=applied.waiver)
