"""Reading a Glue Data Quality result: pure."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from mlops_runtime.model import Frozen

_REASON_LIMIT = 1000


class RuleResult(BaseModel):
    """One rule's outcome as GetDataQualityResult gives it; fields not needed here are let through."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(default="", alias="Name")
    description: str = Field(default="", alias="Description")
    message: str = Field(default="", alias="EvaluationMessage")
    result: str = Field(alias="Result")


class QualityResult(BaseModel):
    """The part of GetDataQualityResult that decides."""

    model_config = ConfigDict(extra="ignore")

    score: float = Field(default=0.0, alias="Score")
    rules: list[RuleResult] = Field(default_factory=list, alias="RuleResults")


class FailedRule(Frozen):
    """A rule that did not pass, in its own words."""

    rule: str
    message: str


class Gate(Frozen):
    """The gate's answer; `reason` is one line for people."""

    passed: bool
    score: float
    failed_rules: list[FailedRule]
    reason: str


def decide(result: QualityResult, dataset: str) -> Gate:
    """Pass only when every rule passed; no rule evaluated is no pass."""
    failed = [
        FailedRule(rule=rule.description or rule.name, message=rule.message or rule.result)
        for rule in result.rules
        if rule.result != "PASS"
    ]
    if not result.rules:
        reason = f"{dataset}: no quality rule was evaluated"
    elif failed:
        listed = "; ".join(f"{item.rule}: {item.message}" for item in failed)
        reason = f"{dataset}: {len(failed)} of {len(result.rules)} quality rules failed: {listed}"[:_REASON_LIMIT]
    else:
        reason = f"{dataset}: {len(result.rules)} quality rules passed"
    return Gate(passed=bool(result.rules) and not failed, score=result.score, failed_rules=failed, reason=reason)
