"""AUD-1 and AUD-2: services that look for threats and weaknesses are on, and what they find reaches somebody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.expectations import check, mappings
from mlops_constructs.compliance.values import is_true

_WATCHED = "S3_DATA_EVENTS"  # threats to the data themselves
_BEST_PRACTICES = "aws-foundational-security-best-practices"
_SERIOUS = {"CRITICAL", "HIGH"}
_TELLING = {"sns", "lambda", "states", "events", "ssm-incidents"}  # a queue or a log tells nobody
_SEVERITY = "EventPattern.detail.findings.Severity.Label"


def _features(estate: Estate) -> Iterator[Judgement]:
    for detector in estate.of("AWS::GuardDuty::Detector"):
        states = {str(each.get("Name")): each.get("Status") for each in mappings(detector.get("Features"))}
        ok = states.get(_WATCHED) == "ENABLED" or is_true(detector.get("DataSources.S3Logs.Enable"))
        yield Judgement(detector, ok, _WATCHED, "" if ok else f"{_WATCHED} is not enabled: nobody watches the buckets")


def _standards(estate: Estate) -> Iterator[Judgement]:
    chosen = [str(each.get("StandardsArn")) for each in estate.of("AWS::SecurityHub::Standard")]
    for hub in estate.of("AWS::SecurityHub::Hub"):
        ok = is_true(hub.get("EnableDefaultStandards", True)) or any(_BEST_PRACTICES in arn for arn in chosen)
        yield Judgement(hub, ok, "", "" if ok else "it measures against no standard of best practices")


def _routed(estate: Estate) -> Iterator[Judgement]:
    for kind, sources in (
        ("AWS::SecurityHub::Hub", {"aws.securityhub"}),
        ("AWS::GuardDuty::Detector", {"aws.guardduty", "aws.securityhub"}),
    ):
        for service in estate.of(kind):
            ok = any(_takes_serious(rule, sources) for rule in estate.of("AWS::Events::Rule"))
            message = "no rule takes its serious findings to anybody"
            yield Judgement(service, ok, "", "" if ok else message)


def _takes_serious(rule: Resource, sources: set[str]) -> bool:
    services = {"".join(str(target.get("Arn")).split(":")[2:3]) for target in mappings(rule.get("Targets"))}
    if rule.get("State") == "DISABLED" or not services & _TELLING:
        return False
    pattern = rule.get("EventPattern")
    if not isinstance(pattern, Mapping) or not sources & set(map(str, rule.values("EventPattern.source.*"))):
        return False
    kinds = [str(each) for each in rule.values("EventPattern.detail-type.*")]
    if kinds and not any("Finding" in each for each in kinds):
        return False
    labels = set(map(str, rule.values(f"{_SEVERITY}.*")))
    return not labels or labels >= _SERIOUS


_rule = partial(Rule, severity=Severity.HIGH, phase=Phase.RELIABLE)


RULES: tuple[Rule, ...] = (
    _rule(
        id="AUD-1.detectors-on",
        title="Detection services that a template sets up are switched on and report within the hour",
        rationale="A detector that is paused finds nothing, one that reports after six hours reports the past.",
        remedy="Set the property named to the value expected.",
        check=check("AUD-1.detectors-on"),
    ),
    _rule(
        id="AUD-1.data-threats",
        title="Threat detection watches the buckets",
        rationale="The data are what an attacker comes for.",
        remedy="Enable the feature S3_DATA_EVENTS of the detector.",
        check=_features,
    ),
    _rule(
        id="AUD-1.standards",
        title="Security Hub measures against AWS's best practices at least",
        rationale="A hub without a standard checks nothing by itself.",
        remedy="Add an AWS::SecurityHub::Standard for the foundational security best practices.",
        check=_standards,
    ),
    _rule(
        id="AUD-2.findings-routed",
        title="Serious findings go to somebody",
        rationale="A finding nobody reads protects nobody.",
        remedy="Add an event rule for findings of severity CRITICAL and HIGH with a target.",
        check=_routed,
    ),
)
