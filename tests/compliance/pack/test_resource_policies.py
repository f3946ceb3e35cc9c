"""PUB-1: who a resource's policy, permission or share lets in, for every type that has one."""

import json

import pytest

from tests.compliance.pack.iam_samples import ACCOUNT, details, document, failures, passes

OTHER = "999988887777"
# Type -> path of the property that holds its policy, from the CloudFormation schemas; as text where they want text.
POLICY_OF = {
    "AWS::APS::ResourcePolicy": "PolicyDocument:text",
    "AWS::ApiGateway::DomainNameV2": "Policy",
    "AWS::ApiGateway::RestApi": "Policy",
    "AWS::Backup::BackupVault": "AccessPolicy",
    "AWS::Backup::LogicallyAirGappedBackupVault": "AccessPolicy",
    "AWS::Bedrock::ResourcePolicy": "PolicyDocument",
    "AWS::BedrockAgentCore::ResourcePolicy": "Policy:text",
    "AWS::CloudTrail::ResourcePolicy": "ResourcePolicy",
    "AWS::CodeArtifact::Domain": "PermissionsPolicyDocument",
    "AWS::CodeArtifact::Repository": "PermissionsPolicyDocument",
    "AWS::DSQL::Cluster": "PolicyDocument:text",
    "AWS::DynamoDB::GlobalTable": "Replicas.*.ResourcePolicy.PolicyDocument",
    "AWS::DynamoDB::Table": "ResourcePolicy.PolicyDocument",
    "AWS::ECR::PublicRepository": "RepositoryPolicyText",
    "AWS::ECR::RegistryPolicy": "PolicyText",
    "AWS::ECR::Repository": "RepositoryPolicyText",
    "AWS::EFS::FileSystem": "FileSystemPolicy",
    "AWS::Elasticsearch::Domain": "AccessPolicies",
    "AWS::EventSchemas::RegistryPolicy": "Policy",
    "AWS::Events::EventBus": "Policy",
    "AWS::Events::EventBusPolicy": "Statement:statement",
    "AWS::FSx::S3AccessPointAttachment": "S3AccessPoint.Policy",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::KMS::ReplicaKey": "KeyPolicy",
    "AWS::Kinesis::ResourcePolicy": "ResourcePolicy",
    "AWS::Lambda::ResourcePolicy": "PolicyDocument",
    "AWS::Lex::ResourcePolicy": "Policy",
    "AWS::Logs::Destination": "DestinationPolicy:text",
    "AWS::Logs::LogGroup": "ResourcePolicyDocument",
    "AWS::Logs::ResourcePolicy": "PolicyDocument:text",
    "AWS::MSK::ClusterPolicy": "Policy",
    "AWS::OSIS::Pipeline": "ResourcePolicy.Policy",
    "AWS::Oam::Sink": "Policy",
    "AWS::OpenSearchService::Domain": "AccessPolicies",
    "AWS::PaymentCryptography::Key": "Policy:text",
    "AWS::Redshift::Cluster": "NamespaceResourcePolicy",
    "AWS::RedshiftServerless::Namespace": "NamespaceResourcePolicy",
    "AWS::S3::AccessPoint": "Policy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::S3::MultiRegionAccessPointPolicy": "Policy",
    "AWS::S3Express::BucketPolicy": "PolicyDocument",
    "AWS::S3ObjectLambda::AccessPointPolicy": "PolicyDocument",
    "AWS::S3Outposts::BucketPolicy": "PolicyDocument",
    "AWS::S3Tables::TableBucketPolicy": "ResourcePolicy",
    "AWS::S3Tables::TablePolicy": "ResourcePolicy",
    "AWS::S3Vectors::VectorBucketPolicy": "Policy",
    "AWS::SNS::TopicInlinePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueueInlinePolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SSM::ResourcePolicy": "Policy:text",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupPolicy",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
    "AWS::VpcLattice::AuthPolicy": "Policy",
    "AWS::VpcLattice::ResourcePolicy": "Policy",
    "AWS::XRay::ResourcePolicy": "PolicyDocument:text",
}


def statement(principal, action="x:Do", **more):
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}


def holding(kind, *statements):
    """Return a resource of a type whose policy has these statements."""
    path, _, form = POLICY_OF[kind].partition(":")
    value = document(*statements)
    value = {"text": json.dumps(value), "statement": statements[0], "": value}[form]
    for key in reversed(path.split(".")):
        value = [value] if key == "*" else {key: value}
    return {"R": {"Type": kind, "Properties": value}}


@pytest.mark.parametrize("kind", sorted(POLICY_OF))
def test_every_type_with_a_policy_is_judged(kind):
    own = statement({"AWS": f"arn:aws:iam::{ACCOUNT}:role/r"})
    assert details("PUB-1.nobody-public", holding(kind, statement("*"))) == {"*"}
    assert details("PUB-1.no-foreign-account", holding(kind, statement({"AWS": OTHER}))) == {OTHER}
    service = statement({"Service": "sns.amazonaws.com"})
    assert details("PUB-1.no-confused-deputy", holding(kind, service)) == {"sns.amazonaws.com"}
    for rule in ("PUB-1.nobody-public", "PUB-1.no-foreign-account", "PUB-1.no-confused-deputy"):
        assert passes(rule, holding(kind, own)) == ["R"]


