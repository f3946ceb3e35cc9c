"""IAM-2 and IAM-3: ways from a permission to more permissions, and passing roles."""

import json

import pytest

from mlops_constructs.compliance.estate import from_templates
from mlops_constructs.compliance.rules import iam, iam_primitives
from mlops_constructs.compliance.rules.iam_wildcards import actions_of
from tests.compliance.pack.iam_samples import (
    ACCOUNT,
    allow,
    arn,
    details,
    document,
    failures,
    policy,
    role,
    service,
    trust,
)

BUCKET = "arn:aws:s3:::lake"


@pytest.mark.parametrize(
    "action",
    [
        "iam:PutRolePolicy",
        "iam:AttachRolePolicy",
        "iam:AttachUserPolicy",
        "iam:CreatePolicyVersion",
        "iam:SetDefaultPolicyVersion",
        "iam:UpdateAssumeRolePolicy",
        "iam:CreateAccessKey",
        "iam:CreateLoginProfile",
        "iam:UpdateLoginProfile",
        "iam:AddUserToGroup",
        "iam:DeleteRolePermissionsBoundary",
        "iam:CreateOpenIDConnectProvider",
        "iam:AddRoleToInstanceProfile",
        "iam:*",
        "iam:Put*",
        "*",
        "sso:PutPermissionsPolicy",
    ],
)
def test_changing_identities_is_a_finding_even_on_one_role(action):
    scoped = role(allow(action, f"arn:aws:iam::{ACCOUNT}:role/one"))
    assert details("IAM-2.identity-administration", {"R": scoped}) == {action}


def test_a_forced_boundary_or_policy_takes_the_danger_out():
    boundary = {"StringEquals": {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/limit"}}
    tamed = role(allow(["iam:CreateRole", "iam:PutRolePolicy"], Condition=boundary))
    assert failures("IAM-2.identity-administration", {"R": tamed}) == []
    vague = {"StringLike": {"iam:PermissionsBoundary": "*"}}
    assert failures("IAM-2.identity-administration", {"R": role(allow("iam:CreateRole", Condition=vague))})
    other = role(allow("iam:CreatePolicyVersion", Condition=boundary))
    assert failures("IAM-2.identity-administration", {"R": other})


def test_a_deny_everywhere_takes_the_right_away_and_a_boundary_is_named():
    deny = {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}
    assert failures("IAM-2.identity-administration", {"R": role(allow("iam:PutRolePolicy"), deny)}) == []
    limit = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(allow("s3:*"))}}
    resources = {"Limit": limit, "R": role(allow("iam:PutRolePolicy"), PermissionsBoundary={"Ref": "Limit"})}
    estate = from_templates({"stack": {"Resources": resources}})
    (rule,) = [each for each in iam.RULES if each.id == "IAM-2.identity-administration"]
    (finding,) = [each for each in rule.check(estate) if not each.ok]
    assert "only its permissions boundary" in finding.message


def test_a_wildcard_is_one_finding_that_names_the_worst():
    estate = from_templates({"stack": {"Resources": {"R": role(allow("iam:*"))}}})
    (rule,) = [each for each in iam.RULES if each.id == "IAM-2.identity-administration"]
    (finding,) = [each for each in rule.check(estate) if not each.ok]
    assert finding.detail == "iam:*"
    assert finding.message.startswith("may iam:PutRolePolicy on *")


@pytest.mark.parametrize(
    "action", ["kms:PutKeyPolicy", "s3:PutBucketPolicy", "lambda:AddPermission", "secretsmanager:PutResourcePolicy"]
)
def test_opening_a_resource_is_a_finding(action):
    found = {"R": role(allow(action, "arn:aws:x:us-east-1:1:thing/a"))}
    assert details("IAM-2.opens-resources", found) == {action}


def test_grants_for_services_of_aws_are_fine():
    key = "arn:aws:kms:us-east-1:1:key/k"
    ours = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert failures("IAM-2.opens-resources", {"R": role(allow("kms:CreateGrant", key, Condition=ours))}) == []
    for condition in ({"Bool": {"kms:GrantIsForAWSResource": "false"}}, {"BoolIfExists": ours["Bool"]}):
        assert failures("IAM-2.opens-resources", {"R": role(allow("kms:CreateGrant", key, Condition=condition))})
    assert failures("IAM-2.opens-resources", {"R": role(allow("kms:CreateGrant", key))})


