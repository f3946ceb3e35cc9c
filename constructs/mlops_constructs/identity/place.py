"""Where personas work: ARNs and conditions of one environment, by name pattern and tag. Imports no aws_cdk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Conditions = Mapping[str, Mapping[str, str | list[str]]]
Statement = dict[str, str | list[str] | Conditions]


@dataclass(frozen=True, kw_only=True)
class Place:
    """One environment in one account and region.

    Args:
        environment: Its name; what the platform makes carries it in its name or in the tag `mlops:environment`.
        account: Account number.
        region: Region.
        partition: `aws` by default.
        qualifier: Of the CDK bootstrap, whose roles deploy; CDK's own by default.
    """

    environment: str
    account: str
    region: str
    partition: str = "aws"
    qualifier: str = "hnb659fds"

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """An ARN of this account."""
        return f"arn:{self.partition}:{service}:{self.region if regional else ''}:{self.account}:{resource}"

    def bucket(self, name: str) -> str:
        """ARN of a bucket, or of objects in it: `name/*`. CloudFormation names buckets after their stack."""
        return f"arn:{self.partition}:s3:::mlops-{self.environment}-{name}"

    @property
    def tagged(self) -> Conditions:
        """Only what carries the environment's tag."""
        return {"StringEquals": {"aws:ResourceTag/mlops:environment": self.environment}}

    @property
    def own(self) -> Conditions:
        """Only resources of this account: names of buckets are the world's, anybody may take one that fits."""
        return {"StringEquals": {"aws:ResourceAccount": self.account}}

    def own_below(self, prefix: str) -> Conditions:
        """Lists of buckets of this account, below a prefix."""
        return {**self.own, "StringLike": {"s3:prefix": [f"{prefix}*"]}}

    def key_through(self, *services: str) -> Conditions:
        """Only the environment's keys, and only through these services."""
        names = [f"{name}.{self.region}.amazonaws.com" for name in services]
        return {"StringEquals": {"aws:ResourceTag/mlops:environment": self.environment, "kms:ViaService": names}}


def allow(sid: str, actions: Sequence[str], on: Sequence[str], conditions: Conditions | None = None) -> Statement:
    """One statement that allows."""
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(on)}
    return {**statement, "Condition": conditions} if conditions else statement
