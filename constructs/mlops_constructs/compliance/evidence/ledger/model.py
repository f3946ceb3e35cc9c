"""What a checker said: one `Check` per rule and resource (and detail), passes too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Check:
    """One judgement of one rule on one resource.

    Args:
        tool: Checker that judged: `mlops`, `cdk-nag`, `cloudformation-validate`, `checkov`.
        rule: Its rule, as the tool names it.
        finding: Qualified id, what a waiver names: `Pack::Rule` or `Pack::Rule[detail]`.
        status: `PASS`, `FAIL`, `WAIVED`, `WAIVER_EXPIRED`, `NOT_EVALUATED` or `ERROR`.
        severity: `CRITICAL`, `HIGH`, `MEDIUM` or `LOW`.
        message: What was found; what the rule asks for when it passes.
        stack: Stack of the resource; empty when the whole template is meant.
        template: File name of the template.
        line: Line of the resource in it, counted from 1.
        logical_id: The resource.
        resource_type: Its CloudFormation type.
        path: Construct path, or `<stack>/<logical id>`.
        remedy: What to do about it.
        controls: Ids of our control catalogue.
        references: Requirements of frameworks that the tool itself names: `nist-800-53-r5 AC-3`.
        twin: Finding of the same rule in another pack, whose waiver counts here too.
        waiver: Place of the waiver in the review's list.
    """

    tool: str
    rule: str
    finding: str
    status: str
    severity: str
    message: str
    stack: str
    template: str
    line: int
    logical_id: str
    resource_type: str
    path: str
    remedy: str = ""
    controls: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    twin: tuple[str, ...] = ()
    waiver: int | None = None


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """All a tool said of one environment.

    Args:
        tool: Name of the checker.
        version: Its version.
        checks: What it judged.
        decides: Whether an open finding of this tool fails the review.
        ran: Whether it ran at all.
        note: Why it did not run, or what a reader must know about it.
        titles: What each rule asks for, by rule.
        not_applicable: By rule, how many resources it looked at and found none of its business.
        problems: What is wrong beside findings, and fails the review: a waiver that is none.
    """

    tool: str
    version: str
    checks: tuple[Check, ...] = ()
    decides: bool = True
    ran: bool = True
    note: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    not_applicable: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