@pytest.mark.parametrize("action", sorted(iam_primitives.TAKES_OVER))
def test_changing_code_that_runs_as_somebody_else_is_a_finding(action):
    assert details("IAM-2.takes-over-code", {"R": role(allow(action, "arn:aws:x:us-east-1:1:thing/a"))}) == {action}


def test_a_presigned_url_for_the_caller_alone_is_fine():
    own = "arn:aws:sagemaker:us-east-1:1:user-profile/d-1/${aws:PrincipalTag/studio}"
    assert failures("IAM-2.takes-over-code", {"R": role(allow("sagemaker:CreatePresignedDomainUrl", own))}) == []
    other = "arn:aws:sagemaker:us-east-1:1:user-profile/d-1/anna"
    assert failures("IAM-2.takes-over-code", {"R": role(allow("sagemaker:CreatePresignedDomainUrl", other))})


def test_every_primitive_is_an_action_aws_has_and_every_data_file_is_plausible():
    permissions = actions_of("iam_actions_permissions.json")
    assert {"iam:PutRolePolicy", "kms:CreateGrant", "s3:PutBucketPolicy"} <= permissions
    assert "iam:PassRole" not in permissions
    free = actions_of("iam_actions_without_resource.json")
    assert {"ec2:DescribeInstances", "sts:GetCallerIdentity"} <= free
    assert "s3:GetObject" not in free
    named = [*iam_primitives.TAKES_OVER, *(action for actions in iam_primitives.RUNS.values() for action in actions)]
    assert all(":" in name and "*" not in name for name in named)


def passing(target, service_="glue.amazonaws.com"):
    return allow("iam:PassRole", target, Condition={"StringEquals": {"iam:PassedToService": service_}})


JOB = role(allow("s3:GetObject", f"{BUCKET}/raw/*"), trusts=service("glue"))


def test_starting_code_under_a_role_that_may_do_more_is_a_finding_even_when_scoped():
    found = {"Job": JOB, "R": role(passing(arn("Job")), allow("glue:CreateJob", "arn:aws:glue:us-east-1:1:job/mine"))}
    assert failures("IAM-2.pass-and-run", found) == [("R", "glue:CreateJob with iam:PassRole")]


def test_passing_without_starting_and_starting_without_passing_are_fine():
    assert failures("IAM-2.pass-and-run", {"Job": JOB, "R": role(passing(arn("Job")))}) == []
    assert (
        failures("IAM-2.pass-and-run", {"Job": JOB, "R": role(allow("glue:CreateJob", "arn:aws:glue:r:1:job/a"))}) == []
    )
    elsewhere = role(passing(arn("Job"), "states.amazonaws.com"), allow("glue:CreateJob", "arn:aws:glue:r:1:job/a"))
    assert failures("IAM-2.pass-and-run", {"Job": JOB, "R": elsewhere}) == []


def test_a_role_that_gives_nothing_new_may_be_passed():
    same = role(
        passing(arn("Job")), allow("glue:CreateJob", "arn:aws:glue:r:1:job/a"), allow("s3:GetObject", f"{BUCKET}/*")
    )
    assert failures("IAM-2.pass-and-run", {"Job": JOB, "R": same}) == []


def test_a_role_nobody_can_judge_may_not_be_passed_and_run():
    stranger = f"arn:aws:iam::{ACCOUNT}:role/elsewhere"
    found = role(
        passing(stranger, "lambda.amazonaws.com"), allow("lambda:CreateFunction", "arn:aws:lambda:r:1:function:f")
    )
    assert details("IAM-2.pass-and-run", {"R": found}) == {"lambda:CreateFunction with iam:PassRole"}


