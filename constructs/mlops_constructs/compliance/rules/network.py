"""NET-1 and NET-2: compute in private subnets, no way to the internet, endpoints and traffic under control."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.policy import Statement, parse
from mlops_constructs.compliance.rule import Check, Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.expectations import check
from mlops_constructs.compliance.rules.ports import egress, is_internet
from mlops_constructs.compliance.values import Unknown

_DOORS = {
    "AWS::EC2::InternetGateway": "a door from the VPC to the internet",
    "AWS::EC2::EgressOnlyInternetGateway": "a door from the VPC to the internet",
    "AWS::EC2::NatGateway": "a way for private subnets to the internet",
    "AWS::EC2::CarrierGateway": "a door from the VPC to a carrier's network",
}
_TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "EgressOnlyInternetGatewayId",
    "InstanceId",
    "NetworkInterfaceId",
    "CarrierGatewayId",
)
_WHOSE = ("aws:principalaccount", "aws:principalorgid", "aws:resourceaccount", "aws:resourceorgid", "aws:principalarn")
_ONLY_GATEWAYS = ("Gateway", "Interface")
_HTTPS = 443


def _doors(estate: Estate) -> Iterator[Judgement]:
    for kind, meaning in _DOORS.items():
        for door in estate.of(kind):
            yield Judgement(door, False, "", f"{door.logical_id} is {meaning}")
    for attachment in estate.of("AWS::EC2::VPCGatewayAttachment"):
        ok = attachment.get("InternetGatewayId") is None
        yield Judgement(attachment, ok, "InternetGatewayId", "" if ok else "an internet gateway is attached to the VPC")
    for peering in estate.of("AWS::EC2::VPCPeeringConnection"):
        owner = peering.get("PeerOwnerId", estate.account)
        ok = owner == estate.account
        yield Judgement(peering, ok, "PeerOwnerId", "" if ok else f"the VPC is joined to one of account {owner}")


def _routes(estate: Estate) -> Iterator[Judgement]:
    for route in estate.of("AWS::EC2::Route"):
        target = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        ok = not (is_internet(target) and any(route.get(name) is not None for name in _TARGETS))
        yield Judgement(route, ok, str(target), "" if ok else f"routes {target}, the internet, out of the VPC")


def _egress(estate: Estate) -> Iterator[Judgement]:
    leaves_vpc = any(not judged.ok for judged in (*_doors(estate), *_routes(estate)))
    for resource, openings in egress(estate):
        for opening in openings:
            world = opening.from_everywhere
            # Without a route out, 443 to anywhere ends at the endpoints of the VPC.
            narrow = opening.only_port == _HTTPS and not leaves_vpc
            ok = (not world or narrow) and (not opening.all_ports or opening.from_itself or not world)
            message = f"lets traffic out to {opening.source} on {opening.ports}"
            yield Judgement(resource, ok, opening.label, "" if ok else message)


def _endpoint_policies(estate: Estate) -> Iterator[Judgement]:
    for endpoint in estate.of("AWS::EC2::VPCEndpoint"):
        if endpoint.get("VpcEndpointType", "Gateway") not in _ONLY_GATEWAYS:
            continue
        document = endpoint.get("PolicyDocument")
        open_ = [statement for statement in parse(document) if statement.allows and not _narrow(statement)]
        ok = isinstance(document, Unknown) or (bool(parse(document)) and not open_)
        problem = "has no policy" if not parse(document) else "lets everybody use it for everything"
        yield Judgement(endpoint, ok, "PolicyDocument", "" if ok else f"the endpoint {problem}")


def _narrow(statement: Statement) -> bool:
    if any(condition.key in _WHOSE and condition.narrows for condition in statement.conditions):
        return True
    named = [p for p in statement.principals if p.value != "*" and p.kind == "AWS"]
    whole = {"*", "arn:aws:s3:::*"}
    return (bool(named) and len(named) == len(statement.principals)) or not (
        whole & set(statement.resources) or not statement.resources or "*" in statement.actions
    )


def _watched(kind: str, attribute: str, words: str) -> Check:
    def judge(estate: Estate) -> Iterator[Judgement]:
        watched = [estate.find(each.get(attribute), "AWS::EC2::VPC") for each in estate.of(kind)]
        for vpc in estate.of("AWS::EC2::VPC"):
            ok = any(each is vpc for each in watched)
            yield Judgement(vpc, ok, "", "" if ok else words)

    return judge


def _flow_logs(estate: Estate) -> Iterator[Judgement]:
    logs = [log for log in estate.of("AWS::EC2::FlowLog") if log.get("ResourceType") == "VPC" and _delivers(log)]
    watched = [estate.find(log.get("ResourceId"), "AWS::EC2::VPC") for log in logs]
    for vpc in estate.of("AWS::EC2::VPC"):
        ok = any(each is vpc for each in watched)
        yield Judgement(vpc, ok, "", "" if ok else "no flow log records the traffic of the VPC")


def _delivers(log: Resource) -> bool:
    if log.get("LogDestinationType", "cloud-watch-logs") == "cloud-watch-logs" and not log.get(
        "DeliverLogsPermissionArn"
    ):
        return False
    return bool(log.get("LogDestination") or log.get("LogGroupName"))


_closed = partial(Rule, phase=Phase.REPEATABLE)
_controlled = partial(Rule, phase=Phase.RELIABLE)


RULES: tuple[Rule, ...] = (
    _closed(
        id="NET-1.in-vpc",
        title="Functions, databases, clusters and builds run in subnets of a VPC",
        rationale="Outside of a VPC nothing watches or bounds where the code connects to.",
        remedy="Give the property named, with private subnets and a security group of its own.",
        severity=Severity.MEDIUM,
        check=check("NET-1.in-vpc"),
    ),
    _closed(
        id="NET-1.no-internet-gateway",
        title="VPCs have no door to the internet or to networks of others",
        rationale="Data leave through a door that is there for convenience.",
        remedy="Remove it; reach AWS services through endpoints and mirrors of packages through CodeArtifact.",
        severity=Severity.HIGH,
        check=_doors,
    ),
    _closed(
        id="NET-1.no-internet-route",
        title="No route leads to the internet",
        rationale="One route makes every subnet of its table public.",
        remedy="Remove the route; reach AWS services through endpoints.",
        severity=Severity.HIGH,
        check=_routes,
    ),
    _controlled(
        id="NET-2.narrow-egress",
        title="Security groups let out only what is needed",
        rationale="What code was led astray to send must find no way out.",
        remedy="Name ports and destinations; 443 to anywhere is fine where no route leaves the VPC.",
        severity=Severity.MEDIUM,
        check=_egress,
    ),
    _controlled(
        id="NET-2.endpoint-policy",
        title="Endpoints serve only principals or resources of this account or organisation",
        rationale="An endpoint without a policy carries data to anybody's bucket with anybody's credentials.",
        remedy="Give a PolicyDocument with aws:PrincipalAccount, aws:PrincipalOrgID or aws:ResourceAccount.",
        severity=Severity.HIGH,
        check=_endpoint_policies,
    ),
    _controlled(
        id="NET-2.private-dns",
        title="Names of AWS services lead to the endpoints",
        rationale="With the public name the calls leave the VPC, or fail.",
        remedy="Set the property named to the value expected.",
        severity=Severity.MEDIUM,
        check=check("NET-2.private-dns"),
    ),
    _controlled(
        id="NET-2.default-group-unused",
        title="Everything in a VPC names its security groups",
        rationale="What names none gets the default group, which trusts all its members.",
        remedy="Give the property named.",
        severity=Severity.MEDIUM,
        check=check("NET-2.default-group-unused"),
    ),
    _controlled(
        id="NET-2.flow-logs",
        title="A flow log records the traffic of every VPC",
        rationale="After an incident it is the only trace of who talked to whom.",
        remedy="Add an AWS::EC2::FlowLog on the VPC with traffic type ALL.",
        severity=Severity.HIGH,
        check=_flow_logs,
    ),
    _controlled(
        id="NET-2.resolver-logs",
        title="Every VPC's name lookups are logged",
        rationale="Names that code looks up show exfiltration and command servers.",
        remedy="Add an AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation for the VPC.",
        severity=Severity.MEDIUM,
        check=_watched(
            "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
            "ResourceId",
            "the name lookups of the VPC are logged nowhere",
        ),
    ),
)
