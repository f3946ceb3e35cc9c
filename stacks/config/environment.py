"""The model of `environments/<name>.yaml`: one deployment of the platform into one account and region."""

from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, field_validator, model_validator

from stacks.config.audit import Audit
from stacks.config.base import AccountId, Email, Model, Name, RegionName, Tag, TagEmail, matching, rule
from stacks.config.budget import Budget
from stacks.config.identity import NAME_LIMIT, Identity
from stacks.config.organisation import Organisation

ALL = "all"
"""The name that stands for every environment, and so is none's."""

MINIMUM_ARCHIVE_DAYS = 7
LONGEST_VERSION_DAYS = 400
"""Days after which an overwritten or deleted object must be gone, however careful the stage: RET-2 of the pack."""


def _are_distinct(zones: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(zones)) < len(zones):
        raise rule("", list(zones), "name each zone once: the same zone twice is one zone, and its loss an outage")
    return zones


def _is_whole_number(value: object) -> object:
    # To Python `true` is 1, and 1 is a number of days that can be chosen.
    if type(value) in (bool, float):
        raise rule("", value, "give a whole number")
    return value


SubnetId = Annotated[str, matching(r"^subnet-[0-9a-f]{8,17}$", "subnet-0a1b2c3d")]
SecurityGroupId = Annotated[str, matching(r"^sg-[0-9a-f]{8,17}$", "sg-0a1b2c3d")]
ZoneName = Annotated[str, matching(r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$", "us-east-1a")]
Zones = Annotated[tuple[ZoneName, ...], AfterValidator(_are_distinct)]
LogRetentionDays = Annotated[
    Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
    BeforeValidator(_is_whole_number),
]


class Stage(StrEnum):
    """How much an environment matters: the rules of `Environment` depend on it."""

    LOCAL = "local"
    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"

    @property
    def guarded(self) -> bool:
        """True for staging and prod: data is kept, people approve models, endpoints are redundant."""
        return self in (Stage.STAGING, Stage.PROD)


class CreateNetwork(Model):
    """A VPC of the platform's own, with isolated subnets and endpoints for the services it calls."""

    cidr: str = Field(description="IPv4 range of the VPC, /16 to /22.")
    availability_zones: Zones = Field(min_length=2, max_length=3)

    @field_validator("cidr")
    @classmethod
    def _is_private_range(cls, value: str) -> str:
        try:
            network = IPv4Network(value)
        except ValueError:
            raise rule("", value, "use an IPv4 range such as 10.20.0.0/16") from None
        if not network.is_private or not 16 <= network.prefixlen <= 22:
            raise rule("", value, "use a private range of size /16 to /22, such as 10.20.0.0/16")
        return value


class ExistingNetwork(Model):
    """A network that somebody else runs: every id belongs to the same VPC, so they come as one unit.

    Its subnets must reach the AWS services through interface or gateway endpoints.
    """

    vpc_id: Annotated[str, matching(r"^vpc-[0-9a-f]{8,17}$", "vpc-0a1b2c3d")]
    availability_zones: Zones = Field(min_length=2)
    private_subnet_ids: tuple[SubnetId, ...] = Field(min_length=2, description="One per availability zone, same order.")
    job_security_group_id: SecurityGroupId = Field(description="Worn by jobs, functions in the VPC and endpoints.")

    @model_validator(mode="after")
    def _has_one_subnet_per_zone(self) -> Self:
        if len(self.private_subnet_ids) != len(self.availability_zones):
            given = list(self.private_subnet_ids)
            raise rule(
                "private_subnet_ids", given, f"give {len(self.availability_zones)} ids, one per availability zone"
            )
        return self


class Network(Model):
    """Exactly one of a new and an existing network."""

    create: CreateNetwork | None = None
    existing: ExistingNetwork | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.create is None) == (self.existing is None):
            raise rule("", sorted(self.model_fields_set), "give exactly one of `create` and `existing`")
        return self


class DataRetention(Model):
    """What happens to data when it ages and when its stack is deleted."""

    on_delete: Literal["retain", "destroy"] = Field(description="Fate of buckets, tables and keys with their stack.")
    noncurrent_days: int = Field(
        ge=1, le=LONGEST_VERSION_DAYS, description="Days until an overwritten or deleted object is gone."
    )
    capture_days: int = Field(
        ge=1, le=3650, description="Days until captured predictions are deleted: more than a monitor looks back."
    )


class Alerts(Model):
    """Who hears of alarms."""

    email: Email


class Environment(Model):
    """One deployment of the platform. Required fields have no default that would be right everywhere."""

    name: Name = Field(description="Equals the file name.")
    stage: Stage = Field(strict=False)
    account: AccountId
    region: RegionName
    owner: TagEmail
    cost_centre: Tag
    network: Network
    data_retention: DataRetention
    model_approval: Literal["automatic", "manual"] = Field(description="Who approves a model that beat the champion.")
    log_retention_days: LogRetentionDays
    archive_days: int = Field(ge=MINIMUM_ARCHIVE_DAYS, le=3650, description="Days that events can be replayed.")
    alerts: Alerts | None = None
    bootstrap_qualifier: Annotated[str, matching(r"^[a-z0-9]{1,10}$", "hnb659fds")] = "hnb659fds"
    permissions_boundary: Annotated[str, matching(r"^[\w+=,.@-]{1,128}$", "platform-boundary")] | None = Field(
        default=None, description="Name of a managed policy of the account; the platform makes its own when absent."
    )
    identity: Identity | None = Field(default=None, description="People's roles; nobody but the pipeline when absent.")
    multi_region_keys: bool = Field(
        default=False, description="Keys that can be replicated into other regions; never to be changed later."
    )
    audit: Audit | None = Field(default=None, description="What records and watches the account; off when absent.")
    budget: Budget | None = Field(default=None, description="What the account may cost; no budget when absent.")
    organisation: Organisation | None = Field(
        default=None, description="Only where the account manages the organisation: the policies that bind it."
    )
    workloads: dict[Name, dict[str, JsonValue]] = Field(
        default_factory=dict, description="Workloads that run here, each with the fields that differ here."
    )

    @property
    def role_path(self) -> str:
        """IAM path of every role of this environment."""
        return f"/mlops/{self.name}/"

    @property
    def retains_data(self) -> bool:
        """True when buckets, tables and keys outlive their stack."""
        return self.data_retention.on_delete == "retain"

    @model_validator(mode="after")
    def _zones_are_of_the_region(self) -> Self:
        kind, network = ("create", self.network.create) if self.network.create else ("existing", self.network.existing)
        for index, zone in enumerate(network.availability_zones if network else ()):
            if zone[:-1] != self.region:
                field = f"network.{kind}.availability_zones.{index}"
                raise rule(field, zone, f"use a zone of region {self.region}, such as {self.region}a")
        return self

    @field_validator("region")
    @classmethod
    def _has_what_functions_need(cls, value: str) -> str:
        if value.startswith("cn-"):
            raise rule("", value, "use a region outside of China: the layer of our functions is not published there")
        return value

    @model_validator(mode="after")
    def _budgets_are_of_workloads_here(self) -> Self:
        for name in self.budget.workloads if self.budget else ():
            if name not in self.workloads:
                names = ", ".join(self.workloads)
                remedy = (
                    f"use one of {names}, the workloads of the environment" if names else "remove it: none runs here"
                )
                raise rule(f"budget.workloads.{name}", name, remedy)
        return self

    @model_validator(mode="after")
    def _people_come_from_where_they_can(self) -> Self:
        if self.identity is None:
            return self
        provider = self.identity.provider_arn
        if provider and provider.split(":")[4] != self.account:
            kind, remedy = "saml" if self.identity.saml else "oidc", f"use a provider of account {self.account}"
            raise rule(f"identity.{kind}.provider_arn", provider, f"{remedy}: trust is local")
        names = [f"mlops-{self.name}-{persona}" for persona in self.identity.personas]
        if long := [name for name in names if self.identity.identity_center and len(name) > NAME_LIMIT]:
            remedy = f"use a shorter environment name: Identity Center takes {NAME_LIMIT} characters"
            raise rule("identity.identity_center.groups", long, remedy)
        if "break-glass" in self.identity.personas and self.alerts is None:
            remedy = "give alerts.email too: somebody must hear of every use of break-glass"
            raise rule("identity", "break-glass", remedy)
        return self

    @model_validator(mode="after")
    def _guarded_stage_is_safe(self) -> Self:
        if not self.stage.guarded:
            return self
        if not self.retains_data:
            remedy = f"use retain: stage {self.stage} must keep its data when a stack is deleted"
            raise rule("data_retention.on_delete", self.data_retention.on_delete, remedy)
        if self.model_approval == "automatic":
            raise rule("model_approval", "automatic", f"use manual: in stage {self.stage} a person approves models")
        return self