DIRECT = [
    ("AWS::Lambda::Permission", {"Action": "lambda:InvokeFunction", "Principal": "*"}, "PUB-1.nobody-public"),
    ("AWS::Lambda::Permission", {"Principal": "s3.amazonaws.com"}, "PUB-1.no-confused-deputy"),
    ("AWS::Lambda::Permission", {"Principal": OTHER}, "PUB-1.no-foreign-account"),
    (
        "AWS::Lambda::Permission",
        {"Principal": "events.amazonaws.com", "SourceAccount": OTHER},
        "PUB-1.no-foreign-account",
    ),
    ("AWS::Lambda::LayerVersionPermission", {"Principal": "*"}, "PUB-1.nobody-public"),
    ("AWS::Events::EventBusPolicy", {"Action": "events:PutEvents", "Principal": "*"}, "PUB-1.nobody-public"),
    ("AWS::EC2::VPCEndpointServicePermissions", {"AllowedPrincipals": ["*"]}, "PUB-1.nobody-public"),
    ("AWS::EC2::NetworkInterfacePermission", {"AwsAccountId": OTHER}, "PUB-1.no-foreign-account"),
    ("AWS::RAM::ResourceShare", {"Name": "share"}, "PUB-1.nobody-public"),
    ("AWS::RAM::ResourceShare", {"Name": "share", "Principals": [OTHER]}, "PUB-1.no-foreign-account"),
    ("AWS::ServiceCatalog::PortfolioShare", {"AccountId": OTHER}, "PUB-1.no-foreign-account"),
    (
        "AWS::LakeFormation::PrincipalPermissions",
        {"Principal": {"DataLakePrincipalIdentifier": f"arn:aws:iam::{OTHER}:role/r"}},
        "PUB-1.no-foreign-account",
    ),
    (
        "AWS::OpenSearchServerless::AccessPolicy",
        {"Policy": json.dumps([{"Rules": [], "Principal": [f"arn:aws:iam::{OTHER}:role/r"]}])},
        "PUB-1.no-foreign-account",
    ),
    ("AWS::Lambda::Permission", {"Principal": {"Ref": "Partner"}}, "PUB-1.no-foreign-account"),
]


@pytest.mark.parametrize(("kind", "properties", "rule"), DIRECT)
def test_access_without_a_document_is_judged(kind, properties, rule):
    assert [name for name, _ in failures(rule, {"R": {"Type": kind, "Properties": properties}})] == ["R"]


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::Lambda::Permission", {"Principal": "s3.amazonaws.com", "SourceAccount": ACCOUNT}),
        (
            "AWS::Lambda::Permission",
            {"Principal": "events.amazonaws.com", "SourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/r"},
        ),
        ("AWS::Lambda::Permission", {"Principal": "*", "PrincipalOrgID": "o-1"}),
        ("AWS::Lambda::LayerVersionPermission", {"Principal": "*", "OrganizationId": "o-1"}),
        (
            "AWS::Events::EventBusPolicy",
            {"Principal": "*", "Condition": {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}},
        ),
        ("AWS::RAM::ResourceShare", {"Name": "share", "AllowExternalPrincipals": False}),
        (
            "AWS::RAM::ResourceShare",
            {"Principals": ["arn:aws:organizations::1:organization/o-1"], "AllowExternalPrincipals": "false"},
        ),
        (
            "AWS::LakeFormation::PrincipalPermissions",
            {"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}},
        ),
    ],
)
def test_access_inside_the_account_or_organisation_is_fine(kind, properties):
    for rule in ("PUB-1.nobody-public", "PUB-1.no-foreign-account", "PUB-1.no-confused-deputy"):
        assert failures(rule, {"R": {"Type": kind, "Properties": properties}}) == []


def test_a_deny_and_a_trust_policy_are_no_resource_policy():
    tls = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    assert failures("PUB-1.nobody-public", holding("AWS::S3::BucketPolicy", tls)) == []
    trust = document(statement("*", "sts:AssumeRole"))
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    assert failures("PUB-1.nobody-public", {"R": role}) == []


