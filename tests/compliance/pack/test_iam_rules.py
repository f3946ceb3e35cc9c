"""Rules over the IAM graph: what each catches and what it leaves alone, in templates of any style."""

import json
import time

import pytest

from mlops_constructs.compliance import wildcards
from mlops_constructs.compliance.estate import from_templates, load
from mlops_constructs.compliance.identities import graph_of
from mlops_constructs.compliance.rules import iam
from mlops_constructs.compliance.rules.iam_wildcards import nameless
from tests.compliance.pack.iam_samples import (
    RULES,
    allow,
    arn,
    details,
    document,
    failures,
    passes,
    policy,
    role,
    service,
    trust,
)

BUCKET = "arn:aws:s3:::lake"
CATALOG = "arn:aws:glue:us-east-1:111111111111:catalog"


# IAM-1


@pytest.mark.parametrize(
    ("pattern", "shape"),
    [
        ("*", "*"),
        ("arn:aws:s3:::*", "s3 bucket *"),
        ("arn:aws:s3:::lake/*", "s3 every object of a bucket"),
        ("arn:aws:s3:::lake/raw/*", None),
        ("arn:aws:s3:::lake", None),
        ("arn:aws:dynamodb:us-east-1:1:table/*", "dynamodb table/*"),
        ("arn:aws:dynamodb:us-east-1:1:table/orders/index/*", None),
        ("arn:aws:logs:us-east-1:1:log-group:*", "logs log-group:*"),
        ("arn:aws:logs:us-east-1:1:log-group:/aws/sagemaker/*", None),
        ("arn:aws:sns:us-east-1:1:*", "sns *"),
        ("arn:aws:sqs:us-east-1:1:orders-*", None),
        ("arn:aws:iam::*:role/admin", "iam:any account"),
        ("arn:aws:*:us-east-1:1:thing/a", "*:1"),
        ("arn:aws:sagemaker:us-east-1:1:*", "sagemaker *"),
        ("arn:aws:apigateway:us-east-1::/restapis/*", "apigateway restapis/*"),
        ("arn:aws:ec2:us-east-1:1:*/*", "ec2 *"),
        ("arn:aws:s3:::lake/${aws:username}/*", None),
        ("arn:aws:kms:us-east-1:1:key/${Key}", None),
    ],
)
def test_a_pattern_must_begin_with_a_name(pattern, shape):
    assert nameless(pattern) == shape


def test_every_wildcard_in_an_action_is_a_finding():
    found = {
        "R": role(allow("s3:Get*", f"{BUCKET}/raw/*"), allow(["kms:*", "sqs:SendMessage"], "arn:aws:kms:r:1:key/k"))
    }
    assert details("IAM-1.named-actions", found) == {"s3:Get*", "kms:*"}
    assert details("IAM-1.no-administrator", found) == set()
    assert passes("IAM-1.named-actions", {"R": role(allow("s3:GetObject", f"{BUCKET}/raw/*"))}) == ["R"]


def test_an_action_without_resource_level_on_a_resource_grants_nothing():
    rule, reads = "IAM-1.no-dead-grant", ["glue:GetSecurityConfiguration", "glue:GetTable"]
    assert details(rule, {"R": role(allow(reads, CATALOG))}) == {"glue:GetSecurityConfiguration"}
    assert passes(rule, {"R": role(allow(reads, "*"))}) == ["R"]
    assert passes(rule, {"R": role(allow("glue:GetTable", CATALOG))}) == ["R"]
    assert passes(rule, {"R": role({**allow(reads, CATALOG), "Effect": "Deny"})}) == ["R"]


@pytest.mark.parametrize("action", ["*", "*:*"])
def test_every_action_is_administration_even_on_one_resource(action):
    assert details("IAM-1.no-administrator", {"R": role(allow(action, BUCKET))}) == {"*"}


def test_policies_are_judged_wherever_they_are_written():
    wild = {"PolicyName": "p", "PolicyDocument": document(allow("s3:*"))}
    set_ = {"InlinePolicy": json.dumps(document(allow("s3:*")))}
    resources = {
        "Role": role(allow("s3:*")),
        "User": {"Type": "AWS::IAM::User", "Properties": {"Policies": [wild]}},
        "Group": {"Type": "AWS::IAM::Group", "Properties": {"Policies": [wild]}},
        "Attached": policy(allow("s3:*"), of="Role"),
        "Managed": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(allow("s3:*"))}},
        "Extra": {"Type": "AWS::IAM::RolePolicy", "Properties": {"RoleName": "Role", **wild}},
        "Set": {"Type": "AWS::SSO::PermissionSet", "Properties": set_},
        "Serverless": {"Type": "AWS::Serverless::Function", "Properties": {"Policies": [document(allow("s3:*"))]}},
    }
    assert {name for name, _ in failures("IAM-1.named-actions", resources)} == set(resources)


