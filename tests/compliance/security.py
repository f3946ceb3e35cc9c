"""Security promises of every template, as functions that return what breaks them, so that mutants can prove them."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.assembly import Template

Properties = dict[str, Any]
Finding = str

# Property that names our key, by resource type; a dotted path.
KEY_PROPERTY = {
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::DynamoDB::Table": "SSESpecification.KMSMasterKeyId",
    "AWS::Events::EventBus": "KmsKeyIdentifier",
    "AWS::Events::Archive": "KmsKeyIdentifier",
    "AWS::StepFunctions::StateMachine": "EncryptionConfiguration.KmsKeyId",
    "AWS::Lambda::Function": "KmsKeyArn",
}
STATEFUL_TYPES = (
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::DynamoDB::Table",
    "AWS::DynamoDB::GlobalTable",
    "AWS::Glue::Database",
    "AWS::SageMaker::ModelPackageGroup",
)
LOG_DELIVERY = "logging.s3.amazonaws.com"
# KMS actions that never touch data, so that whoever holds them alone can read nothing.
KEY_ADMINISTRATION = {
    *("CancelKeyDeletion", "CreateAlias", "DeleteAlias", "DescribeKey", "DisableKey", "DisableKeyRotation"),
    *("EnableKey", "EnableKeyRotation", "GetKeyPolicy", "GetKeyRotationStatus", "ListGrants", "ListKeyPolicies"),
    *("ListKeyRotations", "ListResourceTags", "PutKeyPolicy", "ReplicateKey", "RevokeGrant", "RotateKeyOnDemand"),
    *("ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription"),
    "UpdatePrimaryRegion",
}


def roles_have_boundary_and_path(template: Template) -> Iterator[Finding]:
    """Every role is capped by the permissions boundary and lives under the environment's path."""
    for name, properties in _of(template, "AWS::IAM::Role"):
        boundary = properties.get("PermissionsBoundary")
        if not boundary or "boundary" not in str(boundary).lower():
            yield f"{name} has no permissions boundary"
        if not re.fullmatch(r"/mlops/[a-z0-9-]+/", str(properties.get("Path"))):
            yield f"{name} is not under /mlops/<environment>/"


def data_is_encrypted_with_our_key(template: Template) -> Iterator[Finding]:
    """Queues, topics, logs, tables, buses and workflows name a key that is ours, not the service's."""
    for kind, path in KEY_PROPERTY.items():
        for name, properties in _of(template, kind):
            keys = list(_at(properties, path.split(".")))
            if not keys or not all(isinstance(key, dict) or ":key/" in key for key in keys):
                yield f"{name} is not encrypted with our key ({path})"
            if kind == "AWS::DynamoDB::Table" and properties["SSESpecification"].get("SSEEnabled") is not True:
                yield f"{name} names a key but does not use it (SSESpecification.SSEEnabled)"


def buckets_are_encrypted_with_our_key(template: Template) -> Iterator[Finding]:
    """Buckets use our key; only the one S3 writes access logs to cannot: S3 refuses to deliver there."""
    receivers = set(_log_receivers(template))
    for name, properties in _of(template, "AWS::S3::Bucket"):
        rules = list(_at(properties, ["BucketEncryption", "ServerSideEncryptionConfiguration", "*"]))
        defaults = [rule["ServerSideEncryptionByDefault"] for rule in rules]
        ours = [d for d in defaults if d["SSEAlgorithm"] == "aws:kms" and isinstance(d.get("KMSMasterKeyID"), dict)]
        if not ours and not (name in receivers and defaults):
            yield f"{name} is not encrypted with our key"


def buckets_are_closed(template: Template) -> Iterator[Finding]:
    """Buckets block public access, keep versions and refuse requests without TLS."""
    wanted = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    tls = {_reference(p["Bucket"]) for _, p in _of(template, "AWS::S3::BucketPolicy") if _denies_plain_http(p)}
    for name, properties in _of(template, "AWS::S3::Bucket"):
        block = properties.get("PublicAccessBlockConfiguration", {})
        if not all(block.get(each) is True for each in wanted):
            yield f"{name} does not block public access"
        if properties.get("VersioningConfiguration") != {"Status": "Enabled"}:
            yield f"{name} does not keep versions"
        if name not in tls:
            yield f"{name} answers requests without TLS"


def keys_rotate(template: Template) -> Iterator[Finding]:
    """Our keys get new material every year."""
    for name, properties in _of(template, "AWS::KMS::Key"):
        if properties.get("EnableKeyRotation") is not True:
            yield f"{name} is not rotated"


def key_policies_separate_and_bound(template: Template) -> Iterator[Finding]:
    """Administering a key is not using it, and what a service or role may do with it is bound by a condition."""
    for name, properties in _of(template, "AWS::KMS::Key"):
        for statement in properties["KeyPolicy"]["Statement"]:
            actions = {action.removeprefix("kms:") for action in _list(statement["Action"])}
            if any(action.endswith("*") for action in actions):
                yield f"{name} allows {', '.join(sorted(actions))}"
            used = actions - KEY_ADMINISTRATION
            if used and "Condition" not in statement:
                yield f"{name} lets {statement['Principal']} do {', '.join(sorted(used))} in every context"
            if used and actions - used - {"DescribeKey"}:
                yield f"{name} lets {statement['Principal']} both use and administer it"


