"""What the identity policies of an environment grant, by role: attached policies, policies of the role itself."""

from __future__ import annotations

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.policy import Statement, parse, texts

ROLE = "AWS::IAM::Role"
ATTACHED = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")


def granted(estate: Estate) -> dict[str, tuple[Statement, ...]]:
    """Statements by the path of the role that holds them, denies included.

    A managed policy whose text is in none of the templates grants nothing here; rules speak of those.
    """
    found: dict[str, list[Statement]] = {role.path: _own(estate, role) for role in estate.of(ROLE)}
    for policy in estate.of(*ATTACHED):
        for name in (*texts(policy.get("Roles")), *texts(policy.get("RoleName"))):
            role = estate.find(name, ROLE)
            if role is not None:
                found[role.path] += parse(policy.get("PolicyDocument"))
    return {path: tuple(statements) for path, statements in found.items()}


def _own(estate: Estate, role: Resource) -> list[Statement]:
    statements = [each for document in role.values("Policies.*.PolicyDocument") for each in parse(document)]
    for arn in texts(role.get("ManagedPolicyArns")):
        policy = estate.find(arn, "AWS::IAM::ManagedPolicy")
        if policy is not None:
            statements += parse(policy.get("PolicyDocument"))
    return statements
