"""Keys, boundary, network, grants and waivers. One synthesis for all tests."""

import datetime as dt
import json
import os
from pathlib import Path

import pytest

os.environ["CDK_VALIDATION"] = "false"

import aws_cdk as cdk
from aws_cdk import assertions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from mlops_constructs.governance.alerts import AlertTopic
from mlops_constructs.governance.boundary import Boundary
from mlops_constructs.governance.grants import (
    allow,
    allow_objects,
    allow_wildcard,
    list_objects,
    read_objects,
    read_versions,
)
from mlops_constructs.governance.key_policy import USE
from mlops_constructs.governance.keys import Keys
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.private_network import INTERFACE_SERVICES, PrivateNetwork
from mlops_constructs.governance.waivers import AppliedWaiver, Waiver, expired, read_waivers, unused, waive
from mlops_constructs.governance.watch import watch_keys
from mlops_constructs.governance.wildcards import METRICS, OBJECTS, REVIEWED
from mlops_constructs.orchestration.states import succeed
from mlops_constructs.orchestration.workflow import Workflow

ENVIRONMENT = cdk.Environment(account="111111111111", region="eu-west-1")
USERS = ["arn:aws:iam::111111111111:role/mlops/test/*"]
DEPLOYERS = ["arn:aws:iam::111111111111:role/cdk-hnb659fds-cfn-exec-role-111111111111-eu-west-1"]
WAIVER = Waiver(finding="Pack::Rule[x]", reason="a reason that a reviewer can judge", owner="me", review="2027-01-31")


