"""The `identity` section of an environment: which people work there, and where their sessions come from."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from stacks.config.base import AccountId, InstancePattern, Model, RegionName, matching, rule

NAME_LIMIT = 32
"""Characters of a permission set's name."""

PersonaName = Literal[
    "platform-admin", "data-engineer", "data-scientist", "ml-engineer", "approver", "auditor", "break-glass"
]
GroupId = Annotated[
    str,
    matching(
        r"^([0-9a-f]{10}-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        "9067000000-00000001-0000-4000-8000-000000000001",
    ),
]
_AWS = r"^arn:aws(-[a-z]+)*:"
_PROVIDER = "arn:aws:iam::111111111111"
InstanceArn = Annotated[
    str,
    matching(_AWS + r"sso:::instance/(sso)?ins-[0-9a-z.-]{16}$", "arn:aws:sso:::instance/ssoins-1234567890abcdef"),
]
SamlProviderArn = Annotated[
    str, matching(_AWS + r"iam::\d{12}:saml-provider/[A-Za-z0-9._-]+$", f"{_PROVIDER}:saml-provider/company")
]
OidcProviderArn = Annotated[
    str, matching(_AWS + r"iam::\d{12}:oidc-provider/[A-Za-z0-9._/-]+$", f"{_PROVIDER}:oidc-provider/id.example.com")
]


class IdentityCenter(Model):
    """IAM Identity Center of the organisation; permission sets are deployed into the account that administers it."""

    account: AccountId = Field(description="The management account, or the delegated administrator.")
    region: RegionName = Field(description="Home region of the instance.")
    instance_arn: InstanceArn
    groups: dict[PersonaName, GroupId] = Field(min_length=1, description="Group of the identity store, per persona.")


class Saml(Model):
    """A SAML provider of the environment's account; the session tags it must assert are in docs/identity.md."""

    provider_arn: SamlProviderArn
    personas: tuple[PersonaName, ...] = Field(min_length=1)


class Oidc(Model):
    """An OIDC provider of the environment's account; the session tags it must assert are in docs/identity.md."""

    provider_arn: OidcProviderArn
    audience: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    subjects: dict[
        PersonaName, tuple[Annotated[str, matching(r"^[^*?\s]+$", "repo:company/models:environment:prod")], ...]
    ] = Field(min_length=1, description="Exact `sub` values of the tokens, per persona.")


class Identity(Model):
    """Who works in the environment. Exactly one of `identity_center`, `saml` and `oidc`."""

    identity_center: IdentityCenter | None = None
    saml: Saml | None = None
    oidc: Oidc | None = None
    instance_types: tuple[InstancePattern, ...] = Field(
        min_length=1, description="Instance types that people may use, such as ml.m5.large or ml.m5.*."
    )
    regions: tuple[RegionName, ...] = Field(
        default=(), description="Regions besides the environment's in which people may do anything."
    )

    @property
    def personas(self) -> tuple[PersonaName, ...]:
        """The personas that exist here."""
        if self.identity_center:
            return tuple(self.identity_center.groups)
        return self.saml.personas if self.saml else tuple(self.oidc.subjects) if self.oidc else ()

    @property
    def provider_arn(self) -> str | None:
        """The SAML or OIDC provider."""
        return self.saml.provider_arn if self.saml else self.oidc.provider_arn if self.oidc else None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        given = [name for name in ("identity_center", "saml", "oidc") if getattr(self, name) is not None]
        if len(given) != 1:
            raise rule("", given, "give exactly one of `identity_center`, `saml` and `oidc`")
        return self

    @model_validator(mode="after")
    def _names_each_persona_once(self) -> Self:
        twice = sorted({name for name in self.personas if self.personas.count(name) > 1})
        if twice:
            raise rule("saml.personas", twice, "name each persona once")
        return self
