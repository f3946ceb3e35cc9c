"""What other checkers say of the same templates, whole: passes, failures, errors, nothing to judge."""

from mlops_constructs.compliance.evidence.ledger.model import Check, Ledger

__all__ = ["Check", "Ledger"]