def test_a_policy_that_only_limits_grants_nothing():
    limit = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(allow("s3:*"))}}
    bounded = role(PermissionsBoundary={"Ref": "Limit"})
    assert failures("IAM-1.named-actions", {"Limit": limit, "R": bounded}) == []
    attached = role(PermissionsBoundary={"Ref": "Limit"}, ManagedPolicyArns=[{"Ref": "Limit"}])
    assert failures("IAM-1.named-actions", {"Limit": limit, "R": attached}) == [("Limit", "s3:*")]
    assert failures("IAM-1.named-actions", {"TeamBoundary": limit}) == []
    scp = {"Type": "AWS::Organizations::Policy", "Properties": {"Content": document(allow("*"))}}
    assert failures("IAM-1.no-administrator", {"P": scp}) == []


def test_the_name_of_its_stack_makes_no_policy_a_limit():
    granting = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(allow("s3:*"))}}
    estate = from_templates({"team-boundaries": {"Resources": {"Managed": granting}}})
    assert [each.ok for each in RULES["IAM-1.named-actions"].check(estate)] == [False]


def test_a_wildcard_after_the_whole_name_of_a_resource_is_needless():
    table = {"Type": "AWS::DynamoDB::Table"}
    like = {"Fn::Join": ["", [arn("Orders"), "*"]]}
    index = {"Fn::Join": ["", [arn("Orders"), "/index/*"]]}
    found = {"Orders": table, "R": role(allow("dynamodb:GetItem", like))}
    assert details("IAM-1.named-resources", found) == {
        "dynamodb:GetItem on AWS DynamoDB Table and what is named like it"
    }
    assert failures("IAM-1.named-resources", {"Orders": table, "R": role(allow("dynamodb:Query", index))}) == []


def test_reading_what_has_no_resource_level_is_fine_and_writing_it_must_be_reviewed():
    fine = role(allow(["ec2:DescribeInstances", "ecr:GetAuthorizationToken", "xray:PutTraceSegments"]))
    assert failures("IAM-1.named-resources", {"R": fine}) == []
    assert details("IAM-1.named-resources", {"R": role(allow(["s3:GetObject", "ec2:DescribeInstances"]))}) == {
        "s3:GetObject on *"
    }


def test_a_reviewed_wildcard_is_accepted_only_with_its_condition():
    namespace = {"StringEquals": {"cloudwatch:namespace": "MLOps"}}
    put = "cloudwatch:PutMetricData"
    assert failures("IAM-1.named-resources", {"R": role(allow(put, Condition=namespace))}) == []
    assert details("IAM-1.named-resources", {"R": role(allow(put))}) == {f"{put} on *"}
    vague = {"StringLike": {"cloudwatch:namespace": "*"}}
    assert details("IAM-1.named-resources", {"R": role(allow(put, Condition=vague))}) == {f"{put} on *"}


def test_a_tag_the_resource_must_have_is_a_name():
    tag = {"StringEquals": {"aws:ResourceTag/workload": "flights"}}
    assert failures("IAM-1.named-resources", {"R": role(allow("ec2:StopInstances", Condition=tag))}) == []
    any_tag = {"StringLike": {"aws:ResourceTag/workload": "*"}}
    assert details("IAM-1.named-resources", {"R": role(allow("ec2:StopInstances", Condition=any_tag))})


def test_every_kind_of_wildcard_in_the_module_is_in_the_reviewed_list():
    kinds = [each for each in vars(wildcards).values() if isinstance(each, wildcards.Wildcard)]
    assert {id(kind) for kind in kinds} == {id(kind) for kind in wildcards.REVIEWED}


@pytest.mark.parametrize("name", ["NotAction", "NotResource"])
def test_an_allow_by_exclusion_is_a_finding_and_a_deny_is_not(name):
    rest = {"NotAction": {"Resource": "*"}, "NotResource": {"Action": "s3:GetObject"}}[name]
    found = role({"Effect": "Allow", name: "x:Y", **rest})
    assert details("IAM-1.no-exclusion", {"R": found}) == {name}
    assert failures("IAM-1.no-exclusion", {"R": role({"Effect": "Deny", name: "x:Y", **rest})}) == []


