"""Rules of security groups as resources of their own: CDK makes them when groups refer to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from ..runtime import Created, Runtime

_RANGE = {
    "CidrIp": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
    "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
}


def register(runtime: Runtime) -> None:
    """Registers `AWS::EC2::SecurityGroupIngress` and `AWS::EC2::SecurityGroupEgress`."""
    for direction in ("ingress", "egress"):
        _register(runtime, direction)


def _register(runtime: Runtime, direction: str) -> None:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
        answer = getattr(runtime.client("ec2"), f"authorize_security_group_{direction}")(
            GroupId=properties["GroupId"], IpPermissions=[permission(properties)]
        )
        rules = answer.get("SecurityGroupRules", [])
        physical_id = rules[0]["SecurityGroupRuleId"] if rules else f"{properties['GroupId']}|{direction}|{logical_id}"
        return physical_id, {"Id": physical_id}

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Created:
        raise ValueError("every change of a security group rule replaces it")

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        try:
            getattr(runtime.client("ec2"), f"revoke_security_group_{direction}")(
                GroupId=properties["GroupId"], IpPermissions=[permission(properties)]
            )
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise

    runtime.register_cfn_type(
        f"AWS::EC2::SecurityGroup{direction.capitalize()}", create, update, delete, lambda old, new: old != new
    )


def permission(properties: dict[str, Any]) -> dict[str, Any]:
    """A rule's properties as one `IpPermission`."""
    rule: dict[str, Any] = {"IpProtocol": str(properties.get("IpProtocol", "-1"))}
    for name in ("FromPort", "ToPort"):
        if properties.get(name) is not None:
            rule[name] = int(properties[name])
    for name, (container, member) in _RANGE.items():
        if properties.get(name):
            entry = {member: properties[name]}
            if properties.get("Description"):
                entry["Description"] = properties["Description"]
            rule[container] = [entry]
    return rule
