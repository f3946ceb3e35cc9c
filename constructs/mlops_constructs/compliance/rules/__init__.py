"""Every rule of the pack, by domain; a new module adds its line here."""

from __future__ import annotations

from mlops_constructs.compliance.rule import Rule

ALL: tuple[Rule, ...] = ()
"""All rules."""
