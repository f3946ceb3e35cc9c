"""Mutants that open doors: resources that are doors, and doors in groups, roles and functions that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .model import REMOVED, Corpus, Edit, Mutant, Resource, Step

PORTS = (("ssh", 22), ("rdp", 3389), ("postgres", 5432), ("https", 443), ("jupyter", 8888), ("redis", 6379))
LEAKED = "Tr0ub4dor&3-Tr0ub4dor"
SECRETS = (("DB_PASSWORD", LEAKED), ("AWS_SECRET", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
MANAGED = (
    "AdministratorAccess",
    "PowerUserAccess",
    "IAMFullAccess",
    "AmazonSageMakerFullAccess",
    "AmazonS3FullAccess",
    "AWSKeyManagementServicePowerUser",
)
DOORS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("AWS::EC2::InternetGateway", "PUB-3", {}),
    ("AWS::EC2::NatGateway", "NET-1", {"SubnetId": "subnet-0a", "AllocationId": "eipalloc-0a"}),
    ("AWS::EC2::EIP", "PUB-3", {"Domain": "vpc"}),
    (
        "AWS::EC2::Route",
        "NET-1",
        {"RouteTableId": "rtb-0a", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-0a"},
    ),
    ("AWS::EC2::Instance", "PUB-3", {"NetworkInterfaces": [{"DeviceIndex": "0", "AssociatePublicIpAddress": True}]}),
    ("AWS::IAM::User", "IAM-6", {}),
    ("AWS::IAM::AccessKey", "IAM-6", {"UserName": "analyst"}),
    ("AWS::Lambda::Url", "PUB-3", {"TargetFunctionArn": "example", "AuthType": "NONE"}),
    ("AWS::Lambda::LayerVersionPermission", "PUB-1", {"Action": "lambda:GetLayerVersion", "Principal": "*"}),
    ("AWS::Events::EventBusPolicy", "PUB-1", {"StatementId": "all", "Action": "events:PutEvents", "Principal": "*"}),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "PUB-3", {"Scheme": "internet-facing"}),
    ("AWS::ApiGateway::Method", "PUB-3", {"AuthorizationType": "NONE", "HttpMethod": "POST"}),
    ("AWS::ApiGatewayV2::Route", "PUB-3", {"RouteKey": "POST /", "AuthorizationType": "NONE"}),
    ("AWS::RDS::DBInstance", "PUB-2", {"PubliclyAccessible": True, "StorageEncrypted": True, "KmsKeyId": "key"}),
    ("AWS::Redshift::Cluster", "PUB-2", {"PubliclyAccessible": True, "Encrypted": True, "KmsKeyId": "key"}),
    ("AWS::DMS::ReplicationInstance", "PUB-2", {"PubliclyAccessible": True, "KmsKeyId": "key"}),
    ("AWS::SageMaker::NotebookInstance", "ML-5", {"DirectInternetAccess": "Enabled", "KmsKeyId": "key"}),
    ("AWS::SageMaker::NotebookInstance", "ML-5", {"RootAccess": "Enabled", "KmsKeyId": "key", "SubnetId": "subnet-0a"}),
    ("AWS::SageMaker::Domain", "ML-5", {"AppNetworkAccessType": "PublicInternetOnly", "KmsKeyId": "key"}),
    (
        "AWS::LakeFormation::PrincipalPermissions",
        "ML-11",
        {
            "Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"},
            "Resource": {"Database": {"CatalogId": "123456789012", "Name": "lake"}},
            "Permissions": ["ALL"],
            "PermissionsWithGrantOption": [],
        },
    ),
)
"""Resources that open something by being there."""

Damage = tuple[str, str, str, tuple[Step, ...], Any]
"""Operator, property, control, path in the resource and new value."""


def mutants(corpus: Corpus) -> Iterator[Mutant]:
    """Yield the mutants that open something."""
    for template in corpus.templates:
        for index, (kind, control, values) in enumerate(DOORS):
            about = f"door {index}: {' '.join(values) or 'itself'}"
            added = {"Type": kind, "Properties": values}
            yield _mutant(kind, template, "MutantDoor", ("add", about, control, (), added))
    for template, logical_id, resource in corpus.resources():
        for damage in _INSIDE.get(resource["Type"], _nothing)(resource):
            yield _mutant(resource["Type"], template, logical_id, damage)
        yield from (_mutant("any type with tags", template, logical_id, each) for each in _tags(resource))
        if resource["Type"] == "AWS::EC2::SecurityGroup":
            yield from _rules_beside(template, logical_id)
        if resource["Type"] == "AWS::Lambda::Permission":
            yield from _strangers(template, logical_id, resource)


def _mutant(kind: str, template: str, logical_id: str, damage: Damage) -> Mutant:
    operator, about, control, path, value = damage
    return Mutant(
        operator=operator,
        type=kind,
        about=about,
        control=control,
        template=template,
        logical_id=logical_id,
        edits=(Edit(logical_id, path, value),),
    )


def _open_rules() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, port in PORTS:
        for key, cidr in (("CidrIp", "0.0.0.0/0"), ("CidrIpv6", "::/0")):
            yield f"let in {cidr}", name, {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, key: cidr}


def _group(resource: Resource) -> Iterator[Damage]:
    rules = resource["Properties"].get("SecurityGroupIngress", [])
    place = ("Properties", "SecurityGroupIngress")
    for operator, name, rule in _open_rules():
        yield operator, name, "PUB-3", place, [*rules, rule]
    for half in ("0.0.0.0/1", "128.0.0.0/1"):
        yield f"let in {half}", "all", "PUB-3", place, [*rules, {"IpProtocol": "-1", "CidrIp": half}]
    everything = [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]
    yield "let out", "everything", "NET-1", ("Properties", "SecurityGroupEgress"), everything


def _rules_beside(template: str, logical_id: str) -> Iterator[Mutant]:
    kind = "AWS::EC2::SecurityGroupIngress"
    for operator, name, rule in _open_rules():
        added = {"Type": kind, "Properties": {"GroupId": {"Ref": logical_id}, **rule}}
        yield _mutant(kind, template, "MutantIngress", (operator, name, "PUB-3", (), added))


def _role(resource: Resource) -> Iterator[Damage]:
    held = resource["Properties"].get("ManagedPolicyArns", [])
    for name in MANAGED:
        policies = [*held, f"arn:aws:iam::aws:policy/{name}"]
        yield f"attach {name}", "ManagedPolicyArns", "IAM-6", ("Properties", "ManagedPolicyArns"), policies


def _function(resource: Resource) -> Iterator[Damage]:
    for name, secret in SECRETS:
        yield "plain secret", name, "ENC-4", ("Properties", "Environment", "Variables", name), secret


def _job(resource: Resource) -> Iterator[Damage]:
    yield "plain secret", "argument", "ENC-4", ("Properties", "DefaultArguments", "--db-password"), LEAKED


def _permission(resource: Resource) -> Iterator[Damage]:
    for name in ("SourceArn", "SourceAccount", "PrincipalOrgID"):
        if name in resource["Properties"]:
            yield "drop", name, "IAM-4", ("Properties", name), REMOVED


def _strangers(template: str, logical_id: str, resource: Resource) -> Iterator[Mutant]:
    limits = [name for name in ("SourceArn", "SourceAccount", "PrincipalOrgID") if name in resource["Properties"]]
    for principal in ("*", "999988887777", "arn:aws:iam::999988887777:root"):
        yield Mutant(
            operator=f"set {principal}",
            type="AWS::Lambda::Permission",
            about="Principal",
            control="PUB-1",
            template=template,
            logical_id=logical_id,
            edits=(
                Edit(logical_id, ("Properties", "Principal"), principal),
                *(Edit(logical_id, ("Properties", name), REMOVED) for name in limits),
            ),
        )


def _tags(resource: Resource) -> Iterator[Damage]:
    tags = resource.get("Properties", {}).get("Tags")
    for index, tag in enumerate(tags if isinstance(tags, list) else []):
        if tag["Key"].startswith("mlops:"):
            yield "drop tag", tag["Key"], "OPS-2", ("Properties", "Tags", index), REMOVED


def _nothing(resource: Resource) -> Iterator[Damage]:
    yield from ()


_INSIDE: dict[str, Callable[[Resource], Iterator[Damage]]] = {
    "AWS::EC2::SecurityGroup": _group,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::Permission": _permission,
    "AWS::Glue::Job": _job,
}
