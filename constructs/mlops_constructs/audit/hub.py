"""SecurityHub: findings of every service in one place, judged by standards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from aws_cdk import Aws
from aws_cdk import aws_securityhub as securityhub
from constructs import Construct

Standard = Literal["fsbp", "nist-800-53"]
STANDARDS: dict[Standard, str] = {
    "fsbp": "standards/aws-foundational-security-best-practices/v/1.0.0",
    "nist-800-53": "standards/nist-800-53/v/5.0.0",
}
"""Path of each standard in its ARN: FSBP is AWS's own, NIST is 800-53 revision 5."""


class SecurityHub(Construct):
    """Security Hub CSPM with the standards that were chosen, one finding per control whatever the number of standards.

    Needs a configuration recorder in the account and region: most controls judge what it recorded.

    Args:
        standards: The standards; both by default.

    Attributes:
        hub: The `securityhub.CfnHub`.
        standards: The `securityhub.CfnStandard` of each standard by name.

    Raises:
        ValueError: No standard was given.
    """

    def __init__(self, scope: Construct, id: str, *, standards: Sequence[Standard] = ("fsbp", "nist-800-53")) -> None:
        super().__init__(scope, id)
        if not standards:
            raise ValueError(f"standards: got none; give at least one of {', '.join(STANDARDS)}")
        self.hub = securityhub.CfnHub(
            self,
            "Resource",
            enable_default_standards=False,
            auto_enable_controls=True,
            control_finding_generator="SECURITY_CONTROL",
        )
        self.standards: dict[str, securityhub.CfnStandard] = {}
        previous: Construct = self.hub
        for name in standards:
            arn = f"arn:{Aws.PARTITION}:securityhub:{Aws.REGION}::{STANDARDS[name]}"
            id_ = "".join(part.title() for part in name.split("-"))
            standard = securityhub.CfnStandard(self, id_, standards_arn=arn)
            standard.node.add_dependency(previous)  # Security Hub takes one change of standards at a time
            self.standards[name], previous = standard, standard
