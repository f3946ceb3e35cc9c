"""Resolver query logging: configs and their associations are kept and checked; no query is ever logged.

Nothing here resolves names through a VPC, so there is nothing to log. What a wrong template would break in an account
breaks here too: a log group, VPC or config that does not exist.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from ..errors import LocalAwsError

if TYPE_CHECKING:
    from ..runtime import Created, Runtime

Properties = dict[str, Any]


class ResolverLogs:
    """The configs and associations of the account."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._configs: dict[str, Properties] = {}
        self._associations: dict[str, Properties] = {}

    def create_config(self, logical_id: str, properties: Properties, stack: str) -> Created:
        """A config; its destination must be a log group that exists."""
        destination = str(properties.get("DestinationArn", ""))
        name = destination.partition(":log-group:")[2].removesuffix(":*")
        groups = self._runtime.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"] if name else []
        if name not in {group["logGroupName"] for group in groups}:
            raise LocalAwsError(f"{logical_id}: DestinationArn {destination} is not the ARN of a log group")
        identity = f"rslvr-qlc-{secrets.token_hex(8)}"
        self._configs[identity] = properties
        arn = f"arn:aws:route53resolver:{self._runtime.region}:{self._runtime.account}:resolver-query-log-config"
        return identity, {"Id": identity, "Arn": f"{arn}/{identity}"}

    def delete_config(self, physical_id: str, properties: Properties) -> None:
        """A config that a VPC still uses stays, as in AWS."""
        if any(each["ResolverQueryLogConfigId"] == physical_id for each in self._associations.values()):
            raise LocalAwsError(f"{physical_id} is still associated with a VPC")
        self._configs.pop(physical_id, None)

    def create_association(self, logical_id: str, properties: Properties, stack: str) -> Created:
        """Config and VPC must exist."""
        config, vpc = properties.get("ResolverQueryLogConfigId"), properties.get("ResourceId")
        if config not in self._configs:
            raise LocalAwsError(f"{logical_id}: there is no resolver query log config {config}")
        self._runtime.client("ec2").describe_vpcs(VpcIds=[vpc])
        identity = f"rslvr-qlca-{secrets.token_hex(8)}"
        self._associations[identity] = properties
        return identity, {"Id": identity}

    def delete_association(self, physical_id: str, properties: Properties) -> None:
        """The VPC's queries are logged no more."""
        self._associations.pop(physical_id, None)


def register(runtime: Runtime) -> None:
    """Registers both types; every change replaces."""
    logs = ResolverLogs(runtime)

    def update(physical_id: str, old: Properties, new: Properties, stack: str) -> Created:
        raise ValueError("every change of resolver query logging replaces it")

    for name, create, delete in (
        ("AWS::Route53Resolver::ResolverQueryLoggingConfig", logs.create_config, logs.delete_config),
        (
            "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
            logs.create_association,
            logs.delete_association,
        ),
    ):
        runtime.register_cfn_type(name, create, update, delete, lambda old, new: old != new)