def policies_name_their_actions(template: Template) -> Iterator[Finding]:
    """No role may do `service:*` or everything but something."""
    for name, statement in _statements(template):
        if statement["Effect"] != "Allow":
            continue
        wild = [action for action in _list(statement.get("Action")) if action.endswith("*")]
        if wild or "NotAction" in statement or "NotResource" in statement:
            yield f"{name} allows {', '.join(wild) or 'by exclusion'}"


def nobody_else_is_trusted(template: Template) -> Iterator[Finding]:
    """Trust and resource policies name services, our account or our roles; never everyone, never another account."""
    for name, properties in _of(template, "AWS::IAM::Role"):
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
            # People come through the account's identity provider, under the conditions their personas demand.
            expected = {"Service"} | ({"Federated"} if "Condition" in statement else set())
            if statement["Effect"] == "Allow" and set(statement["Principal"]) - expected:
                yield f"{name} can be assumed by {statement['Principal']}"
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::EC2::VPCEndpoint":
            continue  # its policy opens no resource, it narrows what the network may reach
        for statement in _resource_policy(resource.get("Properties", {})):
            if (
                statement["Effect"] == "Allow"
                and _is_foreign(statement.get("Principal"))
                and "Condition" not in statement
            ):
                yield f"{name} lets {statement.get('Principal')} in"


def failed_deliveries_are_kept(template: Template) -> Iterator[Finding]:
    """Every target of every rule has a dead letter queue."""
    for name, properties in _of(template, "AWS::Events::Rule"):
        for target in properties.get("Targets", []):
            if not target.get("DeadLetterConfig", {}).get("Arn"):
                yield f"{name} loses what target {target['Id']} refuses"


def network_has_no_way_out(template: Template) -> Iterator[Finding]:
    """No internet or NAT gateway, no address that is public, no security group open to the world."""
    for kind in (
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::EIP",
        "AWS::EC2::EgressOnlyInternetGateway",
    ):
        yield from (f"{name} is a way to the internet" for name, _ in _of(template, kind))
    for name, properties in _of(template, "AWS::EC2::Subnet"):
        if properties.get("MapPublicIpOnLaunch"):
            yield f"{name} hands out public addresses"
    rules = [(n, r) for n, p in _of(template, "AWS::EC2::SecurityGroup") for r in p.get("SecurityGroupIngress", [])]
    for name, rule in [*rules, *_of(template, "AWS::EC2::SecurityGroupIngress")]:
        if rule.get("CidrIp") == "0.0.0.0/0" or rule.get("CidrIpv6") == "::/0":
            yield f"{name} lets the whole internet in"


def state_survives_its_stack(template: Template) -> Iterator[Finding]:
    """In staging and prod, what holds data is retained when its stack is deleted or it is replaced."""
    for name, resource in template["Resources"].items():
        kept = resource.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")
        if resource["Type"] in STATEFUL_TYPES and not (kept and resource.get("UpdateReplacePolicy") == "Retain"):
            yield f"{name} would be deleted with its stack"


RULES: tuple[Callable[[Template], Iterator[Finding]], ...] = (
    roles_have_boundary_and_path,
    data_is_encrypted_with_our_key,
    buckets_are_encrypted_with_our_key,
    buckets_are_closed,
    keys_rotate,
    key_policies_separate_and_bound,
    policies_name_their_actions,
    nobody_else_is_trusted,
    failed_deliveries_are_kept,
    network_has_no_way_out,
)
GUARDED_RULES = (*RULES, state_survives_its_stack)
"""Rules of staging and prod."""


def _of(template: Template, kind: str) -> Iterator[tuple[str, Properties]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif path[0] == "*":
        for item in value if isinstance(value, list) else []:
            yield from _at(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _reference(value: Any) -> str:
    return str(value.get("Ref")) if isinstance(value, dict) else str(value)


def _statements(template: Template) -> Iterator[tuple[str, Properties]]:
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"):
        for name, properties in _of(template, kind):
            # The boundary grants nothing: it is the ceiling under which policies grant.
            if "Boundary" not in name:
                yield from ((name, statement) for statement in properties["PolicyDocument"]["Statement"])
    for name, properties in _of(template, "AWS::IAM::Role"):
        for policy in properties.get("Policies", []):
            yield from ((name, statement) for statement in policy["PolicyDocument"]["Statement"])


def _resource_policy(properties: Properties) -> list[Properties]:
    documents = [properties.get(key) for key in ("PolicyDocument", "KeyPolicy", "ResourcePolicy", "Policy")]
    found = [s for d in documents if isinstance(d, dict) for s in _list(d.get("Statement"))]
    return [statement for statement in found if isinstance(statement, dict) and "Principal" in statement]


def _is_foreign(principal: Any) -> bool:
    if principal == "*" or (isinstance(principal, dict) and "*" in _list(principal.get("AWS"))):
        return True
    accounts = re.findall(r"\b\d{12}\b", str(principal))
    return len(set(accounts)) > 1


def _denies_plain_http(policy: Properties) -> bool:
    return any(
        statement["Effect"] == "Deny"
        and statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") == "false"
        and statement.get("Action") == "s3:*"
        for statement in policy["PolicyDocument"]["Statement"]
    )


def _log_receivers(template: Template) -> Iterator[str]:
    for _, properties in _of(template, "AWS::S3::BucketPolicy"):
        if any(
            s["Principal"] == {"Service": LOG_DELIVERY} for s in _resource_policy(properties) if s["Effect"] == "Allow"
        ):
            yield _reference(properties["Bucket"])
