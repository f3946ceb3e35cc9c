"""Retraining: the gate between triggers and trainings. Serves the phase Scalable."""

from mlops_constructs.retraining.gate import RetrainingGate, RetrainingLimits
from mlops_constructs.retraining.roles import GateRoles

__all__ = ["GateRoles", "RetrainingGate", "RetrainingLimits"]