def test_listing_a_bucket_needs_a_prefix():
    prefix = {"StringLike": {"s3:prefix": ["raw/*"]}}
    assert details("IAM-1.narrowed-by-condition", {"R": role(allow("s3:ListBucket", BUCKET))}) == {"s3:ListBucket"}
    assert failures("IAM-1.narrowed-by-condition", {"R": role(allow("s3:ListBucket", BUCKET, Condition=prefix))}) == []
    every = {"StringLike": {"s3:prefix": "*"}}
    assert details("IAM-1.narrowed-by-condition", {"R": role(allow("s3:ListBucket", BUCKET, Condition=every))})


@pytest.mark.parametrize("operator", ["StringLike", "StringEquals", "ArnLike", "StringLikeIfExists"])
def test_a_condition_that_every_request_meets_is_a_finding(operator):
    rule, key = "IAM-1.condition-narrows", "kms:EncryptionContext:aws:s3:arn"
    void = role(allow("kms:Decrypt", "arn:aws:kms:us-east-1:1:key/k", Condition={operator: {key: ["a", "*"]}}))
    assert details(rule, {"R": void}) == {key.lower()}
    says = role(allow("kms:Decrypt", "arn:aws:kms:us-east-1:1:key/k", Condition={operator: {key: f"{BUCKET}/*"}}))
    assert failures(rule, {"R": says}) == []
    deny = {"Effect": "Deny", "Action": "x:Y", "Resource": "*", "Condition": {operator: {key: "*"}}}
    assert failures(rule, {"R": role(deny)}) == []


def test_a_reviewed_wildcard_needs_every_condition_of_its_kind():
    register = "application-autoscaling:RegisterScalableTarget"
    one = {"application-autoscaling:service-namespace": "sagemaker"}
    both = {**one, "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount"}
    assert details("IAM-1.named-resources", {"R": role(allow(register, Condition={"StringEquals": one}))})
    assert failures("IAM-1.named-resources", {"R": role(allow(register, Condition={"StringEquals": both}))}) == []


def test_a_workflow_uses_a_key_only_under_its_context():
    key = "arn:aws:kms:us-east-1:1:key/k"
    context = {
        "StringEquals": {"kms:EncryptionContext:aws:states:stateMachineArn": "arn:aws:states:r:1:stateMachine:m"}
    }
    open_ = role(allow("kms:Decrypt", key), trusts=service("states"))
    assert details("IAM-1.workflow-keys", {"R": open_}) == {"kms:Decrypt"}
    narrow = role(allow("kms:Decrypt", key, Condition=context), trusts=service("states"))
    assert failures("IAM-1.workflow-keys", {"R": narrow}) == []
    assert failures("IAM-1.workflow-keys", {"R": role(allow("kms:Decrypt", key))}) == []


def test_code_of_a_function_makes_no_network_interfaces():
    make = allow("ec2:CreateNetworkInterface")
    guard = {
        "Effect": "Deny",
        "Action": "ec2:CreateNetworkInterface",
        "Resource": "*",
        "Condition": {"ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:*:1:function:*"}},
    }
    lambda_ = trust({"Service": "lambda.amazonaws.com"})
    assert failures("IAM-1.interfaces-by-lambda-only", {"R": role(make, trusts=lambda_)})
    assert failures("IAM-1.interfaces-by-lambda-only", {"R": role(make, guard, trusts=lambda_)}) == []
    assert failures("IAM-1.interfaces-by-lambda-only", {"R": role(make, trusts=service("glue"))}) == []


# The graph


def test_grants_reach_a_role_by_every_way_of_attaching():
    managed = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(allow("x:ByArn"))}}
    listed = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": document(allow("x:ByList")), "Roles": [{"Ref": "R"}]},
    }
    aws = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    resources = {
        "R": role(allow("x:Inline"), ManagedPolicyArns=[{"Ref": "ByArn"}, aws]),
        "ByArn": managed,
        "ByList": listed,
        "Other": policy(allow("x:Attached"), of="R"),
    }
    graph = graph_of(from_templates({"stack": {"Resources": resources}}))
    (identity,) = graph.identities.values()
    granted = {action for grant in identity.grants for action in grant.statement.actions}
    assert granted == {"x:Inline", "x:ByArn", "x:ByList", "x:Attached"}
    assert identity.managed == [aws]


def test_one_environment_is_judged_in_less_than_a_second(assembly):
    (prod,) = [estate for estate in load(assembly.folder) if estate.name == "prod"]
    begin = time.process_time()
    judgements = [judgement for rule in iam.RULES for judgement in rule.check(prod)]
    assert time.process_time() - begin < 1
    assert len(judgements) > 100
