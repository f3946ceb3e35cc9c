"""The AWS Config rules of the conformance pack, as data: control, rule, parameters, where it applies.

Imports nothing of the CDK: the control catalogue reads it too. A rule is managed by AWS (its identifier) or ours (a
Guard policy over the configuration item).
"""

from __future__ import annotations

from mlops_constructs.audit.rule import ConfigRule
from mlops_constructs.audit.rules_access import ACCESS_RULES
from mlops_constructs.audit.rules_ml import ML_RULES
from mlops_constructs.audit.rules_operations import OPERATIONS_RULES

RULES: tuple[ConfigRule, ...] = (*ACCESS_RULES, *ML_RULES, *OPERATIONS_RULES)
"""Every rule there is; `ConfigRule.applies` says which of them an environment has."""


def by_control() -> dict[str, list[str]]:
    """Names of the rules of each control, both sorted: what the control catalogue shows as detection."""
    found: dict[str, list[str]] = {}
    for rule in sorted(RULES, key=lambda rule: (rule.control, rule.name)):
        found.setdefault(rule.control, []).append(rule.name)
    return found
