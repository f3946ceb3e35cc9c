"""What a rule of the conformance pack is, and where AWS offers it.

Imports nothing of the CDK. Identifiers, parameters and regions are those of
https://docs.aws.amazon.com/config/latest/developerguide/managed-rules-by-aws-config.html; names of properties in
Guard policies are those of https://github.com/awslabs/aws-config-resource-schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Rules on SageMaker monitoring jobs exist in these regions only, and a pack with an unknown rule is refused whole.
MONITOR_JOB_REGIONS = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)
WITHOUT_SAGEMAKER_RULES = frozenset(
    {
        "ap-east-2",
        "ap-south-2",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-west-1",
        "cn-north-1",
        "cn-northwest-1",
        "eu-central-2",
        "eu-south-2",
        "il-central-1",
        "me-central-1",
        "me-south-1",
        "mx-central-1",
        "us-gov-east-1",
        "us-gov-west-1",
    }
)
INSPECTOR_REGIONS = frozenset(
    {
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "us-east-1",
        "us-east-2",
        "us-west-2",
    }
)


@dataclass(frozen=True, kw_only=True)
class ConfigRule:
    """One rule of the pack.

    Attributes:
        control: Control id; name and description of the rule begin with it.
        why: What a finding means, in one sentence.
        identifier: Identifier of a managed rule, upper case; or the name of our own, lower case.
        policy: Guard policy of our own rule; empty for a managed one.
        types: Resource types; required for our own, the rule's own choice for a managed one.
        parameters: Parameters of a managed rule; `{log_days}` stands for the environment's log retention.
        part: Only where this part of the audit section is on (`macie`); always by default.
        guarded: Only in guarded environments (staging, prod).
        regions: Only in these regions; everywhere by default.
        except_regions: Not in these regions.
    """

    control: str
    why: str
    identifier: str
    policy: str = ""
    types: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    part: str | None = None
    guarded: bool = False
    regions: frozenset[str] = frozenset()
    except_regions: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Name of the rule: `ENC-1-s3-default-encryption-kms`."""
        return f"{self.control}-{self.identifier.lower().replace('_', '-')}"

    def applies(self, *, region: str, parts: Sequence[str], guarded: bool) -> bool:
        """Whether an environment has this rule."""
        here = (not self.regions or region in self.regions) and region not in self.except_regions
        return here and (self.part is None or self.part in parts) and (guarded or not self.guarded)


def managed(control: str, identifiers: Mapping[str, str]) -> tuple[ConfigRule, ...]:
    """Rules of AWS that need no parameter: identifier and what a finding means."""
    return tuple(ConfigRule(control=control, identifier=name, why=why) for name, why in identifiers.items())
