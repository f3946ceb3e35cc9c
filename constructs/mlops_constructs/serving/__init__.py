"""Serving: real-time endpoints behind a verified, reversible deployment. Serves the phase Reliable."""

from mlops_constructs.serving.plan import ServingData, ServingPlan
from mlops_constructs.serving.realtime import RealTimeServing
from mlops_constructs.serving.roles import ServingRoles
from mlops_constructs.serving.rollout import Autoscaling, Fleet, Rollout

__all__ = ["Autoscaling", "Fleet", "RealTimeServing", "Rollout", "ServingData", "ServingPlan", "ServingRoles"]
