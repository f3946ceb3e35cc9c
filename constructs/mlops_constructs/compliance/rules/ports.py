"""What security groups let in and out, wherever it is written: in the group or beside it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.rules.expectations import mappings
from mlops_constructs.compliance.values import Unknown

_WIDEST = {4: 8, 6: 16}  # a public range this wide is the internet
_LARGEST_VPC = 16  # prefix length
_MANY = 1024  # ports


@dataclass(frozen=True)
class Opening:
    """One rule of a security group.

    Args:
        label: What it is about, without ids that change: `tcp 443 0.0.0.0/0`.
        source: The other side: a range, a group, a prefix list.
        ports: The ports in words.
        from_everywhere: Whether the other side is the internet.
        wide: Whether the other side is a range larger than any VPC.
        all_ports: Whether it opens every port or nearly so.
        from_itself: Whether the other side is the group itself.
        only_port: The port, if it opens a single one.
    """

    label: str
    source: str
    ports: str
    from_everywhere: bool
    wide: bool
    all_ports: bool
    from_itself: bool
    only_port: int | None


def ingress(estate: Estate) -> Iterator[tuple[Resource, list[Opening]]]:
    """Yield each resource that lets traffic in, with what it opens."""
    yield from _openings(estate, "Ingress", "Source")


def egress(estate: Estate) -> Iterator[tuple[Resource, list[Opening]]]:
    """Yield each resource that lets traffic out, with what it opens; a group without rules lets everything out."""
    yield from _openings(estate, "Egress", "Destination")


def is_internet(value: object) -> bool:
    """Whether an address range is the internet, or so much of it that it makes no difference."""
    if isinstance(value, Unknown) or not isinstance(value, str):
        return False
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return network.prefixlen == 0 or (not network.is_private and network.prefixlen <= _WIDEST[network.version])


def _is_wide(value: object) -> bool:
    try:
        network = ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        return False
    return network.version == 4 and network.prefixlen < _LARGEST_VPC


def _openings(estate: Estate, direction: str, side: str) -> Iterator[tuple[Resource, list[Opening]]]:
    for group in estate.of("AWS::EC2::SecurityGroup"):
        rules = group.get(f"SecurityGroup{direction}")
        if rules is None and direction == "Egress":
            rules = [{"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}]  # what EC2 does
        yield group, [_opening(estate, group, rule, side) for rule in mappings(rules)]
    for rule in estate.of(f"AWS::EC2::SecurityGroup{direction}"):
        owner = estate.find(rule.get("GroupId"), "AWS::EC2::SecurityGroup")
        yield rule, [_opening(estate, owner, rule.properties, side)]


def _opening(estate: Estate, owner: Resource | None, rule: Mapping[str, Any], side: str) -> Opening:
    range_ = rule.get("CidrIp") or rule.get("CidrIpv6")
    group = rule.get(f"{side}SecurityGroupId") or rule.get(f"{side}SecurityGroupName")
    protocol = str(rule.get("IpProtocol", "-1")).lower()
    first, last = _port(rule.get("FromPort")), _port(rule.get("ToPort"))
    every = protocol in ("-1", "all") or (protocol in ("tcp", "udp", "6", "17") and last - first >= _MANY)
    found = estate.find(group, "AWS::EC2::SecurityGroup")
    source = str(range_ or (found.logical_id if found else group or rule.get(f"{side}PrefixListId")))
    ports = f"every port of {protocol}" if every else f"{protocol} {first}" + (f"-{last}" if last != first else "")
    label = f"{protocol} {first}-{last} {range_ or ('itself' if found and found is owner else 'group')}"
    return Opening(
        label=label,
        source=source,
        ports=ports,
        from_everywhere=is_internet(range_),
        wide=_is_wide(range_),
        all_ports=every,
        from_itself=found is not None and found is owner,
        only_port=first if first == last and not every else None,
    )


def _port(value: object) -> int:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else -1
