"""Every template keeps every security promise, and for every promise there are mutants that break it."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.assembly import Assembly, Template
from tests.compliance import security
from tests.compliance.security import GUARDED_RULES, KEY_PROPERTY, RULES, STATEFUL_TYPES

Properties = dict[str, Any]
Damage = Callable[[Properties], None]
GUARDED = ("staging", "prod")


@pytest.mark.parametrize("rule", GUARDED_RULES, ids=lambda rule: rule.__name__)
def test_every_template_keeps_the_promise(assembly: Assembly, rule: Callable[[Template], Iterator[str]]) -> None:
    broken = [
        f"{environment}/{stack}: {finding}"
        for environment, stacks in assembly.templates.items()
        for stack, template in stacks.items()
        if rule in RULES or environment in GUARDED
        for finding in rule(template)
    ]
    assert not broken, "\n".join(broken)


def without(path: str) -> Damage:
    def damage(properties: Properties) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            properties = properties[0] if parent == "*" else properties[parent]
        del properties[last]

    return damage


def with_value(path: str, value: object) -> Damage:
    def damage(properties: Properties) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            properties = properties[int(parent)] if isinstance(properties, list) else properties.setdefault(parent, {})
        properties[last] = copy.deepcopy(value)

    return damage


def with_statement(path: str, statement: Properties) -> Damage:
    def damage(properties: Properties) -> None:
        for part in path.split("."):
            properties = properties[part]
        properties["Statement"].append(copy.deepcopy(statement))

    return damage


ANYONE = {"Effect": "Allow", "Action": "s3:GetObject", "Principal": "*", "Resource": "*"}
OTHER_ACCOUNT = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
WHOLE_SERVICE = {"Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}
ALL_BUT_ONE = {"Effect": "Allow", "NotAction": "iam:CreateUser", "Resource": "*"}

ROOT_USES = {"Effect": "Allow", "Action": "kms:*", "Principal": {"AWS": "arn:aws:iam::333333333333:root"}}
LOGS_DECRYPT = {"Effect": "Allow", "Action": "kms:Decrypt*", "Principal": {"Service": "delivery.logs.amazonaws.com"}}
BOUND = {"Condition": {"StringEquals": {"kms:EncryptionContext:SourceArn": "arn:aws:logs:us-east-1:333333333333:*"}}}
BOTH = {**ROOT_USES, **BOUND, "Action": ["kms:Decrypt", "kms:PutKeyPolicy"]}

MUTANTS: list[tuple[Callable[[Template], Iterator[str]], str, str, Damage]] = [
    (security.roles_have_boundary_and_path, "AWS::IAM::Role", "no boundary", without("PermissionsBoundary")),
    (security.roles_have_boundary_and_path, "AWS::IAM::Role", "no path", without("Path")),
    (security.roles_have_boundary_and_path, "AWS::IAM::Role", "root path", with_value("Path", "/")),
    *(
        (security.data_is_encrypted_with_our_key, kind, f"no key: {kind}", without(path))
        for kind, path in KEY_PROPERTY.items()
    ),
    (
        security.data_is_encrypted_with_our_key,
        "AWS::SQS::Queue",
        "the service's key",
        with_value("KmsMasterKeyId", "alias/aws/sqs"),
    ),
    (
        security.data_is_encrypted_with_our_key,
        "AWS::DynamoDB::Table",
        "key unused",
        with_value("SSESpecification.SSEEnabled", False),
    ),
    (security.buckets_are_encrypted_with_our_key, "AWS::S3::Bucket", "no encryption", without("BucketEncryption")),
    (security.buckets_are_closed, "AWS::S3::Bucket", "no block", without("PublicAccessBlockConfiguration")),
    (
        security.buckets_are_closed,
        "AWS::S3::Bucket",
        "half a block",
        with_value("PublicAccessBlockConfiguration.BlockPublicPolicy", False),
    ),
    (security.buckets_are_closed, "AWS::S3::Bucket", "no versions", without("VersioningConfiguration")),
    (
        security.buckets_are_closed,
        "AWS::S3::BucketPolicy",
        "plain http",
        with_value("PolicyDocument.Statement", []),
    ),
    (security.keys_rotate, "AWS::KMS::Key", "no rotation", without("EnableKeyRotation")),
    *(
        (security.key_policies_separate_and_bound, "AWS::KMS::Key", name, with_statement("KeyPolicy", statement))
        for name, statement in (
            ("the account does everything", ROOT_USES),
            ("log delivery decrypts everything", LOGS_DECRYPT),
            ("log delivery has a wildcard", {**LOGS_DECRYPT, **BOUND}),
            ("log delivery decrypts in every context", {**LOGS_DECRYPT, "Action": "kms:Decrypt"}),
            ("one statement uses and administers", BOTH),
        )
    ),
    *(
        (security.policies_name_their_actions, "AWS::IAM::Policy", name, with_statement("PolicyDocument", statement))
        for name, statement in (("everything", EVERYTHING), ("service", WHOLE_SERVICE), ("all but one", ALL_BUT_ONE))
    ),
    (
        security.nobody_else_is_trusted,
        "AWS::IAM::Role",
        "other account assumes",
        with_statement("AssumeRolePolicyDocument", OTHER_ACCOUNT),
    ),
    (
        security.nobody_else_is_trusted,
        "AWS::S3::BucketPolicy",
        "anyone reads",
        with_statement("PolicyDocument", ANYONE),
    ),
    (security.nobody_else_is_trusted, "AWS::KMS::Key", "anyone decrypts", with_statement("KeyPolicy", ANYONE)),
    (
        security.failed_deliveries_are_kept,
        "AWS::Events::Rule",
        "no dead letters",
        without("Targets.*.DeadLetterConfig"),
    ),
    (
        security.network_has_no_way_out,
        "AWS::EC2::Subnet",
        "public address",
        with_value("MapPublicIpOnLaunch", True),
    ),
    (
        security.network_has_no_way_out,
        "AWS::EC2::SecurityGroup",
        "open to the world",
        with_value("SecurityGroupIngress", [{"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}]),
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant[0].__name__}-{mutant[2]}")
def test_mutant_is_caught(
    assembly: Assembly, mutant: tuple[Callable[[Template], Iterator[str]], str, str, Damage]
) -> None:
    rule, kind, _, damage = mutant
    tried = 0
    for template in assembly.templates["prod"].values():
        for name, resource in template["Resources"].items():
            if resource["Type"] != kind:
                continue
            tried += 1
            broken = {**template, "Resources": {**template["Resources"], name: copy.deepcopy(resource)}}
            damage(broken["Resources"][name]["Properties"])
            assert len(list(rule(broken))) > len(list(rule(template))), f"{rule.__name__} did not notice {name}"
    assert tried, f"no {kind} to try the mutant on"


@pytest.mark.parametrize("attribute", ["DeletionPolicy", "UpdateReplacePolicy"])
def test_state_that_would_be_deleted_is_caught(assembly: Assembly, attribute: str) -> None:
    tried = set()
    for template in assembly.templates["prod"].values():
        for name, resource in template["Resources"].items():
            if resource["Type"] in STATEFUL_TYPES:
                tried.add(resource["Type"])
                broken = {"Resources": {name: {**resource, attribute: "Delete"}}}
                assert list(security.state_survives_its_stack(broken)) == [f"{name} would be deleted with its stack"]
    assert {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SageMaker::ModelPackageGroup"} <= tried


@pytest.mark.parametrize("kind", ["AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EIP"])
def test_a_gateway_to_the_internet_is_caught(kind: str) -> None:
    assert list(security.network_has_no_way_out({"Resources": {"Way": {"Type": kind}}}))


def test_every_rule_has_a_mutant() -> None:
    assert {rule for rule, *_ in MUTANTS} | {security.state_survives_its_stack} == set(GUARDED_RULES)
