"""People's roles: one per persona, taken through the account's SAML or OIDC provider, under guardrails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import OWNER, REVIEW
from mlops_constructs.identity.guardrails import guardrails
from mlops_constructs.identity.personas import EMERGENCY, PERSONAS, Persona, PersonaName
from mlops_constructs.identity.place import Conditions, Place, Statement


@dataclass(frozen=True, kw_only=True)
class SamlTrust:
    """Sessions come from a SAML provider of the account.

    Args:
        provider_arn: The `AWS::IAM::SAMLProvider`.
    """

    provider_arn: str

    def principal(self, persona: Persona) -> iam.IPrincipal:
        """Who may take the role of a persona."""
        audience = {"SAML:aud": "https://signin.aws.amazon.com/saml"}
        return _session(self.provider_arn, _conditions(persona, audience), "sts:AssumeRoleWithSAML")


@dataclass(frozen=True, kw_only=True)
class OidcTrust:
    """Sessions come from an OIDC provider of the account.

    Args:
        provider_arn: The `AWS::IAM::OIDCProvider`.
        audience: Client id that the tokens are for.
        subjects: `sub` of the tokens that each persona is taken with; exact values.
    """

    provider_arn: str
    audience: str
    subjects: Mapping[PersonaName, Sequence[str]]

    def principal(self, persona: Persona) -> iam.IPrincipal:
        """Who may take the role of a persona."""
        issuer = self.provider_arn.partition("oidc-provider/")[2]
        claims: dict[str, str | list[str]] = {
            f"{issuer}:aud": self.audience,
            f"{issuer}:sub": list(self.subjects[persona.name]),
        }
        return _session(self.provider_arn, _conditions(persona, claims), "sts:AssumeRoleWithWebIdentity")


class Guardrails(Construct):
    """What nobody may do here, as a managed policy that every persona carries.

    Args:
        name: Name of the policy; permission sets of another account address it by this name.
        path: IAM path.
        regions: Where anything may be done.
        instance_types: Patterns of instance types that may be used: `ml.m5.*`.

    Attributes:
        policy: The `iam.ManagedPolicy`; it only denies.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        path: str,
        regions: Sequence[str],
        instance_types: Sequence[str],
    ) -> None:
        super().__init__(scope, id)
        statements = guardrails(regions=regions, instance_types=instance_types)
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=name,
            path=path,
            description="Guardrails of every person in this environment; grants nothing",
            statements=[iam.PolicyStatement.from_json(statement) for statement in statements],
        )


class PersonaRoles(Construct):
    """One role per persona, named `mlops-<environment>-<persona>`.

    Args:
        place: The environment.
        personas: Which ones; each role exists in one copy.
        trust: Where sessions come from.
        guardrails: Policy that each role carries.
        boundary: What no role exceeds.

    Attributes:
        roles: The `iam.Role`s by persona.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        place: Place,
        personas: Sequence[PersonaName],
        trust: SamlTrust | OidcTrust,
        guardrails: iam.IManagedPolicy,
        boundary: iam.IManagedPolicy,
    ) -> None:
        super().__init__(scope, id)
        self.roles: dict[PersonaName, iam.Role] = {}
        for name in personas:
            persona = PERSONAS[name]
            statements = persona.statements(place)
            role = iam.Role(
                self,
                name.title().replace("-", ""),
                role_name=f"mlops-{place.environment}-{name}",
                description=persona.duty,
                assumed_by=trust.principal(persona),
                max_session_duration=Duration.hours(persona.session_hours),
                managed_policies=[guardrails],
                inline_policies={
                    "Duty": iam.PolicyDocument(
                        statements=[iam.PolicyStatement.from_json(statement) for statement in statements]
                    )
                },
            )
            # Not the argument: a boundary that the whole stack has would win over it.
            iam.PermissionsBoundary.of(role).apply(boundary)
            waive(role, *persona_waivers(persona, statements))
            self.roles[name] = role


def persona_waivers(persona: Persona, statements: Sequence[Statement]) -> list[Waiver]:
    """A waiver for each pattern that a persona's policy names instead of a resource."""
    patterns = {resource for statement in statements for resource in _texts(statement["Resource"]) if "*" in resource}
    return [
        Waiver(
            # cdk-nag writes a policy variable in its own brackets.
            finding=f"AwsSolutions::AwsSolutions-IAM5[Resource::{pattern.replace('${', '<').replace('}', '>')}]",
            reason=f"{persona.duty} The pattern, or the tag beside it, is limited to this environment.",
            owner=OWNER,
            review=REVIEW,
        )
        for pattern in sorted(patterns)
    ]


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _conditions(persona: Persona, claims: Mapping[str, str | list[str]]) -> Conditions:
    asserted: dict[str, str | list[str]] = {"aws:RequestTag/persona": persona.name}
    if persona.name == EMERGENCY:
        # Federated sessions tell AWS nothing of their second factor: the identity provider must assert it.
        asserted["aws:RequestTag/mfa"] = "true"
    told: dict[str, str | list[str]] = {"aws:RequestTag/cost-centre": "?*"}
    if persona.reads_data:
        told["aws:RequestTag/workload"] = "?*"
    return {"StringEquals": {**claims, **asserted}, "StringLike": told}


def _session(provider_arn: str, conditions: Conditions, action: str) -> iam.IPrincipal:
    return iam.FederatedPrincipal(provider_arn, conditions, action).with_session_tags()
