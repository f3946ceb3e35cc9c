"""Network: where functions and jobs run. `PrivateNetwork` creates one, `Network.from_ids` brings an existing one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from aws_cdk import Annotations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from mlops_constructs.governance.grants import allow_wildcard
from mlops_constructs.governance.wildcards import NETWORK_INTERFACES


@dataclass(frozen=True, kw_only=True)
class Network:
    """A VPC with the subnets and security groups to run in.

    Args:
        vpc: The VPC.
        subnets: Private subnets, one per Availability Zone.
        job_security_group: Security group of SageMaker and Glue jobs and of endpoints.
        function_security_group: Security group of Lambda functions.
    """

    vpc: ec2.IVpc
    subnets: tuple[ec2.ISubnet, ...]
    job_security_group: ec2.ISecurityGroup
    function_security_group: ec2.ISecurityGroup

    @cached_property
    def subnet_ids(self) -> list[str]:
        """Ids of the subnets, as `VpcConfig.Subnets` wants them."""
        return [subnet.subnet_id for subnet in self.subnets]

    @property
    def subnet_selection(self) -> ec2.SubnetSelection:
        """The subnets, as the Level 2 constructs want them."""
        return ec2.SubnetSelection(subnets=list(self.subnets))

    def allow_job_interfaces(self, role: iam.IRole) -> None:
        """Let the role of a SageMaker or Glue job make the network interfaces it runs behind."""
        allow_wildcard(
            role,
            NETWORK_INTERFACES,
            "ec2:CreateNetworkInterface",
            "ec2:CreateNetworkInterfacePermission",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeVpcs",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeRouteTables",
        )

    @classmethod
    def from_ids(
        cls,
        scope: Construct,
        id: str,
        *,
        vpc_id: str,
        availability_zones: Sequence[str],
        subnet_ids: Sequence[str],
        job_security_group_id: str,
        function_security_group_id: str | None = None,
    ) -> Network:
        """A network that exists, its ids given as one unit. Its endpoints and routes are its owner's business.

        Functions wear the job's security group when they have none of their own.

        Raises:
            ValueError: The numbers of zones and subnets differ, or there are none.
        """
        if not subnet_ids or len(subnet_ids) != len(availability_zones):
            raise ValueError(
                f"subnet_ids must name one subnet per availability zone, got {len(subnet_ids)} subnets"
                f" for {len(availability_zones)} zones"
            )
        holder = Construct(scope, id)
        vpc = ec2.Vpc.from_vpc_attributes(holder, "Vpc", vpc_id=vpc_id, availability_zones=list(availability_zones))
        pairs = enumerate(zip(subnet_ids, availability_zones, strict=True))
        return cls(
            vpc=vpc,
            subnets=tuple(_subnet(holder, f"Subnet{n}", subnet, zone) for n, (subnet, zone) in pairs),
            job_security_group=_group(holder, "Jobs", job_security_group_id),
            function_security_group=_group(holder, "Functions", function_security_group_id or job_security_group_id),
        )


def _subnet(scope: Construct, name: str, subnet_id: str, zone: str) -> ec2.ISubnet:
    subnet = ec2.Subnet.from_subnet_attributes(scope, name, subnet_id=subnet_id, availability_zone=zone)
    warning = "@aws-cdk/aws-ec2:noSubnetRouteTableId"
    Annotations.of(subnet).acknowledge_warning(warning, "Nothing of the platform looks at routes of existing subnets")
    return subnet


def _group(scope: Construct, name: str, group_id: str) -> ec2.ISecurityGroup:
    # Immutable: rules of a group that we don't own are not ours to add.
    return ec2.SecurityGroup.from_security_group_id(scope, name, group_id, mutable=False)
