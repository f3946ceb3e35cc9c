"""PUB-2 and PUB-3: no data in public, no address, port or interface open to everybody."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

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


_rule = partial(Rule, phase=Phase.INITIAL)
_critical = partial(_rule, severity=Severity.CRITICAL, waivable_in_prod=False)


RULES: tuple[Rule, ...] = (
    _critical(
        id="PUB-2.public-access-block",
        title="Buckets, access points and policies of secrets refuse whatever would make them public",
        rationale="One wrong ACL or policy publishes the data; the block refuses both.",
        remedy="Set all four: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets to true.",
        check=check("PUB-2.public-access-block"),
    ),
    _critical(
        id="PUB-2.not-public",
        title="Databases, brokers, buckets and services have no public side",
        rationale="A public database is found by scanners within hours.",
        remedy="Set the property named to the value expected and reach it through the VPC.",
        check=check("PUB-2.not-public"),
    ),
    _rule(
        id="PUB-2.bucket-owner-enforced",
        title="Access control lists are off: the bucket's owner owns every object",
        rationale="Lists grant access that no policy shows.",
        remedy="Set OwnershipControls to BucketOwnerEnforced.",
        severity=Severity.MEDIUM,
        check=check("PUB-2.bucket-owner-enforced"),
    ),
    _rule(
        id="PUB-2.public-by-nature",
        title="No public repository, no elastic address",
        rationale="These exist only to be reached from the internet.",
        remedy="Use a private repository, and interface endpoints instead of addresses.",
        severity=Severity.HIGH,
        check=_by_nature,
    ),
    _rule(
        id="PUB-3.no-public-address",
        title="Machines, tasks and load balancers get no public address",
        rationale="What has a public address is one wrong security group away from the internet.",
        remedy="Set the property named to the value expected.",
        severity=Severity.HIGH,
        check=check("PUB-3.no-public-address"),
    ),
    _critical(
        id="PUB-3.open-ingress",
        title="No security group lets the whole internet in",
        rationale="A port open to everybody is attacked at once.",
        remedy="Name a security group or a range of your own as the source.",
        check=_open_ingress,
    ),
    _rule(
        id="PUB-3.wide-ingress",
        title="No security group opens every port, but to itself, or lets in more than a VPC",
        rationale="Every port, and every machine of a large range, includes those nobody thought of.",
        remedy="Name the ports that are used, and a group or a range of a VPC as the source.",
        severity=Severity.MEDIUM,
        check=_wide_ingress,
    ),
    _rule(
        id="PUB-3.open-network-acl",
        title="No network ACL lets the whole internet in on every port",
        rationale="It takes the second fence away.",
        remedy="Name ports and ranges.",
        severity=Severity.HIGH,
        check=_network_acls,
    ),
    _rule(
        id="PUB-3.cluster-endpoint",
        title="The API of a Kubernetes cluster does not answer the whole internet",
        rationale="Everything in the cluster is steered from there.",
        remedy="Set EndpointPublicAccess: false, or name ranges in PublicAccessCidrs.",
        severity=Severity.HIGH,
        check=_cluster_endpoints,
    ),
    _rule(
        id="PUB-3.authorised",
        title="Interfaces on the internet ask who calls",
        rationale="Without authorisation whoever knows the address may call.",
        remedy="Authorise with IAM, a user pool or an authoriser.",
        severity=Severity.HIGH,
        check=check("PUB-3.authorised"),
    ),
)
