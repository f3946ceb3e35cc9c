"""IAM-1 to IAM-6: the rules over the IAM graph of an environment."""

from __future__ import annotations

from mlops_constructs.compliance.rule import Rule
from mlops_constructs.compliance.rules import (
    iam_conditions,
    iam_escalation,
    iam_guardrails,
    iam_limits,
    iam_passing,
    iam_reach,
    iam_trust,
    iam_wildcards,
)

RULES: tuple[Rule, ...] = (
    *iam_wildcards.RULES,
    *iam_conditions.RULES,
    *iam_escalation.RULES,
    *iam_reach.RULES,
    *iam_passing.RULES,
    *iam_trust.RULES,
    *iam_limits.RULES,
    *iam_guardrails.RULES,
)
