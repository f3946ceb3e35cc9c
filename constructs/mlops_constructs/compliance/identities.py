"""The IAM graph of an environment: who there is, what each may do, which role reaches which.

Policies are followed through every way CloudFormation has to attach one: inline, `AWS::IAM::Policy`, managed policies
by ARN or by their own lists, permission sets. A policy that serves only as permissions boundary grants nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.policy import Statement, documents, parse, texts

ROLE, USER, GROUP, PERMISSION_SET = "AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group", "AWS::SSO::PermissionSet"
MANAGED = "AWS::IAM::ManagedPolicy"
IDENTITIES = (ROLE, USER, GROUP, PERMISSION_SET)
# Property of a policy resource that names who has it, and the type it names.
_ATTACHED = (("Roles", ROLE), ("Users", USER), ("Groups", GROUP))
_SINGLE = {
    "AWS::IAM::RolePolicy": ("RoleName", ROLE),
    "AWS::IAM::UserPolicy": ("UserName", USER),
    "AWS::IAM::GroupPolicy": ("GroupName", GROUP),
}
POLICIES = ("AWS::IAM::Policy", MANAGED, *_SINGLE)
# Documents without principals that grant nothing to anybody: they only limit.
_LIMITS = frozenset({"AWS::Organizations::Policy", "AWS::EC2::VPCEndpoint", "AWS::RAM::Permission"})
_TRUST = "AssumeRolePolicyDocument"


@dataclass(frozen=True, eq=False)
class Grant:
    """One statement of an identity policy and the resource it is written in."""

    resource: Resource
    statement: Statement


@dataclass(eq=False)
class Identity:
    """A role, user, group or permission set with all its grants.

    Attributes:
        resource: The identity itself.
        grants: Statements of all its policies, denies included.
        managed: ARNs of its policies that no template here defines.
        boundary: Statements of its permissions boundary; none when it has none, or when that is not defined here.
    """

    resource: Resource
    grants: list[Grant] = field(default_factory=list)
    managed: list[str] = field(default_factory=list)
    boundary: tuple[Statement, ...] = ()

    @cached_property
    def trust(self) -> tuple[Statement, ...]:
        """Statements of the trust policy."""
        return parse(self.resource.get(_TRUST))

    @cached_property
    def services(self) -> frozenset[str]:
        """AWS services that can assume it."""
        named = (p for statement in self.trust if statement.allows for p in statement.principals)
        return frozenset(principal.value for principal in named if principal.kind == "Service")

    def allowing(self, action: str) -> Iterator[Grant]:
        """Yield the grants that allow an action, unless a statement without condition denies it everywhere."""
        if not any(_forbids(grant.statement, action) for grant in self.grants):
            yield from (g for g in self.grants if g.statement.allows and g.statement.covers_action(action))

    def bounded(self, action: str) -> bool:
        """Whether its permissions boundary, as far as known, forbids an action."""
        if not self.boundary:
            return False
        allowed = any(statement.allows and statement.covers_action(action) for statement in self.boundary)
        return not allowed or any(_forbids(statement, action) for statement in self.boundary)


def _forbids(statement: Statement, action: str) -> bool:
    everywhere = "*" in statement.resources and not statement.conditions
    return not statement.allows and everywhere and statement.covers_action(action)


class Graph:
    """All identities and identity policies of an environment.

    Attributes:
        identities: Every role, user, group and permission set.
        policies: Every resource that grants something to identities, with its statements.
        boundaries: Every managed policy that only limits, with its statements.
    """

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.identities = {resource: Identity(resource) for resource in estate.of(*IDENTITIES)}
        self.boundaries: dict[Resource, tuple[Statement, ...]] = {}
        self.policies: dict[Resource, tuple[Statement, ...]] = {}
        self._bound()
        for resource in estate.resources:
            if resource not in self.boundaries and (statements := _granting(resource)):
                self.policies[resource] = statements
                for identity in self._holders(resource):
                    identity.grants.extend(Grant(resource, statement) for statement in statements)
        for identity in self.identities.values():
            self._attach(identity)

    def holders(self, policy: Resource) -> list[Identity]:
        """Return the identities that have the statements of a resource."""
        return [each for each in self.identities.values() if any(g.resource is policy for g in each.grants)]

    def role(self, arn: str) -> Identity | None:
        """Return the role with an ARN or name, if it is defined here."""
        resource = self.estate.find(arn, ROLE)
        return self.identities[resource] if resource else None

    def roles_matching(self, statement: Statement) -> list[Identity]:
        """Return the roles defined here that a statement speaks of."""
        return [r for r in self.identities.values() if r.resource.type == ROLE and _speaks_of(statement, r.resource)]

    def _bound(self) -> None:
        attached = {arn for identity in self.identities for arn in texts(_managed_arns(identity))}
        bounding: set[Resource] = set()
        for identity in self.identities.values():
            policy = self._boundary(identity.resource.get("PermissionsBoundary"))
            if policy is not None:
                identity.boundary = parse(policy.get("PolicyDocument"))
                bounding.add(policy)
        for policy in self.estate.of(MANAGED):
            # A boundary for roles of other stacks is known by its name alone.
            names = f"{policy.logical_id} {policy.get('ManagedPolicyName', '')}"
            meant = policy in bounding or "boundary" in names.lower()
            if meant and policy.arn not in attached and not any(policy.get(name) for name, _ in _ATTACHED):
                self.boundaries[policy] = parse(policy.get("PolicyDocument"))

    def _boundary(self, reference: object) -> Resource | None:
        if not isinstance(reference, Mapping):
            return self.estate.find(str(reference), MANAGED)
        # A permission set names a policy of the accounts it is assigned in.
        wanted = reference.get("CustomerManagedPolicyReference") or {}
        named = (wanted.get("Name"), wanted.get("Path", "/"))
        found = (p for p in self.estate.of(MANAGED) if (p.get("ManagedPolicyName"), p.get("Path", "/")) == named)
        return next(found, None)

    def _holders(self, policy: Resource) -> Iterator[Identity]:
        if policy in self.identities:
            yield self.identities[policy]
        lists = [*_ATTACHED] if policy.type not in _SINGLE else [_SINGLE[policy.type]]
        for name, kind in lists if policy.type in POLICIES else ():
            for reference in texts(policy.get(name)):
                if found := self.estate.find(reference, kind):
                    yield self.identities[found]

    def _attach(self, identity: Identity) -> None:
        for arn in texts(_managed_arns(identity.resource)):
            policy = self.estate.find(arn, MANAGED)
            if policy is None:
                identity.managed.append(arn)
            elif not any(grant.resource is policy for grant in identity.grants):
                identity.grants.extend(Grant(policy, each) for each in parse(policy.get("PolicyDocument")))


def _managed_arns(resource: Resource) -> object:
    return resource.get("ManagedPolicyArns") or resource.get("ManagedPolicies")


def _granting(resource: Resource) -> tuple[Statement, ...]:
    """Statements of every document of a resource that grants to whoever has it: those that name no principal."""
    if resource.type in _LIMITS:
        return ()
    found = (each for path, each in documents(resource.properties) if path != _TRUST)
    return tuple(s for statements in found for s in statements if not s.names_principals)


def _speaks_of(statement: Statement, role: Resource) -> bool:
    return statement.covers_resource(role.arn)


_GRAPHS: WeakKeyDictionary[Estate, Graph] = WeakKeyDictionary()


def graph_of(estate: Estate) -> Graph:
    """Return the graph of an environment, built once."""
    if estate not in _GRAPHS:
        _GRAPHS[estate] = Graph(estate)
    return _GRAPHS[estate]
