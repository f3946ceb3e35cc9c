"""What GuardDuty can look at besides the logs it always reads; plain data, so that a reader needs no CDK."""

from __future__ import annotations

from typing import Literal, get_args

Feature = Literal[
    "S3_DATA_EVENTS",
    "LAMBDA_NETWORK_LOGS",
    "RDS_LOGIN_EVENTS",
    "EKS_AUDIT_LOGS",
    "EBS_MALWARE_PROTECTION",
    "RUNTIME_MONITORING",
]
FEATURES: tuple[Feature, ...] = get_args(Feature)
DEFAULT_FEATURES: tuple[Feature, ...] = ("S3_DATA_EVENTS", "LAMBDA_NETWORK_LOGS")
"""Threats to the data, and functions that talk to strangers."""