def test_a_fixed_workflow_may_start_exactly_what_its_definition_says():
    task = {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync", "End": True}
    trainer = role(allow("s3:GetObject", f"{BUCKET}/raw/*"), trusts=service("sagemaker"))
    runner = role(
        passing(arn("Trainer"), "sagemaker.amazonaws.com"),
        allow(["sagemaker:CreateTrainingJob"], "arn:aws:sagemaker:r:1:training-job/flights-*"),
        trusts=service("states"),
    )
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": arn("R"), "DefinitionString": json.dumps({"StartAt": "A", "States": {"A": task}})},
    }
    assert failures("IAM-2.pass-and-run", {"Trainer": trainer, "R": runner, "M": machine}) == []
    more = policy(allow("sagemaker:CreateProcessingJob", "arn:aws:sagemaker:r:1:processing-job/flights-*"), of="R")
    found = failures("IAM-2.pass-and-run", {"Trainer": trainer, "R": runner, "M": machine, "More": more})
    assert found == [("R", "sagemaker:CreateProcessingJob with iam:PassRole")]
    person = {**runner, "Properties": {**runner["Properties"], "AssumeRolePolicyDocument": trust({"AWS": ACCOUNT})}}
    assert failures("IAM-2.pass-and-run", {"Trainer": trainer, "R": person, "M": machine})


def test_assuming_roles_by_pattern_or_an_administrator_is_a_finding():
    assert details("IAM-2.assume-any-role", {"R": role(allow("sts:AssumeRole"))}) == {"sts:AssumeRole on *"}
    anchored = role(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/mlops/*"))
    assert details("IAM-2.assume-any-role", {"R": anchored}) == {"sts:AssumeRole on a pattern of roles"}
    admin = role(allow("iam:PutRolePolicy"))
    to_admin = {"Admin": admin, "R": role(allow("sts:AssumeRole", arn("Admin")))}
    assert ("R", "sts:AssumeRole of an administrator") in failures("IAM-2.assume-any-role", to_admin)
    assert failures("IAM-2.assume-any-role", {"Job": JOB, "R": role(allow("sts:AssumeRole", arn("Job")))}) == []


def test_a_machine_may_reject_a_model_but_never_approve_it():
    package, rule = "arn:aws:sagemaker:us-east-1:1:model-package/flights/*", "IAM-2.no-self-approval"
    update = "sagemaker:UpdateModelPackage"

    def status(*values):
        return {"StringEquals": {"sagemaker:ModelApprovalStatus": list(values)}}

    assert failures(rule, {"R": role(allow(update, package))}) == [("R", update)]
    assert failures(rule, {"R": role(allow(update, package, Condition=status("Rejected", "Approved")))})
    assert failures(rule, {"R": role(allow(update, package, Condition=status("Rejected")))}) == []
    approver = role(allow(update, package), trusts=trust({"Federated": "arn:aws:iam::1:saml-provider/idp"}))
    assert failures(rule, {"R": approver}) == []


def test_a_role_is_passed_to_a_named_service_only():
    rule = "IAM-3.named-service"
    assert details(rule, {"Job": JOB, "R": role(allow("iam:PassRole", arn("Job")))}) == {"named roles"}
    assert failures(rule, {"Job": JOB, "R": role(passing(arn("Job")))}) == []
    for operator, value in (("StringLike", "*"), ("StringEqualsIfExists", "glue.amazonaws.com"), ("StringLike", "g*")):
        condition = {operator: {"iam:PassedToService": value}}
        assert failures(rule, {"Job": JOB, "R": role(allow("iam:PassRole", arn("Job"), Condition=condition))})
    assert failures(rule, {"R": role(allow("iam:*"))})


def test_a_role_is_passed_by_name_only():
    rule = "IAM-3.named-role"
    assert details(rule, {"R": role(passing("*"))}) == {"*"}
    assert details(rule, {"R": role(passing(f"arn:aws:iam::{ACCOUNT}:role/*"))}) == {"iam role/*"}
    assert details(rule, {"R": role(passing(f"arn:aws:iam::{ACCOUNT}:role/mlops/*"))}) == {"a pattern of roles"}
    excluded = {"Effect": "Allow", "Action": "iam:PassRole", "NotResource": "arn:aws:iam::1:role/a"}
    assert "NotResource" in details(rule, {"R": role(excluded)})
    assert failures(rule, {"Job": JOB, "R": role(passing(arn("Job")))}) == []
