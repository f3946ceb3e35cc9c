"""IAM-4 to IAM-6: whom roles trust, what caps them, and who should not be there at all."""

import pytest

from mlops_constructs.compliance.rules.iam_guardrails import GUARDED, STARTS
from tests.compliance.pack.iam_samples import ACCOUNT, allow, details, document, failures, passes, role, service, trust

OIDC = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
CLAIM = "token.actions.githubusercontent.com"
AUDIENCE, SUBJECT = {f"{CLAIM}:aud": "sts.amazonaws.com"}, {f"{CLAIM}:sub": "repo:org/repo:ref:refs/heads/main"}


@pytest.mark.parametrize(
    ("principal", "detail"),
    [
        ("*", "public"),
        ({"AWS": "*"}, "public"),
        ({"AWS": ["arn:aws:iam::999988887777:root"]}, "arn:aws:iam::999988887777:root"),
        ({"AWS": "999988887777"}, "999988887777"),
        ({"AWS": {"Ref": "Partner"}}, "unknown"),
    ],
)
def test_nobody_outside_is_trusted(principal, detail):
    assert details("IAM-4.nobody-outside", {"R": role(trusts=trust(principal))}) == {detail}


def test_an_external_id_makes_a_stranger_no_friend_and_an_organisation_does():
    external = {"StringEquals": {"sts:ExternalId": "x"}}
    stranger = trust({"AWS": "arn:aws:iam::999988887777:role/r"}, Condition=external)
    assert failures("IAM-4.nobody-outside", {"R": role(trusts=stranger)})
    ours = trust({"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})
    assert failures("IAM-4.nobody-outside", {"R": role(trusts=ours)}) == []
    assert passes("IAM-4.nobody-outside", {"R": role(trusts=service("glue"))}) == ["R"]


def test_a_second_statement_of_a_trust_policy_is_judged_too():
    both = document(
        *service("lambda")["Statement"], {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    )
    assert details("IAM-4.nobody-outside", {"R": role(trusts=both)}) == {"public"}


@pytest.mark.parametrize(
    "name", ["sagemaker", "states", "scheduler", "events", "vpc-flow-logs", "bedrock", "new-service"]
)
def test_services_act_for_this_account_only(name):
    rule, bare = "IAM-4.for-this-account", trust({"Service": f"{name}.amazonaws.com"})
    assert details(rule, {"R": role(trusts=bare)}) == {f"{name}.amazonaws.com"}
    assert failures(rule, {"R": role(trusts=service(name))}) == []
    optional = trust(
        {"Service": f"{name}.amazonaws.com"}, Condition={"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}
    )
    assert failures(rule, {"R": role(trusts=optional)})


@pytest.mark.parametrize("name", ["lambda", "ec2", "glue", "ecs-tasks"])
def test_services_that_send_no_source_need_none(name):
    bare = trust({"Service": f"{name}.amazonaws.com"})
    assert failures("IAM-4.for-this-account", {"R": role(trusts=bare)}) == []


@pytest.mark.parametrize(
    "root", [ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}]
)
def test_the_whole_account_is_not_trusted(root):
    rule = "IAM-4.no-whole-account"
    assert details(rule, {"R": role(trusts=trust({"AWS": root}))}) == {"account root"}
    for narrow in (
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/sso/*"}},
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        {"StringEquals": {"aws:PrincipalTag/persona": "admin"}},
    ):
        assert failures(rule, {"R": role(trusts=trust({"AWS": root}, Condition=narrow))}) == []
    for wide in (
        {"ArnLike": {"aws:PrincipalArn": "*"}},
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
        {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
        {"StringEquals": {"sts:ExternalId": "x"}},
    ):
        assert failures(rule, {"R": role(trusts=trust({"AWS": root}, Condition=wide))})


@pytest.mark.parametrize(
    ("condition", "missing"),
    [
        ({}, {"aud, sub"}),
        ({"StringEquals": AUDIENCE}, {"sub"}),
        ({"StringEquals": SUBJECT}, {"aud"}),
        ({"StringEquals": AUDIENCE, "StringLike": {f"{CLAIM}:sub": "*"}}, {"sub"}),
        ({"StringEquals": AUDIENCE, "StringLike": {f"{CLAIM}:sub": "repo:org/repo:*"}}, set()),
        ({"StringEquals": {**AUDIENCE, **SUBJECT}}, set()),
    ],
)
def test_an_oidc_login_is_pinned_to_audience_and_subject(condition, missing):
    assert (
        details("IAM-4.federation-pinned", {"R": role(trusts=trust({"Federated": OIDC}, Condition=condition))})
        == missing
    )


def test_a_saml_login_is_pinned_to_its_audience():
    saml = {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"}
    assert details("IAM-4.federation-pinned", {"R": role(trusts=trust(saml))}) == {"aud"}
    pinned = trust(saml, Condition={"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}})
    assert failures("IAM-4.federation-pinned", {"R": role(trusts=pinned)}) == []


def test_every_role_has_a_boundary_of_ours_and_a_path():
    own = f"arn:aws:iam::{ACCOUNT}:policy/limit"
    aws = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert details("IAM-5.boundary", {"R": role()}) == {"none"}
    assert details("IAM-5.boundary", {"R": role(PermissionsBoundary=aws)}) == {"of AWS"}
    assert failures("IAM-5.boundary", {"R": role(PermissionsBoundary=own)}) == []
    assert details("IAM-5.boundary", {"U": {"Type": "AWS::IAM::User"}}) == {"none"}
    assert details("IAM-5.path", {"R": role()}) == {"none"}
    assert details("IAM-5.path", {"R": role(Path="/")}) == {"none"}
    assert failures("IAM-5.path", {"R": role(Path="/mlops/dev/")}) == []


def boundary(*statements):
    limit = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(*statements)}}
    return {"Limit": limit, "R": role(PermissionsBoundary={"Ref": "Limit"})}


def deny(*actions, **condition):
    return {"Effect": "Deny", "Action": list(actions), "Resource": "*", **condition}


HOME = deny("s3:PutObject", Condition={"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}})
SERVICES_ONLY = deny("kms:CreateGrant", Condition={"Bool": {"kms:GrantIsForAWSResource": "false"}})


def test_a_boundary_must_forbid_what_leads_everywhere():
    rule = "IAM-5.boundary-limits"
    assert failures(rule, boundary(allow(["xray:*", "sqs:*"]))) == []
    assert "iam:PutRolePolicy" in details(rule, boundary(allow("*")))
    assert details(rule, boundary(allow("lambda:*"))) == {
        "lambda:UpdateFunctionCode",
        "lambda:UpdateFunctionConfiguration",
    }
    assert failures(rule, boundary(allow("lambda:*"), deny("lambda:UpdateFunction*"))) == []


def test_a_boundary_keeps_data_at_home_and_grants_to_services():
    rule, keys = "IAM-5.boundary-limits", deny("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey")
    store = [allow("s3:*"), deny("s3:*BucketPolicy", "s3:DeleteBucket", "s3:PutBucketP*", "s3:PutEncryption*")]
    assert details(rule, boundary(*store)) == {"s3:PutObject"}
    assert failures(rule, boundary(*store, HOME)) == []
    assert details(rule, boundary(allow("kms:*"), keys)) == {"kms:CreateGrant"}
    assert failures(rule, boundary(allow("kms:*"), keys, SERVICES_ONLY)) == []


@pytest.mark.parametrize("action", ["logs:DeleteLogGroup", "dynamodb:DeleteTable", "s3:PutEncryptionConfiguration"])
def test_a_boundary_keeps_what_cannot_be_made_again(action):
    assert action in details("IAM-5.boundary-limits", boundary(allow(f"{action.split(':')[0]}:*"), HOME))


def test_a_boundary_lets_pass_only_roles_under_a_path():
    rule = "IAM-5.boundary-limits"
    assert details(rule, boundary(allow("iam:PassRole"))) == {"iam:PassRole"}
    assert failures(rule, boundary(allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/mlops/dev/*"))) == []


def test_users_and_keys_are_findings():
    user, key = {"Type": "AWS::IAM::User"}, {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": "U"}}}
    assert failures("IAM-6.no-users", {"U": user, "K": key, "R": role()}) == [("U", "user"), ("K", "access key")]


@pytest.mark.parametrize(
    ("name", "broad"),
    [
        ("AdministratorAccess", True),
        ("PowerUserAccess", True),
        ("ReadOnlyAccess", True),
        ("AmazonS3FullAccess", True),
        ("AmazonSageMakerFullAccess", True),
        ("job-function/DataScientist", True),
        ("SomethingNewFullAccess", True),
        ("SecretsManagerReadWrite", True),
        ("service-role/AWSLambdaBasicExecutionRole", False),
        ("SecurityAudit", False),
        ("AWSXRayDaemonWriteAccess", False),
    ],
)
def test_broad_policies_of_aws_are_findings(name, broad):
    arn = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":iam::aws:policy/{name}"]]}
    found = details("IAM-6.no-broad-managed-policies", {"R": role(ManagedPolicyArns=[arn])})
    assert found == ({name.rsplit("/", 1)[-1]} if broad else set())
    permissions = {"Type": "AWS::SSO::PermissionSet", "Properties": {"ManagedPolicies": [arn]}}
    assert bool(failures("IAM-6.no-broad-managed-policies", {"S": permissions})) is broad


def test_a_serverless_function_with_a_broad_policy_is_a_finding():
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Policies": ["AmazonDynamoDBFullAccess"]}}
    assert details("IAM-6.no-broad-managed-policies", {"F": function}) == {"AmazonDynamoDBFullAccess"}


def guardrail(*, without="", condition=None, region=True):
    """Return a policy that denies by every key of the list, except one action or with one condition changed."""
    denies = []
    for key, actions in GUARDED.items():
        kept = [f"sagemaker:{action}" for action in actions if f"{action} {key}" != without]
        says = condition if condition and key in str(condition) else {"Null": {key: "true"}}
        denies.append(deny(*kept, Condition=says))
    if region:
        denies.append(deny("*", Condition={"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}}))
    return {"P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(*denies)}}}


def test_a_guardrail_with_every_action_is_whole():
    assert passes("IAM-5.guardrails-whole", guardrail()) == ["P"]
    plain = {"P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(deny("s3:*"))}}}
    assert passes("IAM-5.guardrails-whole", plain) == failures("IAM-5.guardrails-whole", plain) == []


@pytest.mark.parametrize(("key", "action"), [(key, actions[-1]) for key, actions in GUARDED.items()])
def test_one_action_left_out_of_a_guardrail_is_a_hole(key, action):
    holed = guardrail(without=f"{action} {key}")
    assert details("IAM-5.guardrails-whole", holed) == {f"sagemaker:{action} without {key}"}


@pytest.mark.parametrize(
    ("condition", "bites"),
    [
        ({"Null": {"sagemaker:RootAccess": "false"}}, False),
        ({"StringNotEqualsIfExists": {"sagemaker:RootAccess": "Disabled"}}, True),
        ({"StringEquals": {"sagemaker:RootAccess": "Disabled"}}, False),
        ({"StringEquals": {"sagemaker:RootAccess": "Enabled"}}, True),
        ({"Bool": {"sagemaker:RootAccess": "true"}}, False),
        ({"Null": {"sagemaker:RootAccess": "true"}, "StringEquals": {"aws:PrincipalTag/x": "y"}}, False),
    ],
)
def test_a_guardrail_bites_on_what_is_missing(condition, bites):
    assert (failures("IAM-5.guardrails-whole", guardrail(condition=condition)) == []) is bites


def test_a_guardrail_keeps_to_regions():
    assert details("IAM-5.guardrails-whole", guardrail(region=False)) == {"any region"}


def stop(*actions):
    properties = {"PolicyDocument": document(*([deny(*actions)] if actions else []))}
    return {"P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}}


def test_a_policy_that_stops_jobs_stops_all_of_them():
    rule, every = "IAM-5.stop-is-whole", [f"sagemaker:{action}" for action in STARTS]
    assert passes(rule, stop(*every)) == ["P"]
    assert details(rule, stop(*every[1:])) == {every[0]}
    assert passes(rule, stop("sagemaker:Create*")) == ["P"]
    assert details(rule, stop()) == {"empty"}
    assert failures(rule, stop("s3:DeleteBucket")) == []
