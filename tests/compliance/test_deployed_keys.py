"""CloudFormation's role may use each key through every service that encrypts a resource of our templates with it.

A key policy that forgets a service lets everything synthesize and fails the deployment: the service calls KMS in the
name of the role that creates the resource, and gets AccessDenied.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from mlops_constructs.governance.key_policy import USE
from tests.assembly import Assembly, Resource, Template
from tests.definitions import resolve

SERVICES = {
    # CreateWorkGroup asks for no key in AWS's guide, but its CloudFormation handler declares Decrypt, GenerateDataKey.
    "AWS::Athena::WorkGroup": "athena",
    "AWS::DynamoDB::Table": "dynamodb",
    "AWS::Events::Archive": "events",
    "AWS::Events::EventBus": "events",
    "AWS::Glue::SecurityConfiguration": "glue",
    "AWS::Lambda::Function": "lambda",
    "AWS::Logs::LogGroup": "logs",
    "AWS::SNS::Topic": "sns",
    "AWS::SQS::Queue": "sqs",
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html: Scheduler encrypts the target's input
    # as whoever creates the schedule and decrypts it as the schedule's role; it takes no grant and is no principal.
    "AWS::Scheduler::Schedule": "scheduler",
    "AWS::StepFunctions::StateMachine": "states",
}
"""Through which service whoever creates a resource uses its key. Review AWS's page on the type before you add one."""

UNUSED = {
    "AWS::CloudTrail::Trail": "CloudTrail encrypts as itself, by statements of its own (`allow_trail_encryption`).",
    "AWS::Config::DeliveryChannel": "AWS Config delivers as itself, by its own statement (`allow_config_delivery`).",
    "AWS::Events::Rule": "The pattern of an alert names the keys it watches over.",
    "AWS::IAM::ManagedPolicy": "Permissions name keys.",
    "AWS::IAM::Policy": "Permissions name keys.",
    "AWS::S3::Bucket": "The default of objects that others write; S3 does not touch the key before.",
    "AWS::SSM::Parameter": "The contract publishes ARNs of keys.",
}
"""Types that name a key which nobody uses when the resource is created, and why."""


@dataclass(frozen=True)
class Need:
    """A resource that names a key."""

    environment: str
    stack: str
    resource: str
    type: str
    key: str
    """Logical id of the key in the foundation stack."""


def keys_named(node: Any, template: Template, exports: dict[str, str]) -> Iterator[str]:
    """Yield logical ids of the keys that a property refers to, in this stack or by import."""
    if isinstance(node, list):
        for item in node:
            yield from keys_named(item, template, exports)
    if not isinstance(node, dict):
        return
    match node:
        case {"Ref": name} | {"Fn::GetAtt": [name, _]} if _is_key(name, template):
            yield name
        case {"Fn::ImportValue": str(name)} if name in exports:
            yield exports[name]
        case _:
            for item in node.values():
                yield from keys_named(item, template, exports)


def needs(templates: dict[str, Template], environment: str) -> list[Need]:
    """Return every resource of an environment that names one of its keys, once per key; the keys themselves aside."""
    exports = {
        output["Export"]["Name"]: key
        for template in templates.values()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
        for key in keys_named(output["Value"], template, {})
    }
    return [
        Need(environment, stack, logical_id, resource["Type"], key)
        for stack, template in templates.items()
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] != "AWS::KMS::Key"
        for key in sorted(set(keys_named(resource.get("Properties", {}), template, exports)))
    ]


def unreviewed(found: list[Need]) -> list[str]:
    """Return the resource types nobody has decided about."""
    return sorted({need.type for need in found} - set(SERVICES) - set(UNUSED))


def refused(found: list[Need], templates: dict[str, Template], region: str, deployer: str) -> list[str]:
    """Return the resources that the deploying role could not create, for want of a service in the key's policy."""
    keys = templates["foundation"]["Resources"]
    services = {key: _services(keys[key], templates["foundation"], deployer) for key in {need.key for need in found}}
    return [
        f"{need.environment}/{need.stack} {need.resource}: {need.key} lacks {service}"
        for need in found
        if need.type in SERVICES
        and (service := f"{SERVICES[need.type]}.{region}.amazonaws.com") not in services[need.key]
    ]


