"""Small templates for the IAM rules, and what a rule says about them."""

from collections.abc import Mapping
from typing import Any

from mlops_constructs.compliance.estate import from_templates
from mlops_constructs.compliance.rules import iam, policy_conditions, resource_policies

ACCOUNT = "111122223333"
RULES = {rule.id: rule for rule in (*iam.RULES, *resource_policies.RULES, *policy_conditions.RULES)}
Resources = Mapping[str, Mapping[str, Any]]


def failures(rule: str, resources: Resources) -> list[tuple[str, str]]:
    """Return logical id and detail of each finding of a rule."""
    estate = from_templates({"stack": {"Resources": resources}}, account=ACCOUNT)
    return [(j.resource.logical_id, j.detail) for j in RULES[rule].check(estate) if not j.ok]


def passes(rule: str, resources: Resources) -> list[str]:
    """Return the logical ids a rule judged and found good."""
    estate = from_templates({"stack": {"Resources": resources}}, account=ACCOUNT)
    return [j.resource.logical_id for j in RULES[rule].check(estate) if j.ok]


def details(rule: str, resources: Resources) -> set[str]:
    """Return the details of the findings of a rule."""
    return {detail for _, detail in failures(rule, resources)}


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """Return an Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(principal: object, **more: Any) -> dict[str, Any]:
    """Return a trust policy for a principal."""
    return document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **more})


def service(name: str) -> dict[str, Any]:
    """Return a trust policy for a service that acts for this account."""
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    return trust({"Service": f"{name}.amazonaws.com"}, Condition=condition)


def role(*statements: Mapping[str, Any], trusts: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a role with one inline policy."""
    policies = [{"PolicyName": "inline", "PolicyDocument": document(*statements)}] if statements else []
    properties = {"AssumeRolePolicyDocument": trusts or service("lambda"), "Policies": policies, **more}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def policy(*statements: Mapping[str, Any], of: str) -> dict[str, Any]:
    """Return an `AWS::IAM::Policy` of a role."""
    properties = {"PolicyName": "policy", "PolicyDocument": document(*statements), "Roles": [{"Ref": of}]}
    return {"Type": "AWS::IAM::Policy", "Properties": properties}


def arn(logical_id: str) -> dict[str, Any]:
    """Return the reference to the ARN of a resource."""
    return {"Fn::GetAtt": [logical_id, "Arn"]}
