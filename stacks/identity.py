"""Who works in an environment: guardrails and roles there, permission sets where Identity Center is administered."""

import aws_cdk as cdk
from constructs import Construct

from mlops_constructs.governance.boundary import SERVICES, Boundary
from mlops_constructs.governance.waivers import RULE_WAIVERS, waive
from mlops_constructs.governance.watch import watch_role
from mlops_constructs.identity import Guardrails, OidcTrust, PermissionSets, PersonaRoles, Place, SamlTrust
from mlops_constructs.identity.personas import EMERGENCY, actions_outside
from stacks.base import PlatformStack
from stacks.config import Environment, Identity
from stacks.contract import publish
from stacks.foundation import FoundationStack


class IdentityStack(PlatformStack):
    """Guardrails, the boundary of people, their roles, and the alert at every use of break-glass.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed.
        identity: its identity section.
        foundation: key and topic of the alert.

    Attributes:
        guardrails: the `Guardrails`.
        boundary: the `Boundary` of people.
        roles: the `PersonaRoles`, None where people come through Identity Center.
    """

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, identity: Identity, foundation: FoundationStack
    ) -> None:
        super().__init__(scope, id, environment=environment)
        path = environment.role_path
        self.guardrails = Guardrails(
            self,
            "Guardrails",
            name=guardrails_name(environment),
            path=path,
            regions=[environment.region, *identity.regions],
            instance_types=identity.instance_types,
        )
        self.boundary = Boundary(
            self, "PeopleBoundary", name=people_boundary_name(environment), path=path, reads=actions_outside(SERVICES)
        )
        trust = _trust(identity)
        self.roles = (
            PersonaRoles(
                self,
                "People",
                place=place_of(environment),
                personas=identity.personas,
                trust=trust,
                guardrails=self.guardrails.policy,
                boundary=self.boundary.policy,
            )
            if trust
            else None
        )
        if EMERGENCY in identity.personas:
            watch_role(
                self,
                "BreakGlassUsed",
                roles=[_emergency_role(environment, reserved=trust is None)],
                topic=foundation.alerts,
                encryption_key=foundation.keys.data,
            )
        publish(self, environment, "identity", {"guardrails": self.guardrails.policy.managed_policy_arn})


class IdentityCenterStack(cdk.Stack):
    """The permission sets of an environment, deployed into the account that administers Identity Center.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where people work.
        identity: its identity section, with `identity_center`.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, identity: Identity) -> None:
        center = identity.identity_center
        if center is None:
            raise ValueError(f"environment {environment.name} has no identity.identity_center: leave this stack out")
        super().__init__(
            scope,
            id,
            stack_name=f"mlops-{environment.name}-{id}",
            env=cdk.Environment(account=center.account, region=center.region),
            synthesizer=cdk.DefaultStackSynthesizer(qualifier=environment.bootstrap_qualifier),
        )
        waive(self, *RULE_WAIVERS)
        self.permission_sets = PermissionSets(
            self,
            "People",
            place=place_of(environment),
            instance_arn=center.instance_arn,
            groups=center.groups,
            guardrails_name=guardrails_name(environment),
            boundary_name=people_boundary_name(environment),
            path=environment.role_path,
        )


def add_identity(scope: Construct, environment: Environment, foundation: FoundationStack) -> None:
    """Add the stacks of the identity section, if there is one."""
    identity = environment.identity
    if identity is None:
        return
    own = IdentityStack(scope, "identity", environment=environment, identity=identity, foundation=foundation)
    if identity.identity_center:
        center = IdentityCenterStack(scope, "identity-center", environment=environment, identity=identity)
        center.add_stack_dependency(own)  # the policies that permission sets name must be there first


def place_of(environment: Environment) -> Place:
    """Return the environment in the terms of `mlops_constructs`."""
    return Place(
        environment=environment.name,
        account=environment.account,
        region=environment.region,
        qualifier=environment.bootstrap_qualifier,
    )


def guardrails_name(environment: Environment) -> str:
    """Return the name of the guardrail policy."""
    return f"mlops-{environment.name}-guardrails"


def people_boundary_name(environment: Environment) -> str:
    """Return the name of the boundary of people."""
    return f"mlops-{environment.name}-people-boundary"


def _trust(identity: Identity) -> SamlTrust | OidcTrust | None:
    if identity.saml:
        return SamlTrust(provider_arn=identity.saml.provider_arn)
    if identity.oidc:
        oidc = identity.oidc
        return OidcTrust(provider_arn=oidc.provider_arn, audience=oidc.audience, subjects=oidc.subjects)
    return None


def _emergency_role(environment: Environment, *, reserved: bool) -> str:
    roles = f"arn:{cdk.Aws.PARTITION}:iam::{environment.account}:role"
    name = f"mlops-{environment.name}-{EMERGENCY}"
    return (
        f"{roles}/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_{name}_*"
        if reserved
        else (f"{roles}{environment.role_path}{name}")
    )
