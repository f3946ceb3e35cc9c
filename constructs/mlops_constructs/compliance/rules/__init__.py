"""Every rule of the pack, by domain; a new module adds its line here."""

from __future__ import annotations

from mlops_constructs.compliance.rule import Rule
from mlops_constructs.compliance.rules import (
    dead_letters,
    encryption,
    iam,
    logging,
    ml_governance,
    ml_isolation,
    ml_jobs,
    ml_lake,
    ml_monitoring,
    ml_rollout,
    ml_studio,
    ml_supply,
    ml_workflows,
    network,
    operations,
    patching,
    policy_conditions,
    public,
    resource_policies,
    retention,
    secrets,
    tags,
    transport,
)

ALL: tuple[Rule, ...] = (
    *iam.RULES,
    *resource_policies.RULES,
    *policy_conditions.RULES,
    *encryption.RULES,
    *transport.RULES,
    *secrets.RULES,
    *logging.RULES,
    *retention.RULES,
    *network.RULES,
    *public.RULES,
    *patching.RULES,
    *ml_isolation.RULES,
    *ml_monitoring.RULES,
    *ml_studio.RULES,
    *ml_supply.RULES,
    *ml_rollout.RULES,
    *ml_workflows.RULES,
    *ml_jobs.RULES,
    *ml_lake.RULES,
    *ml_governance.RULES,
    *operations.RULES,
    *dead_letters.RULES,
    *tags.RULES,
)
"""All rules."""
