"""Waivers beside the resource: findings of the checkers that we accept, with an owner and a date.

What a waiver is, and reading them back out of `cdk.out`, is in `compliance.waivers`, which needs no CDK; here one is
written: as cdk-nag 3's qualified acknowledgement, its fields at the end of the reason.
"""

from __future__ import annotations

from aws_cdk import Acknowledgment
from constructs import IConstruct

from mlops_constructs.compliance.waivers import (
    RULE_WAIVERS,
    AppliedWaiver,
    Waiver,
    expired,
    read_waivers,
    unused,
)
from mlops_constructs.governance.known import validations_of

__all__ = ["RULE_WAIVERS", "AppliedWaiver", "Waiver", "expired", "read_waivers", "unused", "waive"]


def waive(construct: IConstruct, *waivers: Waiver) -> None:
    """Accept findings for a construct and everything below it, with owner and date."""
    if waivers:
        validations_of(construct).acknowledge(*(Acknowledgment(id=w.finding, reason=w.text) for w in waivers))
