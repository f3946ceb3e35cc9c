"""Roles of yours that the retraining gate runs in."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_iam as iam


@dataclass(frozen=True, kw_only=True)
class GateRoles:
    """Roles to use in place of those `RetrainingGate` makes; each that is not given is made, all get the same.

    Args:
        gate: Runs the gate; `lambda.amazonaws.com` assumes it. Not that of `train`, whose machine its policy names.
        live_parameter: Runs the function that makes the kill switch; `lambda.amazonaws.com`.
    """

    gate: iam.IRole | None = None
    live_parameter: iam.IRole | None = None
