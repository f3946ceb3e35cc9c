"""Rules of data protection before templates nobody here wrote: strange values are judged, never stumbled over."""

import json
from typing import Any

import pytest

from mlops_constructs.compliance.estate import from_templates
from mlops_constructs.compliance.rules import (
    detection,
    encryption,
    logging,
    network,
    patching,
    public,
    retention,
    secrets,
    trail,
    transport,
)
from mlops_constructs.compliance.rules.expectations import DATA

RULES = [
    rule
    for module in (encryption, transport, secrets, logging, retention, network, public, patching, trail, detection)
    for rule in module.RULES
]
# What rules look at beside the tables.
OTHERS = {
    "AWS::CloudTrail::Trail": ["AdvancedEventSelectors", "EventSelectors", "S3BucketName"],
    "AWS::Events::Rule": ["EventPattern", "State", "Targets"],
    "AWS::GuardDuty::Detector": ["Features", "Enable"],
    "AWS::SecurityHub::Hub": ["EnableDefaultStandards"],
    "AWS::EC2::FlowLog": ["ResourceId", "ResourceType", "LogGroupName"],
    "AWS::EC2::NetworkAclEntry": ["CidrBlock", "Egress", "RuleAction"],
    "AWS::EC2::Route": ["DestinationCidrBlock", "GatewayId"],
    "AWS::EC2::SecurityGroup": ["SecurityGroupIngress", "SecurityGroupEgress"],
    "AWS::EC2::SecurityGroupEgress": ["CidrIp", "GroupId", "FromPort", "ToPort", "IpProtocol"],
    "AWS::EC2::SecurityGroupIngress": ["CidrIp", "GroupId", "SourceSecurityGroupId", "FromPort"],
    "AWS::EC2::VPCEndpoint": ["PolicyDocument", "VpcEndpointType"],
    "AWS::EFS::FileSystem": ["FileSystemPolicy"],
    "AWS::EKS::Cluster": ["ResourcesVpcConfig"],
    "AWS::ElasticLoadBalancingV2::Listener": ["Protocol", "DefaultActions"],
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ["LoadBalancerAttributes"],
    "AWS::EMR::SecurityConfiguration": ["SecurityConfiguration"],
    "AWS::KMS::Key": ["KeyPolicy", "PendingWindowInDays", "EnableKeyRotation", "RotationPeriodInDays", "KeySpec"],
    "AWS::Lambda::Function": ["Runtime", "LoggingConfig", "Environment", "VpcConfig"],
    "AWS::Logs::LogGroup": ["RetentionInDays", "LogGroupName"],
    "AWS::Redshift::ClusterParameterGroup": ["Parameters"],
    "AWS::S3::Bucket": [
        "LifecycleConfiguration",
        "LoggingConfiguration",
        "ObjectLockEnabled",
        "ObjectLockConfiguration",
    ],
    "AWS::S3::BucketPolicy": ["Bucket", "PolicyDocument"],
    "AWS::SNS::TopicPolicy": ["Topics", "PolicyDocument"],
    "AWS::SQS::QueuePolicy": ["Queues", "PolicyDocument"],
    "AWS::SSM::Parameter": ["Name", "Value"],
}
STRANGE: list[Any] = [
    {"Ref": "Parameter"},
    {"Fn::ImportValue": "elsewhere"},
    {"Fn::If": ["Unclear", "a", "b"]},
    "text",
    7,
    True,
    [],
    {},
    ["text", 7, {"Ref": "Parameter"}],
    [{"Ref": "Parameter"}, {"Rules": "text"}],
    {"Rules": [7, "text"], "Statement": "text", "ServerSideEncryptionConfiguration": {"Ref": "Parameter"}},
    [{"Key": [], "Name": {}, "ParameterName": [1], "ReadWriteType": [], "FieldSelectors": [{"Equals": 7}]}],
    {"source": [[], {}], "detail": {"findings": {"Severity": {"Label": [[]]}}}},
    {"Statement": [{"Effect": "Deny", "Condition": "text", "Principal": 7, "Action": {"Ref": "Parameter"}}]},
]


def types() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {kind: set(names) for kind, names in OTHERS.items()}
    for name in ("properties", "reviewed"):
        for kinds in json.loads((DATA / f"{name}.json").read_text()).values():
            for kind, rows in kinds.items():
                found.setdefault(kind, set()).update(row["path"].split(".")[0] for row in rows)
    return found


@pytest.mark.parametrize("number", range(-1, len(STRANGE)))
def test_no_rule_stumbles(number: int) -> None:
    value = STRANGE[number]
    resources = {
        f"R{place}": {"Type": kind, "Properties": {} if number < 0 else dict.fromkeys(names, value)}
        for place, (kind, names) in enumerate(sorted(types().items()))
    }
    template = {"Parameters": {"Parameter": {"Type": "String"}}, "Resources": resources}
    for stage in ("prod", "dev", None):
        estate = from_templates({"stack": template}, stage=stage)
        judged = {rule.id: list(rule.check(estate)) for rule in RULES}
        assert all(each.ok or each.message for found in judged.values() for each in found)
        assert len(judged["ENC-1.customer-key"]) > 200


def test_a_resource_without_properties_is_judged() -> None:
    estate = from_templates({"stack": {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}})
    failing = {rule.id for rule in RULES for each in rule.check(estate) if not each.ok}
    assert {"ENC-1.customer-key", "ENC-3.queue-tls-only"} <= failing
