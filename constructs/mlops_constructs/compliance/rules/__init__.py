"""Every rule of the pack, by domain; a new module adds its line here."""

from __future__ import annotations

from mlops_constructs.compliance.rule import Rule
from mlops_constructs.compliance.rules import (
    encryption,
    iam,
    logging,
    network,
    patching,
    public,
    resource_policies,
    retention,
    secrets,
    transport,
)

ALL: tuple[Rule, ...] = (
    *iam.RULES,
    *resource_policies.RULES,
    *encryption.RULES,
    *transport.RULES,
    *secrets.RULES,
    *logging.RULES,
    *retention.RULES,
    *network.RULES,
    *public.RULES,
    *patching.RULES,
)
"""All rules."""
