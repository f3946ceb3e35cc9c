from typing import Any

import pytest

from tests.compliance.pack.judging import failed, passes, resource

VPC = {"Vpc": resource("AWS::EC2::VPC", {"EnableDnsHostnames": True})}


def test_functions_run_in_a_vpc() -> None:
    placed = {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}
    assert passes("NET-1.in-vpc", {"It": resource("AWS::Lambda::Function", placed)})
    assert len(failed("NET-1.in-vpc", {"It": resource("AWS::Lambda::Function")})) == 2
    no_subnet = {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": ["sg-1"]}}
    assert failed("NET-1.in-vpc", {"It": resource("AWS::Lambda::Function", no_subnet)}) == {
        ("It", "VpcConfig.SubnetIds")
    }


@pytest.mark.parametrize(
    "kind", ["AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EgressOnlyInternetGateway"]
)
def test_doors_to_the_internet_are_found(kind: str) -> None:
    assert failed("NET-1.no-internet-gateway", {"It": resource(kind)}) == {("It", "")}


def test_attachments_and_peering_are_doors_too() -> None:
    rule = "NET-1.no-internet-gateway"
    assert failed(rule, {"It": resource("AWS::EC2::VPCGatewayAttachment", {"InternetGatewayId": "igw-1"})})
    assert passes(rule, {"It": resource("AWS::EC2::VPCGatewayAttachment", {"VpnGatewayId": "vgw-1"})})
    assert failed(rule, {"It": resource("AWS::EC2::VPCPeeringConnection", {"PeerOwnerId": "999999999999"})})
    assert passes(rule, {"It": resource("AWS::EC2::VPCPeeringConnection", {"PeerOwnerId": "111122223333"})})


@pytest.mark.parametrize(
    ("properties", "ok"),
    [
        ({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}, False),
        ({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}, False),
        ({"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"}, False),
        ({"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1"}, True),
        ({"DestinationCidrBlock": "10.1.0.0/16", "GatewayId": "vgw-1"}, True),
    ],
)
def test_routes_to_the_internet_are_found(properties: dict[str, Any], ok: bool) -> None:
    assert passes("NET-1.no-internet-route", {"It": resource("AWS::EC2::Route", properties)}) is ok


def group(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"It": resource("AWS::EC2::SecurityGroup", {"SecurityGroupEgress": list(rules)})}


HTTPS = {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


def test_groups_let_out_https_while_no_route_leaves_the_vpc() -> None:
    route = resource("AWS::EC2::Route", {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"})
    assert passes("NET-2.narrow-egress", group(HTTPS))
    assert failed("NET-2.narrow-egress", group(HTTPS) | {"Route": route})


@pytest.mark.parametrize(
    "rule",
    [
        {"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"},
        {"CidrIpv6": "::/0", "IpProtocol": "-1"},
        {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22},
        {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535},
    ],
)
def test_wide_egress_is_found(rule: dict[str, Any]) -> None:
    assert failed("NET-2.narrow-egress", group(rule))


def test_a_group_without_egress_rules_lets_everything_out() -> None:
    assert failed("NET-2.narrow-egress", {"It": resource("AWS::EC2::SecurityGroup")})


def endpoint(*statements: dict[str, Any], **properties: Any) -> dict[str, Any]:
    document = {"PolicyDocument": {"Statement": list(statements)}} if statements else {}
    return {"It": resource("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Interface", **document, **properties})}


def allow(condition: Any = None, **other: Any) -> dict[str, Any]:
    bounds = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **bounds, **other}


@pytest.mark.parametrize(
    ("statements", "ok"),
    [
        ([allow({"StringEquals": {"aws:PrincipalAccount": "111122223333"}})], True),
        ([allow({"StringEquals": {"aws:ResourceOrgID": "o-1"}})], True),
        ([allow(Action="s3:GetObject", Resource="arn:aws:s3:::bucket/*")], True),
        ([allow(Principal={"AWS": "arn:aws:iam::111122223333:role/Job"})], True),
        ([], False),
        ([allow()], False),
        ([allow({"StringEqualsIfExists": {"aws:PrincipalAccount": "111122223333"}})], False),
        ([allow({"StringLike": {"aws:PrincipalAccount": "*"}})], False),
        ([allow({"StringEquals": {"aws:PrincipalAccount": "111122223333"}}), allow()], False),
        ([allow(Action="*", Resource="arn:aws:s3:::bucket/*")], False),
    ],
)
def test_endpoints_serve_this_account(statements: list[dict[str, Any]], ok: bool) -> None:
    assert passes("NET-2.endpoint-policy", endpoint(*statements)) is ok


def test_interface_endpoints_have_private_names_and_a_group() -> None:
    assert passes("NET-2.private-dns", endpoint(PrivateDnsEnabled=True))
    assert failed("NET-2.private-dns", endpoint(PrivateDnsEnabled=False))
    assert failed("NET-2.private-dns", {"It": resource("AWS::EC2::VPC", {"EnableDnsSupport": False})})
    assert passes("NET-2.default-group-unused", endpoint(SecurityGroupIds=["sg-1"]))
    assert failed("NET-2.default-group-unused", endpoint())


def test_the_traffic_of_every_vpc_is_recorded() -> None:
    log = {
        "ResourceId": {"Ref": "Vpc"},
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogGroupName": "flows",
        "DeliverLogsPermissionArn": "arn:aws:iam::111122223333:role/Flows",
    }
    rule = "NET-2.flow-logs"
    assert passes(rule, VPC | {"Log": resource("AWS::EC2::FlowLog", log)})
    assert failed(rule, VPC)
    assert failed(rule, VPC | {"Log": resource("AWS::EC2::FlowLog", log | {"ResourceId": "vpc-else"})})
    assert failed(rule, VPC | {"Log": resource("AWS::EC2::FlowLog", {**log, "LogGroupName": ""})})
    assert failed(rule, VPC | {"Log": resource("AWS::EC2::FlowLog", {**log, "DeliverLogsPermissionArn": ""})})
    accepted = {"Log": resource("AWS::EC2::FlowLog", log | {"TrafficType": "ACCEPT"})}
    assert failed("LOG-2.logging-on", accepted)


def test_name_lookups_of_every_vpc_are_recorded() -> None:
    kind = "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation"
    assert passes("NET-2.resolver-logs", VPC | {"It": resource(kind, {"ResourceId": {"Ref": "Vpc"}})})
    assert failed("NET-2.resolver-logs", VPC) == {("Vpc", "")}
