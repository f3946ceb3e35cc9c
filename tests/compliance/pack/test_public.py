from typing import Any

import pytest

from tests.compliance.pack.judging import DELETED, changed, failed, passes, resource

BLOCKED = {
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
}


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::S3::AccessPoint"])
def test_all_four_public_access_blocks_are_asked_for(kind: str) -> None:
    rule = "PUB-2.public-access-block"
    assert passes(rule, {"It": resource(kind, BLOCKED)})
    assert len(failed(rule, {"It": resource(kind)})) == 4
    for name in BLOCKED["PublicAccessBlockConfiguration"]:
        for value in (False, DELETED, "false"):
            weak = changed(BLOCKED, f"PublicAccessBlockConfiguration.{name}", value)
            assert failed(rule, {"It": resource(kind, weak)}) == {("It", f"PublicAccessBlockConfiguration.{name}")}


@pytest.mark.parametrize(
    ("kind", "properties", "ok"),
    [
        ("AWS::RDS::DBInstance", {"PubliclyAccessible": False}, True),
        ("AWS::RDS::DBInstance", {"PubliclyAccessible": True}, False),
        ("AWS::RDS::DBInstance", {}, False),
        ("AWS::Redshift::Cluster", {}, True),
        ("AWS::Redshift::Cluster", {"PubliclyAccessible": "true"}, False),
        ("AWS::S3::Bucket", {}, True),
        ("AWS::S3::Bucket", {"AccessControl": "PublicRead"}, False),
        ("AWS::S3::Bucket", {"WebsiteConfiguration": {"IndexDocument": "index.html"}}, False),
        ("AWS::AppRunner::Service", {}, False),
        ("AWS::S3::Bucket", {"CorsConfiguration": {"CorsRules": [{"AllowedOrigins": ["https://example.com"]}]}}, True),
        ("AWS::S3::Bucket", {"CorsConfiguration": {"CorsRules": [{"AllowedOrigins": ["*"]}]}}, False),
        ("AWS::Lambda::Url", {"Cors": {"AllowOrigins": ["*"]}}, False),
    ],
)
def test_public_sides_are_found(kind: str, properties: dict[str, Any], ok: bool) -> None:
    assert (not failed("PUB-2.not-public", {"It": resource(kind, properties)})) is ok


def test_buckets_own_their_objects() -> None:
    enforced = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    rule = "PUB-2.bucket-owner-enforced"
    assert passes(rule, {"It": resource("AWS::S3::Bucket", enforced)})
    writer = changed(enforced, "OwnershipControls.Rules.0.ObjectOwnership", "ObjectWriter")
    assert failed(rule, {"It": resource("AWS::S3::Bucket", writer)})
    assert failed(rule, {"It": resource("AWS::S3::Bucket")})


def test_what_exists_only_to_be_public_is_found() -> None:
    assert failed("PUB-2.public-by-nature", {"It": resource("AWS::ECR::PublicRepository")})
    assert not failed("PUB-2.public-by-nature", {"It": resource("AWS::ECR::Repository")})