def _is_key(name: str, template: Template) -> bool:
    return bool(template["Resources"].get(name, {}).get("Type") == "AWS::KMS::Key")


def _services(key: Resource, template: Template, deployer: str) -> set[str]:
    """Through what a role may fully use a key, by the statements that hold for it."""
    found: set[str] = set()
    for statement in resolve(key["Properties"]["KeyPolicy"]["Statement"], template):
        condition = statement.get("Condition", {})
        through = condition.get("StringEquals", {}).get("kms:ViaService", [])
        held_by = condition.get("ArnLike", {}).get("aws:PrincipalArn", [])
        actions = {*USE, "kms:CreateGrant"}
        if statement["Effect"] == "Allow" and deployer in _list(held_by) and actions <= set(statement["Action"]):
            found.update(_list(through))
    return found


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


@pytest.fixture(params=["local", "dev", "staging", "prod"])
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def deployer_of(templates: dict[str, Template], account: str, region: str) -> str:
    """The role that CloudFormation creates resources in, as `cdk bootstrap` names it."""
    version = templates["foundation"]["Parameters"]["BootstrapVersion"]["Default"]
    qualifier = version.removeprefix("/cdk-bootstrap/").removesuffix("/version")
    return f"arn:aws:iam::{account}:role/cdk-{qualifier}-cfn-exec-role-{account}-{region}"


def place(assembly: Assembly, environment: str) -> tuple[str, str]:
    """Account and region of an environment."""
    manifest = json.loads((assembly.folder / f"assembly-{environment}" / "manifest.json").read_text())
    (where, *_) = [a["environment"] for a in manifest["artifacts"].values() if "environment" in a]
    account, region = where.removeprefix("aws://").split("/")
    return account, region


def test_every_type_that_names_a_key_is_reviewed(assembly: Assembly, environment: str) -> None:
    found = needs(assembly.templates[environment], environment)
    assert len({need.key for need in found}) == 5, "there are five keys: the test overlooks some"
    assert unreviewed(found) == [], "look up which service uses the key when it is created, and say it in SERVICES"


def test_the_deploying_role_may_use_each_key_through_the_services_that_encrypt(
    assembly: Assembly, environment: str
) -> None:
    templates = assembly.templates[environment]
    account, region = place(assembly, environment)
    found = needs(templates, environment)
    assert {need.type for need in found} >= set(SERVICES), "a type of the table is in no template: take it out"
    assert refused(found, templates, region, deployer_of(templates, account, region)) == []


def test_a_type_or_a_service_that_is_missing_is_found() -> None:
    def templates(service: str) -> dict[str, Template]:
        condition = {"StringEquals": {"kms:ViaService": [service]}, "ArnLike": {"aws:PrincipalArn": ["deployer"]}}
        statement = {"Effect": "Allow", "Action": [*USE, "kms:CreateGrant"], "Condition": condition}
        key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": [statement]}}}
        output = {"Value": {"Fn::GetAtt": ["K", "Arn"]}, "Export": {"Name": "key"}}
        schedule = {"Type": "AWS::Scheduler::Schedule", "Properties": {"KmsKeyArn": {"Fn::ImportValue": "key"}}}
        stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"Encryption": [{"KeyId": {"Ref": "K"}}]}}
        return {
            "foundation": {"Resources": {"K": key, "Stream": stream}, "Outputs": {"Key": output}},
            "monitoring": {"Resources": {"Schedule": schedule}},
        }

    without, with_it = templates("states.eu-west-1.amazonaws.com"), templates("scheduler.eu-west-1.amazonaws.com")
    found = needs(without, "test")
    assert [(need.resource, need.key) for need in found] == [("Stream", "K"), ("Schedule", "K")]
    assert unreviewed(found) == ["AWS::Kinesis::Stream"]
    lines = refused(found, without, "eu-west-1", "deployer")
    assert lines == ["test/monitoring Schedule: K lacks scheduler.eu-west-1.amazonaws.com"]
    assert refused(found, with_it, "eu-west-1", "deployer") == []
    assert refused(found, with_it, "eu-west-1", "another role") != []
