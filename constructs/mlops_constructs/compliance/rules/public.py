"""PUB-2 and PUB-3: no data in public, no address, port or interface open to everybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.expectations import check
from mlops_constructs.compliance.rules.ports import Opening, ingress

_PUBLIC_BY_NATURE = {
    "AWS::ECR::PublicRepository": "anybody can pull its images",
    "AWS::EC2::EIP": "a public address is set aside for a machine",
    "AWS::Lightsail::StaticIp": "a public address is set aside for a machine",
}


def _by_nature(estate: Estate) -> Iterator[Judgement]:
    for kind, meaning in _PUBLIC_BY_NATURE.items():
        for resource in estate.of(kind):
            yield Judgement(resource, False, "", meaning)


def _open_ingress(estate: Estate) -> Iterator[Judgement]:
    for resource, openings in ingress(estate):
        found = [opening for opening in openings if opening.from_everywhere]
        yield from _judged(resource, openings, found, "lets the whole internet in on {ports}")


def _wide_ingress(estate: Estate) -> Iterator[Judgement]:
    for resource, openings in ingress(estate):
        found = [opening for opening in openings if opening.wide or (opening.all_ports and not opening.from_itself)]
        yield from _judged(resource, openings, found, "lets {source} in on {ports}")


def _judged(resource: Resource, openings: list[Opening], found: list[Opening], words: str) -> Iterator[Judgement]:
    for opening in openings:
        ok = opening not in found
        message = words.format(ports=opening.ports, source=opening.source)
        yield Judgement(resource, ok, opening.label, "" if ok else message)


def _network_acls(estate: Estate) -> Iterator[Judgement]:
    for entry in estate.of("AWS::EC2::NetworkAclEntry"):
        if entry.get("Egress") in (True, "true") or entry.get("RuleAction") != "allow":
            continue
        world = entry.get("CidrBlock") == "0.0.0.0/0" or entry.get("Ipv6CidrBlock") == "::/0"
        every = str(entry.get("Protocol")) == "-1"
        yield Judgement(entry, not (world and every), "", "lets the whole internet in on every port" if world else "")


def _cluster_endpoints(estate: Estate) -> Iterator[Judgement]:
    for cluster in estate.of("AWS::EKS::Cluster"):
        ok = "0.0.0.0/0" not in cluster.values("ResourcesVpcConfig.PublicAccessCidrs.*")
        yield Judgement(cluster, ok, "PublicAccessCidrs", "" if ok else "its API answers the whole internet")


def _rule(id: str, title: str, rationale: str, remedy: str, severity: Severity, judge: Any) -> Rule:
    return Rule(
        id=id,
        title=title,
        rationale=rationale,
        remedy=remedy,
        severity=severity,
        phase=Phase.INITIAL,
        check=judge,
        waivable_in_prod=severity is not Severity.CRITICAL,
    )


RULES: tuple[Rule, ...] = (
    _rule(
        "PUB-2.public-access-block",
        "Buckets, access points and policies of secrets refuse whatever would make them public",
        "One wrong ACL or policy publishes the data; the block refuses both.",
        "Set all four: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets to true.",
        Severity.CRITICAL,
        check("PUB-2.public-access-block"),
    ),
    _rule(
        "PUB-2.not-public",
        "Databases, brokers, buckets and services have no public side",
        "A public database is found by scanners within hours.",
        "Set the property named to the value expected and reach it through the VPC.",
        Severity.CRITICAL,
        check("PUB-2.not-public"),
    ),
    _rule(
        "PUB-2.bucket-owner-enforced",
        "Access control lists are off: the bucket's owner owns every object",
        "Lists grant access that no policy shows.",
        "Set OwnershipControls to BucketOwnerEnforced.",
        Severity.MEDIUM,
        check("PUB-2.bucket-owner-enforced"),
    ),
    _rule(
        "PUB-2.public-by-nature",
        "No public repository, no elastic address",
        "These exist only to be reached from the internet.",
        "Use a private repository, and interface endpoints instead of addresses.",
        Severity.HIGH,
        _by_nature,
    ),
    _rule(
        "PUB-3.no-public-address",
        "Machines, tasks and load balancers get no public address",
        "What has a public address is one wrong security group away from the internet.",
        "Set the property named to the value expected.",
        Severity.HIGH,
        check("PUB-3.no-public-address"),
    ),
    _rule(
        "PUB-3.open-ingress",
        "No security group lets the whole internet in",
        "A port open to everybody is attacked at once.",
        "Name a security group or a range of your own as the source.",
        Severity.CRITICAL,
        _open_ingress,
    ),
    _rule(
        "PUB-3.wide-ingress",
        "No security group opens every port, but to itself, or lets in more than a VPC",
        "Every port, and every machine of a large range, includes those nobody thought of.",
        "Name the ports that are used, and a group or a range of a VPC as the source.",
        Severity.MEDIUM,
        _wide_ingress,
    ),
    _rule(
        "PUB-3.open-network-acl",
        "No network ACL lets the whole internet in on every port",
        "It takes the second fence away.",
        "Name ports and ranges.",
        Severity.HIGH,
        _network_acls,
    ),
    _rule(
        "PUB-3.cluster-endpoint",
        "The API of a Kubernetes cluster does not answer the whole internet",
        "Everything in the cluster is steered from there.",
        "Set EndpointPublicAccess: false, or name ranges in PublicAccessCidrs.",
        Severity.HIGH,
        _cluster_endpoints,
    ),
    _rule(
        "PUB-3.authorised",
        "Interfaces on the internet ask who calls",
        "Without authorisation whoever knows the address may call.",
        "Authorise with IAM, a user pool or an authoriser.",
        Severity.HIGH,
        check("PUB-3.authorised"),
    ),
)
