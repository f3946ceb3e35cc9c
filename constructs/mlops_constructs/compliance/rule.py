"""What a rule is: one promise about templates, with its reason, its remedy and the controls it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from mlops_constructs.compliance.estate import Estate, Resource


class Severity(StrEnum):
    """How bad a finding is, worst first."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class Phase(StrEnum):
    """Phase of the maturity model from which on the rule is due."""

    INITIAL = "INITIAL"
    REPEATABLE = "REPEATABLE"
    RELIABLE = "RELIABLE"
    SCALABLE = "SCALABLE"


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a rule found out about one resource; passes are judgements too, a ledger needs them.

    Args:
        resource: The resource judged.
        ok: Whether it keeps the rule.
        detail: Tells several findings of one rule on one resource apart; stable text, part of what a waiver names.
        message: What is wrong with it, in a sentence.
    """

    resource: Resource
    ok: bool
    detail: str = ""
    message: str = ""


Check = Callable[[Estate], Iterator[Judgement]]
"""Judges every resource it concerns in an environment."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One promise about the templates of an environment.

    Rules of a module that share a phase, a severity or a reason begin with `partial(Rule, ...)`.

    Args:
        id: Control and name, `ENC-1.customer-key`.
        title: The promise, in a line.
        rationale: Why it matters.
        remedy: What to do about a finding.
        severity: How bad a finding is.
        phase: Phase of the maturity model it is due from.
        check: Judges every resource it concerns in an environment.
        also: Further controls it serves.
        waivable_in_prod: Whether a finding in production may be accepted at all.

    Raises:
        ValueError: The id does not begin with a control.
    """

    id: str
    title: str
    rationale: str
    remedy: str
    severity: Severity
    phase: Phase
    check: Check
    also: tuple[str, ...] = ()
    waivable_in_prod: bool = True

    def __post_init__(self) -> None:
        control, dot, name = self.id.partition(".")
        if not (dot and name and "-" in control):
            raise ValueError(f"id of a rule must be <CONTROL>.<name> like ENC-1.customer-key, got {self.id!r}")

    @property
    def control(self) -> str:
        """The control the id begins with."""
        return self.id.partition(".")[0]

    @property
    def controls(self) -> tuple[str, ...]:
        """Every control the rule serves."""
        return (self.control, *self.also)
