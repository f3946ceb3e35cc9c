"""The section `audit` of an environment: what records and watches the account. Each part is off when it is absent."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from mlops_constructs.audit.features import DEFAULT_FEATURES, Feature
from stacks.config.base import Model, rule

Severity = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"]
Insight = Literal["ApiCallRateInsight", "ApiErrorRateInsight"]
Weekday = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
HUB_WITHOUT_RECORDER = "add audit.config: Security Hub judges what the recorder records"
SERIOUS = {"CRITICAL", "HIGH"}


class ObjectLock(Model):
    """How long nobody can delete a file of the trail."""

    days: int = Field(ge=1, le=3650)
    mode: Literal["governance", "compliance"] = Field(
        default="governance", description="compliance: nobody at all can delete or shorten, not even the root user."
    )


class Trail(Model):
    """CloudTrail over all regions, with object events of the lake and calls of the environment's functions."""

    object_lock: ObjectLock
    keep_days: int = Field(ge=1, le=3650, description="Days until a file is deleted.")
    insights: tuple[Insight, ...] = Field(default=(), description="Anomalies CloudTrail looks for; none when empty.")
    log_group: bool = Field(default=False, description="Copy the events to a log group too.")

    @model_validator(mode="after")
    def _is_kept_as_long_as_locked(self) -> Self:
        if self.keep_days < self.object_lock.days:
            raise rule("keep_days", self.keep_days, f"give at least {self.object_lock.days}, the days of the lock")
        return self


class Config(Model):
    """AWS Config: the recorder and the conformance pack with the rules of our controls."""

    frequency: Literal["continuous", "daily"] = "continuous"
    keep_days: int = Field(default=2557, ge=1, le=3650, description="Days until a file of the history is deleted.")
    service_linked_role: Literal["create", "existing"] = Field(
        default="create", description="existing, when the account ever used AWS Config: the role exists only once."
    )


class SecurityHub(Model):
    """Security Hub CSPM."""

    standards: tuple[Literal["fsbp", "nist-800-53"], ...] = Field(default=("fsbp", "nist-800-53"), min_length=1)

    @field_validator("standards")
    @classmethod
    def _measures_against_best_practices(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "fsbp" not in value:
            raise rule("", value, "add fsbp, AWS's own best practices: the hub measures against them at least")
        return value


class GuardDuty(Model):
    """Amazon GuardDuty."""

    features: tuple[Feature, ...] = DEFAULT_FEATURES

    @field_validator("features")
    @classmethod
    def _watches_the_buckets(cls, value: tuple[Feature, ...]) -> tuple[Feature, ...]:
        if "S3_DATA_EVENTS" not in value:
            raise rule("", value, "add S3_DATA_EVENTS: the data are what an attacker comes for")
        return value


class Macie(Model):
    """Amazon Macie over the lake, once a week."""

    weekday: Weekday = "SUNDAY"
    sampling_percent: int = Field(default=100, ge=1, le=100, description="Share of new objects that is looked at.")


class AccessAnalyzer(Model):
    """IAM Access Analyzer for access from outside, and for unused access when its days are given."""

    unused_after_days: int | None = Field(default=None, ge=1, le=365)


class Inspector(Model):
    """Amazon Inspector for images and functions."""

    scans: tuple[Literal["ECR", "LAMBDA", "LAMBDA_CODE"], ...] = Field(default=("ECR", "LAMBDA"), min_length=1)

    @model_validator(mode="after")
    def _scans_code_with_dependencies(self) -> Self:
        if "LAMBDA_CODE" in self.scans and "LAMBDA" not in self.scans:
            raise rule("scans", list(self.scans), "add LAMBDA: Inspector scans code only beside dependencies")
        return self


class Audit(Model):
    """What records and watches the account. An account and region has one of each, in one environment."""

    trail: Trail | None = None
    config: Config | None = None
    security_hub: SecurityHub | None = None
    guardduty: GuardDuty | None = None
    macie: Macie | None = None
    access_analyzer: AccessAnalyzer | None = None
    inspector: Inspector | None = None
    alert_severities: tuple[Severity, ...] = Field(
        default=("CRITICAL", "HIGH"), min_length=1, description="Findings that wake a person; all others are kept."
    )

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that are on."""
        names = ("trail", "config", "security_hub", "guardduty", "macie", "access_analyzer", "inspector")
        return tuple(name for name in names if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if not self.parts:
            raise rule("", "no part", "give at least one part, or remove the section")
        if self.security_hub and not self.config:
            raise rule("security_hub", "a hub without a recorder", HUB_WITHOUT_RECORDER)
        if (self.security_hub or self.guardduty) and not set(self.alert_severities) >= SERIOUS:
            remedy = "name CRITICAL and HIGH: serious findings of security_hub and guardduty must wake a person"
            raise rule("alert_severities", self.alert_severities, remedy)
        return self
