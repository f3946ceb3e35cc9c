"""The gate as a policy plugin of the CDK: `Validations.of(app).add_plugins(MlopsChecks())` stops a bad synthesis."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path

import aws_cdk as cdk
import jsii

from mlops_constructs.compliance.estate import Estate, load
from mlops_constructs.compliance.finding import Finding, Status
from mlops_constructs.compliance.rule import Rule
from mlops_constructs.compliance.rules import ALL
from mlops_constructs.compliance.run import evaluate, waivers_of
from mlops_constructs.compliance.waivers import PACK

VERSION = "1.0.0"


@jsii.implements(cdk.IPolicyValidationPlugin)
class MlopsChecks:
    """Judges every environment of an app at synthesis; what `governance.waive` accepted is reported as accepted.

    Attach it once, to the app.

    Args:
        today: Day at which review dates of waivers are looked at. By default they are not: the same sources must
            synthesize the same way on every day; `python -m mlops_constructs.compliance check` looks at them.
        rules: Rules to apply, all by default.
    """

    def __init__(self, *, today: dt.date = dt.date.min, rules: Iterable[Rule] = ALL) -> None:
        self._today = today
        self._rules = tuple(rules)

    @property
    def name(self) -> str:
        """Name of the pack; waivers begin with it."""
        return PACK

    @property
    def version(self) -> str:
        """Version of the plugin."""
        return VERSION

    @property
    def rule_ids(self) -> list[str]:
        """Ids of the rules."""
        return [rule.id for rule in self._rules]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Judge the templates, those of one environment together."""
        folders = {Path(template).parent for template in context.template_paths}
        violations = [
            violation
            for folder in sorted(folders)
            for estate in load(folder, stages=False)
            if estate.resources
            for violation in self._violations(folder, estate)
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)

    def _violations(self, folder: Path, estate: Estate) -> Iterator[cdk.PolicyViolation]:
        grouped: dict[str, list[Finding]] = {}
        for finding in evaluate(estate, waivers_of(estate), self._today, self._rules):
            if finding.fails or finding.status is Status.WAIVED:
                grouped.setdefault(_rule_name(finding), []).append(finding)
        for name, findings in grouped.items():
            first = findings[0]
            yield cdk.PolicyViolation(
                rule_name=name,
                description=first.message,
                fix=first.remedy,
                severity="error",
                violating_resources=list(_resources(folder, findings)),
                rule_metadata={"severity": first.severity},
            )


def _rule_name(finding: Finding) -> str:
    """Return the id the CDK compares with acknowledgements; one that does not count must not match."""
    name = finding.finding.removeprefix(f"{PACK}::")
    return f"NotWaivable.{name}" if finding.status is Status.FAIL and finding.waiver else name


def _resources(folder: Path, findings: Iterable[Finding]) -> Iterator[cdk.PolicyViolatingResource]:
    for finding in findings:
        if finding.template:
            yield cdk.PolicyViolatingResource(
                resource_logical_id=finding.resource, template_path=str(folder / finding.template), locations=[]
            )
        else:
            yield cdk.PolicyViolatingResource(construct_path=finding.path, locations=[])