def test_a_deny_turned_into_an_allow_is_public():
    allow = statement("*", "s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    assert details("PUB-1.nobody-public", holding("AWS::S3::BucketPolicy", allow)) == {"*"}


def test_only_the_account_keeps_all_rights_on_a_key():
    rule, root = "PUB-1.no-whole-service", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    admin = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/admin"}
    assert failures(rule, holding("AWS::KMS::Key", statement(root, "kms:*"))) == []
    assert failures(rule, holding("AWS::KMS::Key", statement(admin, "kms:*")))
    assert failures(rule, holding("AWS::S3::BucketPolicy", statement(root, "s3:*")))
    assert failures(rule, holding("AWS::KMS::Key", statement(admin, ["kms:Decrypt", "kms:GenerateDataKey*"]))) == []


@pytest.mark.parametrize("name", ["NotPrincipal", "NotAction", "NotResource"])
def test_a_policy_by_exclusion_is_a_finding(name):
    allow = statement({"AWS": ACCOUNT}, "s3:GetObject")
    allow.pop(name.removeprefix("Not"))
    allow[name] = {"AWS": ACCOUNT} if name == "NotPrincipal" else "arn:aws:s3:::b"
    assert details("PUB-1.no-exclusion", holding("AWS::S3::BucketPolicy", allow)) == {name}
    assert failures("PUB-1.no-exclusion", holding("AWS::S3::BucketPolicy", {**allow, "Effect": "Deny"})) == []


def endpoint(service, *statements):
    properties = {"ServiceName": f"com.amazonaws.us-east-1.{service}", "PolicyDocument": document(*statements)}
    return {"E": {"Type": "AWS::EC2::VPCEndpoint", "Properties": properties}}


def test_an_endpoint_lets_our_identities_reach_our_resources():
    rule, whose = "PUB-1.endpoint-policy", {"aws:PrincipalAccount": ACCOUNT}
    home = {**whose, "aws:ResourceAccount": ACCOUNT}
    assert failures(rule, endpoint("s3", statement("*", "*", Condition={"StringEquals": home}))) == []
    assert failures(rule, endpoint("kms", statement("*", "*", Condition={"StringEquals": whose}))) == []
    assert failures(rule, endpoint("s3", statement("*", "*", Condition={"StringEquals": whose})))
    assert failures(rule, endpoint("kms", statement("*", "*")))
    assert failures(rule, endpoint("kms", statement("*", "*", Condition={"StringEqualsIfExists": whose})))


def test_an_endpoint_may_reach_a_bucket_it_names():
    public = statement("*", "s3:GetObject") | {"Resource": "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*"}
    assert failures("PUB-1.endpoint-policy", endpoint("s3", public)) == []
    anywhere = public | {"Resource": "arn:aws:s3:::*/*"}
    assert failures("PUB-1.endpoint-policy", endpoint("s3", anywhere))


ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
OWN_ROLES = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/mlops/*"}}


def test_key_use_handed_to_the_account_says_to_whom():
    rule, uses = "PUB-1.key-use-is-named", ["kms:Decrypt", "kms:DescribeKey"]
    assert details(rule, holding("AWS::KMS::Key", statement(ROOT, uses))) == {"kms:Decrypt"}
    assert failures(rule, holding("AWS::KMS::Key", statement(ROOT, uses, Condition=OWN_ROLES))) == []
    every = {"ArnLike": {"aws:PrincipalArn": "*"}}
    assert failures(rule, holding("AWS::KMS::Key", statement(ROOT, uses, Condition=every)))
    assert failures(rule, holding("AWS::KMS::Key", statement(ROOT, "kms:*"))) == []  # the service's default
    assert failures(rule, holding("AWS::KMS::Key", statement(ROOT, "kms:PutKeyPolicy"))) == []


def test_a_condition_beside_the_same_permission_without_one_is_void():
    rule, narrow = "PUB-1.no-void-condition", statement(ROOT, "kms:Decrypt", Condition=OWN_ROLES, Sid="Roles")
    assert failures(rule, holding("AWS::KMS::Key", narrow, statement(ROOT, "kms:*"))) == [("R", "Roles")]
    assert failures(rule, holding("AWS::KMS::Key", narrow, statement(ROOT, "kms:PutKeyPolicy"))) == []
    other = statement({"AWS": f"arn:aws:iam::{ACCOUNT}:role/admin"}, "kms:*")
    assert failures(rule, holding("AWS::KMS::Key", narrow, other)) == []
    elsewhere = statement(ROOT, "kms:*") | {"Resource": "arn:aws:kms:us-east-1:1:key/other"}
    assert failures(rule, holding("AWS::KMS::Key", narrow, elsewhere)) == []


@pytest.mark.parametrize("condition", [{}, {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, OWN_ROLES])
def test_a_named_stranger_stays_one_whatever_else_is_asked(condition):
    stranger = statement({"AWS": OTHER}, Condition=condition)
    assert details("PUB-1.no-foreign-account", holding("AWS::SQS::QueuePolicy", stranger)) == {OTHER}
    member = statement({"AWS": OTHER}, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})
    assert failures("PUB-1.no-foreign-account", holding("AWS::SQS::QueuePolicy", member)) == []


def test_a_condition_that_every_request_meets_is_a_finding():
    rule, every = "PUB-1.condition-narrows", {"StringLike": {"aws:SourceAccount": "*"}}
    service = statement({"Service": "sns.amazonaws.com"}, Condition=every)
    assert details(rule, holding("AWS::SQS::QueuePolicy", service)) == {"aws:sourceaccount"}
    assert details(rule, endpoint("kms", statement("*", Condition={"StringLike": {"aws:PrincipalAccount": "*"}}))) == {
        "aws:principalaccount"
    }
    world = statement("*", Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})
    assert details(rule, holding("AWS::S3::BucketPolicy", world)) == {"aws:sourceip"}
    ours = statement({"Service": "sns.amazonaws.com"}, Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}})
    assert failures(rule, holding("AWS::SQS::QueuePolicy", ours)) == []