@pytest.mark.parametrize(
    ("kind", "properties", "ok"),
    [
        ("AWS::EC2::Subnet", {}, True),
        ("AWS::EC2::Subnet", {"MapPublicIpOnLaunch": True}, False),
        ("AWS::EC2::Subnet", {"AssignIpv6AddressOnCreation": True}, False),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal"}, True),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", {}, False),
        ("AWS::EKS::Cluster", {"ResourcesVpcConfig": {"EndpointPublicAccess": False}}, True),
        ("AWS::EKS::Cluster", {"ResourcesVpcConfig": {}}, False),
        ("AWS::ECS::Service", {"NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}}, False),
    ],
)
def test_public_addresses_are_found(kind: str, properties: dict[str, Any], ok: bool) -> None:
    assert (not failed("PUB-3.no-public-address", {"It": resource(kind, properties)})) is ok


def inside(rule: dict[str, Any]) -> dict[str, Any]:
    return {"It": resource("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [rule]})}


def beside(rule: dict[str, Any]) -> dict[str, Any]:
    group = {"GroupId": {"Fn::GetAtt": ["Group", "GroupId"]}}
    return {
        "Group": resource("AWS::EC2::SecurityGroup"),
        "Other": resource("AWS::EC2::SecurityGroup"),
        "It": resource("AWS::EC2::SecurityGroupIngress", group | rule),
    }


@pytest.mark.parametrize("written", [inside, beside])
@pytest.mark.parametrize(
    ("rule", "ok"),
    [
        ({"CidrIp": "10.0.0.0/16", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}, True),
        ({"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}, False),
        ({"CidrIp": "0.0.0.0/1", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}, False),
        ({"CidrIpv6": "::/0", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}, False),
    ],
)
def test_ports_open_to_the_internet_are_found(written: Any, rule: dict[str, Any], ok: bool) -> None:
    assert (not failed("PUB-3.open-ingress", written(rule))) is ok


@pytest.mark.parametrize(
    ("rule", "ok"),
    [
        ({"SourceSecurityGroupId": {"Ref": "Group"}, "IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535}, True),
        ({"SourceSecurityGroupId": {"Ref": "Other"}, "IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535}, False),
        ({"SourceSecurityGroupId": {"Ref": "Other"}, "IpProtocol": "-1"}, False),
        ({"SourceSecurityGroupId": {"Ref": "Other"}, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}, True),
        ({"CidrIp": "10.0.0.0/16", "IpProtocol": "-1"}, False),
        ({"CidrIp": "10.0.0.0/8", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}, False),
    ],
)
def test_every_port_is_open_to_the_group_itself_alone(rule: dict[str, Any], ok: bool) -> None:
    assert (not failed("PUB-3.wide-ingress", beside(rule))) is ok


def test_network_acls_open_to_everybody_are_found() -> None:
    entry = {"CidrBlock": "0.0.0.0/0", "Protocol": -1, "RuleAction": "allow", "Egress": False}
    rule = "PUB-3.open-network-acl"
    assert failed(rule, {"It": resource("AWS::EC2::NetworkAclEntry", entry)})
    assert passes(rule, {"It": resource("AWS::EC2::NetworkAclEntry", entry | {"CidrBlock": "10.0.0.0/8"})})
    assert not failed(rule, {"It": resource("AWS::EC2::NetworkAclEntry", entry | {"RuleAction": "deny"})})


def test_cluster_endpoints_do_not_answer_everybody() -> None:
    open_ = {"ResourcesVpcConfig": {"PublicAccessCidrs": ["0.0.0.0/0"]}}
    assert failed("PUB-3.cluster-endpoint", {"It": resource("AWS::EKS::Cluster", open_)})
    few = {"ResourcesVpcConfig": {"PublicAccessCidrs": ["203.0.113.0/24"]}}
    assert passes("PUB-3.cluster-endpoint", {"It": resource("AWS::EKS::Cluster", few)})


@pytest.mark.parametrize(
    ("kind", "properties", "ok"),
    [
        ("AWS::Lambda::Url", {"AuthType": "AWS_IAM"}, True),
        ("AWS::Lambda::Url", {"AuthType": "NONE"}, False),
        ("AWS::ApiGateway::Method", {"HttpMethod": "GET", "AuthorizationType": "AWS_IAM"}, True),
        ("AWS::ApiGateway::Method", {"HttpMethod": "GET"}, False),
        ("AWS::ApiGateway::Method", {"HttpMethod": "OPTIONS", "AuthorizationType": "NONE"}, True),
        ("AWS::ApiGatewayV2::Route", {"AuthorizationType": "NONE"}, False),
        ("AWS::Cognito::IdentityPool", {"AllowUnauthenticatedIdentities": True}, False),
    ],
)
def test_interfaces_ask_who_calls(kind: str, properties: dict[str, Any], ok: bool) -> None:
    assert (not failed("PUB-3.authorised", {"It": resource(kind, properties)})) is ok