@pytest.fixture(scope="module")
def outdir(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("governance")


@pytest.fixture(scope="module")
def app(outdir):
    app = cdk.App(outdir=str(outdir))
    owner, user = cdk.Stack(app, "Owner", env=ENVIRONMENT), cdk.Stack(app, "User", env=ENVIRONMENT)
    keys = Keys(owner, "Keys", users=USERS, deployers=DEPLOYERS)
    boundary = Boundary(owner, "Boundary", name="mlops-test-boundary", path="/mlops/test/")
    iam.PermissionsBoundary.of(owner).apply(boundary.policy)
    PrivateNetwork(
        owner, "Network", cidr="10.0.0.0/16", availability_zones=["eu-west-1a", "eu-west-1b"], log_key=keys.logs
    )
    alerts = AlertTopic(owner, "Alerts", encryption_key=keys.data, email="a@example.com")
    watched = [key for key in keys.all if key is not keys.data]
    watch_keys(owner, "KeyInDanger", keys=watched, topic=alerts, encryption_key=keys.data)
    bucket = s3.Bucket(owner, "Bucket", encryption_key=keys.data)
    role = iam.Role(user, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    read_objects(bucket, role, "w/")
    allow_wildcard(role, METRICS, conditions={"StringEquals": {"cloudwatch:namespace": "N"}})
    waive(role, WAIVER)
    cdk.Validations.of(role).acknowledge(cdk.Acknowledgment(id="Pack::Bare", reason="nobody answers for this one"))
    app.synth()
    return app


@pytest.fixture(scope="module")
def owner(app):
    return assertions.Template.from_stack(app.node.find_child("Owner"))


@pytest.fixture(scope="module")
def user(app):
    return assertions.Template.from_stack(app.node.find_child("User"))


def resources(template, kind):
    return [resource["Properties"] for resource in template.find_resources(kind).values()]


def test_every_key_rotates_and_outlives_its_stack(owner):
    keys = owner.find_resources("AWS::KMS::Key").values()
    assert len(keys) == 5
    assert all(key["Properties"]["EnableKeyRotation"] and key["DeletionPolicy"] == "Retain" for key in keys)


def test_log_groups_of_other_accounts_cannot_use_the_keys(owner):
    policies = [key["KeyPolicy"]["Statement"] for key in resources(owner, "AWS::KMS::Key")]
    logs = [s for p in policies for s in p if s.get("Sid") == "LogGroupsOfThisAccount"]
    assert len(logs) == 3
    assert all("111111111111" in json.dumps(s["Condition"]["ArnLike"]) for s in logs)


def test_log_delivery_decrypts_logs_of_this_account_and_nothing_else(owner):
    policies = [key["KeyPolicy"]["Statement"] for key in resources(owner, "AWS::KMS::Key")]
    delivery = [s for p in policies for s in p if s["Principal"] == {"Service": "delivery.logs.amazonaws.com"}]
    assert len(delivery) == 3
    for statement in delivery:
        assert statement["Action"] == "kms:Decrypt"
        context = statement["Condition"]["StringEquals"]["kms:EncryptionContext:SourceArn"]
        assert "logs:eu-west-1:111111111111:*" in json.dumps(context)


def test_a_workflow_adds_nothing_to_the_policy_of_its_key():
    stack = cdk.Stack(cdk.App(), "S", env=ENVIRONMENT)
    key = kms.Key(stack, "Key")
    workflow = Workflow(stack, "Train", states={"Done": succeed()}, start_at="Done", encryption_key=key)
    template = assertions.Template.from_stack(stack)
    (policy,) = [key["KeyPolicy"]["Statement"] for key in resources(template, "AWS::KMS::Key")]
    assert [list(s["Principal"]) for s in policy] == [["AWS"]]
    (machine,) = resources(template, "AWS::StepFunctions::StateMachine")
    assert machine["EncryptionConfiguration"]["KmsKeyId"] == stack.resolve(key.key_arn)
    assert workflow.encryption_key is key


def test_who_administers_a_key_cannot_use_it_and_only_the_named_roles_can(owner):
    for key in resources(owner, "AWS::KMS::Key"):
        statements = {s["Sid"]: s for s in key["KeyPolicy"]["Statement"]}
        assert not {*USE, "kms:CreateGrant"} & {*statements["AccountAdministers"]["Action"]}
        assert "kms:PutKeyPolicy" in statements["AccountAdministers"]["Action"], "nobody could mend the policy"
        assert "Condition" not in statements["AccountAdministers"], "the account could lock itself out"
        assert statements["RolesUse"]["Condition"] == {"ArnLike": {"aws:PrincipalArn": USERS}}
        assert statements["RolesGrantToServices"]["Condition"]["ArnLike"] == {"aws:PrincipalArn": USERS}
        assert statements["RolesGrantToServices"]["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}
        through = statements["DeploymentsUseThroughServices"]["Condition"]
        assert through["ArnLike"] == {"aws:PrincipalArn": DEPLOYERS}
        assert "lambda.eu-west-1.amazonaws.com" in through["StringEquals"]["kms:ViaService"]


def test_an_event_service_names_bus_topic_or_queue_of_this_account(owner):
    (data,) = [key for key in resources(owner, "AWS::KMS::Key") if key["Description"].startswith("Data lake")]
    services = [s for s in data["KeyPolicy"]["Statement"] if "events.amazonaws.com" in json.dumps(s["Principal"])]
    assert len(services) == 4
    for statement in services:
        # EventBridge sends no source account along to the key of a topic or a queue.
        assert "aws:SourceAccount" not in json.dumps(statement)
        if statement["Action"] != "kms:DescribeKey":
            ((name, pattern),) = statement["Condition"]["ArnLike"].items()
            assert name.startswith("kms:EncryptionContext:aws:")
            assert ":eu-west-1:111111111111:" in json.dumps(pattern)


def test_a_key_in_danger_alerts_a_person(owner):
    (rule,) = resources(owner, "AWS::Events::Rule")
    assert rule["EventPattern"]["source"] == ["aws.kms"]
    detail = rule["EventPattern"]["detail"]
    assert {"ScheduleKeyDeletion", "DisableKey"} <= set(detail["eventName"])
    assert len(detail["resources"]["ARN"]) == 4
    topics = owner.find_resources("AWS::SNS::Topic")
    assert [target["Arn"]["Ref"] for target in rule["Targets"]] == list(topics)


def test_a_key_cannot_hold_back_the_alert_about_itself(scratch):
    stack, _ = scratch
    keys = Keys(stack, "Keys")
    topic = AlertTopic(stack, "Alerts", encryption_key=keys.data)
    with pytest.raises(ValueError, match="disabled, it holds the alert back"):
        watch_keys(stack, "Watch", keys=keys.all, topic=topic, encryption_key=keys.data)


@pytest.mark.parametrize("email", ["nope", "", "a@b", "a b@example.com"])
def test_an_alert_goes_to_an_address(email):
    stack = cdk.Stack(cdk.App(), "S", env=ENVIRONMENT)
    with pytest.raises(ValueError, match=f"email must be an address like on-call@example.com, got '{email}'"):
        AlertTopic(stack, "Alerts", encryption_key=kms.Key(stack, "Key"), email=email)


def test_the_address_of_alerts_may_be_known_only_at_deployment():
    stack = cdk.Stack(cdk.App(), "S", env=ENVIRONMENT)
    email = cdk.CfnParameter(stack, "Email").value_as_string
    AlertTopic(stack, "Alerts", encryption_key=kms.Key(stack, "Key"), email=email)
    (subscription,) = resources(assertions.Template.from_stack(stack), "AWS::SNS::Subscription")
    assert subscription["Endpoint"] == {"Ref": "Email"}


def test_a_key_of_several_regions_is_one_from_the_beginning():
    stack = cdk.Stack(cdk.App(), "S", env=ENVIRONMENT)
    Keys(stack, "Keys", multi_region=True)
    keys = resources(assertions.Template.from_stack(stack), "AWS::KMS::Key")
    assert len(keys) == 5
    assert all(key["MultiRegion"] is True for key in keys)


def test_the_secrets_key_is_open_to_no_service(owner):
    (secrets,) = [key for key in resources(owner, "AWS::KMS::Key") if key["Description"].startswith("Secrets")]
    assert all("Service" not in s["Principal"] for s in secrets["KeyPolicy"]["Statement"])


def test_every_role_has_the_boundary(owner):
    roles = resources(owner, "AWS::IAM::Role")
    assert roles
    assert all("PermissionsBoundary" in role for role in roles)


def test_the_boundary_lets_nobody_change_identities(owner):
    (policy,) = resources(owner, "AWS::IAM::ManagedPolicy")
    assert (policy["ManagedPolicyName"], policy["Path"]) == ("mlops-test-boundary", "/mlops/test/")
    statements = policy["PolicyDocument"]["Statement"]
    allowed = [a for s in statements if s["Effect"] == "Allow" for a in _list(s["Action"])]
    identity = {a for a in allowed if a.startswith(("iam:", "organizations:", "account:")) or a == "*"}
    assert identity == {"iam:PassRole", "iam:GetRole", "iam:CreateServiceLinkedRole"}
    passing = [s for s in statements if "iam:PassRole" in _list(s["Action"])]
    assert all("role/mlops/test/" in json.dumps(s) or "aws-service-role" in json.dumps(s) for s in passing)
    denied = {a for s in statements if s["Effect"] == "Deny" for a in _list(s["Action"])}
    assert {"kms:ScheduleKeyDeletion", "s3:PutBucketPolicy", "s3:PutObject", "kms:CreateGrant"} <= denied


def test_the_boundary_fits_a_managed_policy(owner):
    (policy,) = resources(owner, "AWS::IAM::ManagedPolicy")
    assert len(json.dumps(policy["PolicyDocument"], separators=(",", ":"))) < 6144


def test_no_subnet_leads_to_the_internet(owner):
    for kind in ("InternetGateway", "NatGateway", "Route", "EIP"):
        assert not owner.find_resources(f"AWS::EC2::{kind}")
    subnets = resources(owner, "AWS::EC2::Subnet")
    assert [subnet["CidrBlock"] for subnet in subnets] == ["10.0.0.0/18", "10.0.64.0/18"]
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets)


def test_every_endpoint_serves_only_principals_of_this_account(owner):
    endpoints = resources(owner, "AWS::EC2::VPCEndpoint")
    assert len(endpoints) == len(INTERFACE_SERVICES) + 2
    for endpoint in endpoints:
        for statement in endpoint["PolicyDocument"]["Statement"]:
            account = statement.get("Condition", {}).get("StringEquals", {}).get("aws:PrincipalAccount")
            assert account == "111111111111" or statement["Action"] in ("s3:GetObject", "s3:PutObject")


def test_all_traffic_is_logged_encrypted(owner):
    (flow,) = resources(owner, "AWS::EC2::FlowLog")
    assert flow["TrafficType"] == "ALL"
    assert all("KmsKeyId" in group for group in resources(owner, "AWS::Logs::LogGroup"))


def test_every_name_that_is_asked_for_is_logged_encrypted(owner):
    ((config_id, config),) = owner.find_resources("AWS::Route53Resolver::ResolverQueryLoggingConfig").items()
    (association,) = resources(owner, "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation")
    (vpc,) = owner.find_resources("AWS::EC2::VPC")
    assert association == {"ResolverQueryLogConfigId": {"Ref": config_id}, "ResourceId": {"Ref": vpc}}
    group = config["Properties"]["DestinationArn"]["Fn::GetAtt"][0]
    assert "KmsKeyId" in owner.find_resources("AWS::Logs::LogGroup")[group]["Properties"]
    (policy,) = resources(owner, "AWS::Logs::ResourcePolicy")
    assert '"aws:SourceAccount":"111111111111"' in json.dumps(policy).replace("\\", "")


def test_nothing_from_outside_reaches_a_security_group(owner):
    for rule in resources(owner, "AWS::EC2::SecurityGroupIngress"):
        assert "CidrIp" not in rule
    assert not any("SecurityGroupIngress" in group for group in resources(owner, "AWS::EC2::SecurityGroup"))


def test_alerts_are_encrypted_and_tls_only(owner):
    (topic,) = resources(owner, "AWS::SNS::Topic")
    assert "KmsMasterKeyId" in topic
    (policy,) = resources(owner, "AWS::SNS::TopicPolicy")
    secure, *publishers = policy["PolicyDocument"]["Statement"]
    assert secure["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    account = {"aws:SourceAccount": "111111111111"}
    assert {each["Principal"]["Service"]: each["Condition"] for each in publishers} == {
        "cloudwatch.amazonaws.com": {"StringEquals": account},
        "events.amazonaws.com": {"StringEqualsIfExists": account},  # it does not say for whom it publishes
    }


def test_a_reader_reads_one_prefix_and_lists_nothing_else(user):
    (policy,) = resources(user, "AWS::IAM::Policy")
    statements = {tuple(_list(s["Action"])): s for s in policy["PolicyDocument"]["Statement"]}
    assert "/w/*" in json.dumps(statements[("s3:GetObject",)]["Resource"])
    assert statements[("s3:ListBucket",)]["Condition"] == {"StringLike": {"s3:prefix": ["w/*"]}}
    assert ("kms:Decrypt",) in statements
    assert statements[("cloudwatch:PutMetricData",)]["Condition"] == {"StringEquals": {"cloudwatch:namespace": "N"}}


def test_former_versions_are_read_only_where_they_are_asked_for():
    stack = cdk.Stack(cdk.App(), "Versions", env=ENVIRONMENT)
    bucket = s3.Bucket(stack, "Bucket")
    readers = {"Plain": read_objects, "Versions": read_versions}
    for name, read in readers.items():
        read(bucket, iam.Role(stack, name, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")), "w/")
    policies = resources(assertions.Template.from_stack(stack), "AWS::IAM::Policy")
    granted = {
        policy["Roles"][0]["Ref"][:5]: {
            action for s in policy["PolicyDocument"]["Statement"] for action in _list(s["Action"])
        }
        for policy in policies
    }
    assert granted["Plain"] == {"s3:GetObject", "s3:ListBucket"}
    assert granted["Versi"] == {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"}


@pytest.fixture
def scratch():
    stack = cdk.Stack(cdk.App(), "S", env=ENVIRONMENT)
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    return stack, role


def test_wildcards_outside_the_reviewed_list_are_refused(scratch):
    stack, role = scratch
    with pytest.raises(ValueError, match="is a wildcard"):
        allow(role, "s3:GetObject", on=["*"])
    with pytest.raises(ValueError, match="is a wildcard"):
        allow(role, "s3:Get*", on=["arn:aws:s3:::b/k"])
    with pytest.raises(ValueError, match="not among the actions reviewed"):
        allow_wildcard(role, METRICS, "s3:GetObject")
    bucket = s3.Bucket.from_bucket_name(stack, "B", "some-bucket")
    with pytest.raises(ValueError, match="not an object action"):
        allow_objects(bucket, role, "s3:PutObjectAcl", prefixes=["w/"])
    with pytest.raises(ValueError, match="at least one prefix"):
        list_objects(bucket, role)


def test_every_reviewed_wildcard_names_its_actions_and_a_future_review():
    for kind in REVIEWED:
        assert kind.actions
        assert not any("*" in action for action in kind.actions)
        assert dt.date.fromisoformat(kind.review) > dt.date(2026, 11, 1)
    assert OBJECTS in REVIEWED


def test_a_network_needs_one_subnet_per_zone(scratch):
    stack, _ = scratch
    ids = {"vpc_id": "vpc-1", "subnet_ids": ["subnet-1"], "job_security_group_id": "sg-1"}
    with pytest.raises(ValueError, match="got 1 subnets for 2 zones"):
        Network.from_ids(stack, "N", availability_zones=["a", "b"], **ids)


def test_one_zone_is_refused(scratch):
    stack, _ = scratch
    key = kms.Key(stack, "Key")
    with pytest.raises(ValueError, match="one zone alone is an outage"):
        PrivateNetwork(stack, "N", cidr="10.0.0.0/16", availability_zones=["eu-west-1a"], log_key=key)
    with pytest.raises(ValueError, match="the same zone twice is one zone"):
        PrivateNetwork(stack, "M", cidr="10.0.0.0/16", availability_zones=["eu-west-1a", "eu-west-1a"], log_key=key)


def test_waivers_are_read_back_from_the_assembly(app, outdir):
    assert AppliedWaiver(path="User/Role", waiver=WAIVER) in read_waivers(outdir)
    found = {(a.path, a.waiver.finding) for a in read_waivers(outdir)}
    assert ("User/Role", "Pack::Bare") not in found
    wildcard = [f for p, f in found if p == "User/Role" and f.endswith("/w/*]")]
    assert len(wildcard) == 1 and "Owner:ExportsOutput" in wildcard[0]


@pytest.mark.parametrize("change", [{"finding": "Rule"}, {"reason": "because"}, {"review": "soon"}])
def test_a_waiver_that_says_nothing_is_refused(change):
    with pytest.raises(ValueError):
        Waiver(
            **{"finding": "P::R", "reason": "a reason that can be judged", "owner": "o", "review": "2027-01-01"}
            | change
        )


def test_expired_and_unused_waivers_are_found():
    applied = AppliedWaiver(path="Stack/Role", waiver=WAIVER)
    assert expired([applied], dt.date(2027, 1, 31)) == []
    assert expired([applied], dt.date(2027, 2, 1)) == [applied]
    assert unused([applied], [("Pack::Rule[x]", "Stack/Role/Resource")]) == []
    assert unused([applied], [("Pack::Rule[y]", "Stack/Role/Resource"), ("Pack::Rule[x]", "Stack/Role2")]) == [applied]


def _list(value):
    return value if isinstance(value, list) else [value]
