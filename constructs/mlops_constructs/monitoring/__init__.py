"""Monitoring: drift and quality of what an endpoint answered. Serves the phase Reliable."""

from mlops_constructs.monitoring.dashboard import WorkloadDashboard
from mlops_constructs.monitoring.metrics import MonitorMetrics
from mlops_constructs.monitoring.monitor import ModelMonitor
from mlops_constructs.monitoring.plan import MonitorData, MonitorPlan
from mlops_constructs.monitoring.roles import MonitorRoles
from mlops_constructs.monitoring.spec import MonitorSpec

__all__ = [
    "ModelMonitor",
    "MonitorData",
    "MonitorMetrics",
    "MonitorPlan",
    "MonitorRoles",
    "MonitorSpec",
    "WorkloadDashboard",
]
