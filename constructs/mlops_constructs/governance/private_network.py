"""PrivateNetwork: a VPC without any route to the internet; AWS services are reached through endpoints.

Made of Level 1 resources: the Level 2 `Vpc` looks Availability Zones up in the account while synthesizing, and
synthesis must not depend on an account.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

from aws_cdk import Fn, RemovalPolicy, Tags, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from mlops_constructs.governance.grants import allow
from mlops_constructs.governance.known import place_of
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.query_logs import QueryLogs
from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import OWNER, REVIEW

# Everything that jobs and functions of the platform call. S3 and DynamoDB have free gateway endpoints instead.
INTERFACE_SERVICES = (
    "ecr.api",
    "ecr.dkr",
    "events",
    "glue",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "sagemaker.api",
    "sagemaker.runtime",
    "ssm",
    "states",
    "sts",
)


class PrivateNetwork(Construct):
    """Isolated subnets, endpoints for this account's principals only, flow and query logs, security groups by purpose.

    Args:
        cidr: IPv4 range, /16 to /22; a quarter of it goes to each zone.
        availability_zones: Two to four zones.
        log_key: Key of flow logs and query logs. Its policy must allow CloudWatch Logs (`Keys` does).
        log_retention: Of flow logs and query logs, 1 year by default.
        interface_services: Services with an interface endpoint in every zone (about 7 USD per month, service and zone).
        flow_log_role: Role of yours that writes flow logs, which `vpc-flow-logs.amazonaws.com` assumes; one is created
            by default.

    Attributes:
        network: What jobs and functions run in.
        vpc: The `ec2.CfnVPC`.
        endpoints: The `ec2.CfnVPCEndpoint`s by service.
        query_logs: The `QueryLogs` of the VPC.

    Raises:
        ValueError: Fewer than two or more than four zones, or the same zone twice.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cidr: str,
        availability_zones: Sequence[str],
        log_key: kms.IKey,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        interface_services: Sequence[str] = INTERFACE_SERVICES,
        flow_log_role: iam.IRole | None = None,
    ) -> None:
        super().__init__(scope, id)
        zones = list(availability_zones)
        if not 2 <= len(zones) <= 4:
            raise ValueError(f"availability_zones must be two to four, got {zones}: one zone alone is an outage")
        if len(set(zones)) < len(zones):
            raise ValueError(f"availability_zones must be distinct, got {zones}: the same zone twice is one zone")
        self.vpc = ec2.CfnVPC(self, "Vpc", cidr_block=cidr, enable_dns_hostnames=True, enable_dns_support=True)
        Tags.of(self.vpc).add("Name", self.node.path)
        waive(self.vpc, *_DEFAULT_GROUP)
        blocks = list(IPv4Network(cidr).subnets(prefixlen_diff=2))
        subnets = [self._subnet(n, zone, str(blocks[n])) for n, zone in enumerate(zones)]
        self.network = self._as_network(zones, subnets)
        self._flow_log(log_key, log_retention, flow_log_role)
        self.query_logs = QueryLogs(
            self, "Queries", vpc_id=self.vpc.ref, encryption_key=log_key, retention=log_retention
        )
        self.endpoints = self._gateways([table.ref for _, table in subnets])
        self.endpoints |= self._interfaces(interface_services)

    def _subnet(self, number: int, zone: str, block: str) -> tuple[ec2.CfnSubnet, ec2.CfnRouteTable]:
        subnet = ec2.CfnSubnet(
            self,
            f"Subnet{number}",
            vpc_id=self.vpc.ref,
            availability_zone=zone,
            cidr_block=block,
            map_public_ip_on_launch=False,
        )
        table = ec2.CfnRouteTable(self, f"Routes{number}", vpc_id=self.vpc.ref)
        ec2.CfnSubnetRouteTableAssociation(
            self, f"SubnetRoutes{number}", subnet_id=subnet.ref, route_table_id=table.ref
        )
        return subnet, table

    def _as_network(self, zones: list[str], subnets: list[tuple[ec2.CfnSubnet, ec2.CfnRouteTable]]) -> Network:
        vpc = ec2.Vpc.from_vpc_attributes(self, "Imported", vpc_id=self.vpc.ref, availability_zones=zones)
        jobs = self._group("Jobs", vpc, "SageMaker and Glue jobs, endpoints of models")
        # Glue demands it, and the machines of one distributed job talk to each other on any port.
        peers = jobs.security_group_id
        _ingress(self, "JobsToJobs", peers, peers, "Machines of one job", ports=(0, 65535))
        ec2.CfnSecurityGroupEgress(
            self,
            "JobsFromJobs",
            group_id=peers,
            destination_security_group_id=peers,
            ip_protocol="tcp",
            from_port=0,
            to_port=65535,
            description="Machines of one job",
        )
        functions = self._group("Functions", vpc, "Lambda functions")
        return Network(
            vpc=vpc,
            subnets=tuple(
                ec2.Subnet.from_subnet_attributes(
                    self, f"Imported{n}", subnet_id=subnet.ref, availability_zone=zone, route_table_id=table.ref
                )
                for n, ((subnet, table), zone) in enumerate(zip(subnets, zones, strict=True))
            ),
            job_security_group=jobs,
            function_security_group=functions,
        )

    def _group(self, name: str, vpc: ec2.IVpc, description: str) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(self, name, vpc=vpc, description=description, allow_all_outbound=False)
        # Without a route to the internet, 443 reaches the endpoints and nothing else.
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS services through endpoints")
        return group

    def _flow_log(self, key: kms.IKey, retention: logs.RetentionDays, role: iam.IRole | None) -> None:
        group = logs.LogGroup(
            self, "FlowLogs", encryption_key=key, retention=retention, removal_policy=RemovalPolicy.DESTROY
        )
        account = {"StringEquals": {"aws:SourceAccount": place_of(self).account}}
        flow_logs = iam.ServicePrincipal("vpc-flow-logs.amazonaws.com", conditions=account)
        role = role or iam.Role(self, "FlowLogRole", assumed_by=flow_logs)
        actions = ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams")
        allow(role, *actions, on=[group.log_group_arn])
        ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.vpc.ref,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
        )

    def _gateways(self, route_tables: list[str]) -> dict[str, ec2.CfnVPCEndpoint]:
        here = place_of(self)
        account = {"StringEquals": {"aws:PrincipalAccount": here.account, "aws:ResourceAccount": here.account}}
        own = _statement(account)
        # ECR keeps image layers in a bucket of AWS, read with signed links.
        layers = f"arn:{here.partition}:s3:::prod-{here.region}-starport-layer-bucket/*"
        images = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": layers}
        # Custom resources answer CloudFormation through signed links into its bucket.
        answers = f"arn:{here.partition}:s3:::cloudformation-custom-resource-response-{_squeezed(here.region)}/*"
        custom = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": answers}
        return {
            service: ec2.CfnVPCEndpoint(
                self,
                f"Gateway{service.title()}",
                vpc_id=self.vpc.ref,
                service_name=f"com.amazonaws.{here.region}.{service}",
                vpc_endpoint_type="Gateway",
                route_table_ids=route_tables,
                policy_document={"Version": "2012-10-17", "Statement": statements},
            )
            for service, statements in {"s3": [own, images, custom], "dynamodb": [own]}.items()
        }

    def _interfaces(self, services: Sequence[str]) -> dict[str, ec2.CfnVPCEndpoint]:
        here, vpc = place_of(self), self.vpc.ref
        group = ec2.SecurityGroup(
            self, "Endpoints", vpc=self.network.vpc, description="Endpoints of AWS services", allow_all_outbound=False
        )
        endpoints = group.security_group_id
        users = {"Jobs": self.network.job_security_group, "Functions": self.network.function_security_group}
        for name, user in users.items():
            _ingress(self, f"EndpointsFrom{name}", endpoints, user.security_group_id, name)
        own = _statement({"StringEquals": {"aws:PrincipalAccount": here.account}})
        return {
            service: ec2.CfnVPCEndpoint(
                self,
                "Endpoint" + service.title().replace(".", ""),
                vpc_id=vpc,
                service_name=f"com.amazonaws.{here.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=self.network.subnet_ids,
                security_group_ids=[endpoints],
                policy_document={"Version": "2012-10-17", "Statement": [own]},
            )
            for service in services
        }


def _ingress(
    scope: Construct, id: str, group: str, source: str, description: str, ports: tuple[int, int] = (443, 443)
) -> ec2.CfnSecurityGroupIngress:
    # Level 1: `add_ingress_rule` puts the path above the stack, and so the environment's name, into the id.
    return ec2.CfnSecurityGroupIngress(
        scope,
        id,
        group_id=group,
        source_security_group_id=source,
        ip_protocol="tcp",
        from_port=ports[0],
        to_port=ports[1],
        description=description,
    )


def _squeezed(region: str) -> str:
    return Fn.join("", Fn.split("-", region)) if Token.is_unresolved(region) else region.replace("-", "")


def _statement(conditions: dict[str, dict[str, str]]) -> dict[str, object]:
    # An endpoint policy grants nothing by itself: it bounds what passes to calls of this account's principals.
    return {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": conditions}


_DEFAULT_GROUP = tuple(
    Waiver(
        finding=f"{pack}::{pack}-VPCDefaultSecurityGroupClosed",
        reason="The rule fires for every VPC. Nothing wears the default group; it opens no port.",
        owner=OWNER,
        review=REVIEW,
    )
    for pack in ("NIST.800.53.R5", "HIPAA.Security")
)
