"""Environments and workloads as data: typed, validated, refused with one clear line."""

from stacks.config.base import ConfigError
from stacks.config.context import check_context
from stacks.config.environment import (
    ALL,
    Alerts,
    CreateNetwork,
    DataRetention,
    Environment,
    ExistingNetwork,
    Network,
    Stage,
)
from stacks.config.identity import Identity, IdentityCenter, Oidc, Saml
from stacks.config.loading import Platform, environment_names, load_environment, load_platform, load_workload
from stacks.config.source import Column, Label, Source
from stacks.config.workload import (
    Autoscaling,
    Image,
    Metric,
    Monitoring,
    Retraining,
    Rollout,
    Serving,
    Training,
    Workload,
)

__all__ = [
    "ALL",
    "Alerts",
    "Autoscaling",
    "Column",
    "ConfigError",
    "CreateNetwork",
    "DataRetention",
    "Environment",
    "ExistingNetwork",
    "Identity",
    "IdentityCenter",
    "Image",
    "Label",
    "Metric",
    "Monitoring",
    "Network",
    "Oidc",
    "Platform",
    "Retraining",
    "Rollout",
    "Saml",
    "Serving",
    "Source",
    "Stage",
    "Training",
    "Workload",
    "check_context",
    "environment_names",
    "load_environment",
    "load_platform",
    "load_workload",
]
