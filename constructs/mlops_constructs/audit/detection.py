"""ThreatDetection: GuardDuty; AccessAnalyzers: who can get in from outside, and what nobody uses."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_accessanalyzer as accessanalyzer
from aws_cdk import aws_guardduty as guardduty
from constructs import Construct

from mlops_constructs.audit.features import DEFAULT_FEATURES, FEATURES, Feature

# Whose agent GuardDuty puts in place by itself when runtime monitoring is on.
AGENTS = ("EC2_AGENT_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EKS_ADDON_MANAGEMENT")


class ThreatDetection(Construct):
    """A GuardDuty detector. AWS allows one per account and region.

    CloudTrail, VPC flow and DNS logs are always looked at. Features that are not named are turned off explicitly:
    what AWS adds to new detectors never costs unasked. Runtime monitoring sees EC2, Fargate and EKS, as AWS Batch uses
    them; SageMaker jobs and Lambda functions take no agent.

    Args:
        features: What is looked at besides; S3 object events and network activity of functions by default.

    Attributes:
        detector: The `guardduty.CfnDetector`; publishes findings every 15 minutes.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        features: Sequence[Feature] = DEFAULT_FEATURES,
    ) -> None:
        super().__init__(scope, id)
        feature = guardduty.CfnDetector.CFNFeatureConfigurationProperty
        agent = guardduty.CfnDetector.CFNFeatureAdditionalConfigurationProperty
        status = {name: "ENABLED" if name in features else "DISABLED" for name in FEATURES}
        agents = [agent(name=name, status=status["RUNTIME_MONITORING"]) for name in AGENTS]
        self.detector = guardduty.CfnDetector(
            self,
            "Resource",
            enable=True,
            finding_publishing_frequency="FIFTEEN_MINUTES",
            features=[
                feature(
                    name=name,
                    status=status[name],
                    additional_configuration=agents if name == "RUNTIME_MONITORING" else None,
                )
                for name in FEATURES
            ],
        )


class AccessAnalyzers(Construct):
    """IAM Access Analyzer for access from outside the account, and for access that nobody uses.

    Args:
        unused_after_days: Report roles, keys and permissions that were not used for so many days; off by default,
            as each role and user is paid for by the month.

    Attributes:
        external: The `accessanalyzer.CfnAnalyzer` of access from outside; free.
        unused: That of unused access, or None.

    Raises:
        ValueError: The days are not within what the service takes.
    """

    def __init__(self, scope: Construct, id: str, *, unused_after_days: int | None = None) -> None:
        super().__init__(scope, id)
        self.external = accessanalyzer.CfnAnalyzer(self, "External", type="ACCOUNT")
        self.unused: accessanalyzer.CfnAnalyzer | None = None
        if unused_after_days is None:
            return
        if not 1 <= unused_after_days <= 365:
            raise ValueError(f"unused_after_days: got {unused_after_days}; use 1 to 365")
        unused = accessanalyzer.CfnAnalyzer.UnusedAccessConfigurationProperty(unused_access_age=unused_after_days)
        self.unused = accessanalyzer.CfnAnalyzer(
            self,
            "Unused",
            type="ACCOUNT_UNUSED_ACCESS",
            analyzer_configuration=accessanalyzer.CfnAnalyzer.AnalyzerConfigurationProperty(
                unused_access_configuration=unused
            ),
        )
