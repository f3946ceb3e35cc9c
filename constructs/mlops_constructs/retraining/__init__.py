"""Retraining: the gate between triggers and trainings. Serves the phase Scalable."""

from mlops_constructs.retraining.gate import RetrainingGate, RetrainingLimits

__all__ = ["RetrainingGate", "RetrainingLimits"]
