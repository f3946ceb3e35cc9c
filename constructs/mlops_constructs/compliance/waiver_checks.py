"""Waivers are judged too: one that covers nothing, covers too much or explains too little fails the gate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.finding import Finding, Status
from mlops_constructs.compliance.rule import Severity
from mlops_constructs.compliance.waivers import AppliedWaiver, Unreadable

SERIOUS = frozenset({Severity.CRITICAL, Severity.HIGH})
REMEDIES: Mapping[str, str] = {
    "unreadable": "Give the waiver a reason of a sentence, an owner and a review date.",
    "over-broad": "Waive the exact finding, detail included, at the construct that has it.",
    "stale": "Remove the waiver.",
    "no-compensation": "Name the control that keeps the risk small instead (compensating_control).",
}
"""Rules of the waivers, `WAIVER-1.<name>`, and what to do."""


def problems(
    estate: Estate, waivers: Iterable[AppliedWaiver | Unreadable], judged: Iterable[Finding]
) -> Iterator[Finding]:
    """Yield what is wrong with waivers, as findings.

    Args:
        estate: The environment.
        waivers: Its waivers of our pack.
        judged: Every finding the rules made, waived ones included.
    """
    broken = [finding for finding in judged if finding.fails or finding.status is Status.WAIVED]
    for each in waivers:
        if isinstance(each, Unreadable):
            yield _problem("unreadable", each.path, each.finding, each.problem)
        elif breadth := _breadth(estate, each, broken):
            yield _problem("over-broad", each.path, each.waiver.finding, breadth)
        else:
            yield from _use(estate, each, broken)


def _use(estate: Estate, applied: AppliedWaiver, broken: list[Finding]) -> Iterator[Finding]:
    covered = [finding for finding in broken if applied.covers(finding.finding, finding.path)]
    name = applied.waiver.finding
    if not covered:
        yield _problem("stale", applied.path, name, f"the waiver of {name} covers nothing")
    elif estate.guarded and not applied.waiver.compensating_control and covered[0].severity in SERIOUS:
        message = f"{name} is {covered[0].severity}, and the waiver names no compensating control"
        yield _problem("no-compensation", applied.path, name, message)


def _breadth(estate: Estate, applied: AppliedWaiver, broken: list[Finding]) -> str:
    """Return what makes a waiver broader than the finding it names, empty if nothing does."""
    name = applied.waiver.finding
    rule = name.split("[")[0]
    if "*" in applied.path or "*" in rule or name.endswith("[*]"):
        return f"the waiver of {name} is a wildcard"
    if name == rule and any(f.finding.startswith(f"{rule}[") and applied.reaches(f.path) for f in broken):
        return f"the waiver names the rule {rule} and not a finding of it"
    for template in estate.templates:
        paths = [resource.path for resource in estate.resources if resource.stack == template.stack]
        if len(paths) > 1 and all(map(applied.reaches, paths)):
            return f"the waiver of {name} covers the whole stack {template.stack}"
    return ""


def _problem(kind: str, path: str, finding: str, message: str) -> Finding:
    return Finding(
        rule=f"WAIVER-1.{kind}",
        resource="",
        path=path,
        finding=f"MLOps::WAIVER-1.{kind}[{finding}]",
        status=Status.FAIL,
        severity=Severity.HIGH,
        message=message,
        remedy=REMEDIES[kind],
    )
