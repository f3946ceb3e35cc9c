"""LOG-1 and LOG-2: logs exist, of everything that can log, and are kept long enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.buckets import receives_access_logs
from mlops_constructs.compliance.rules.expectations import check, mappings
from mlops_constructs.compliance.values import is_true

# Days by stage; an environment of unknown stage is held to production's.
_LEAST_DAYS = {"local": 1, "dev": 30, "staging": 90}
_LEAST_DAYS_ELSE = 365


def least_days(estate: Estate) -> int:
    """Return for how many days logs of this environment must be kept."""
    return _LEAST_DAYS.get(estate.stage or "", _LEAST_DAYS_ELSE)


def _retention(estate: Estate) -> Iterator[Judgement]:
    least = least_days(estate)
    for group in estate.of("AWS::Logs::LogGroup"):
        days = group.get("RetentionInDays")
        ok = str(days).isdigit() and int(days) >= least
        problem = "kept for ever" if days is None else f"kept for {days} days"
        yield Judgement(group, ok, "RetentionInDays", "" if ok else f"logs are {problem}, expected {least} or more")


def _access_logs_kept(estate: Estate) -> Iterator[Judgement]:
    least = least_days(estate)
    for bucket in estate.of("AWS::S3::Bucket"):
        if receives_access_logs(estate, bucket):
            rules = mappings(bucket.get("LifecycleConfiguration.Rules"))
            days = [each["ExpirationInDays"] for each in rules if _expires(each)]
            ok = all(str(each).isdigit() and int(each) >= least for each in days)
            message = f"access logs are deleted after {days} days, expected {least} or more"
            yield Judgement(bucket, ok, "ExpirationInDays", "" if ok else message)


def _expires(rule: Mapping[str, Any]) -> bool:
    return rule.get("Status") == "Enabled" and rule.get("ExpirationInDays") is not None


def _own_log_group(estate: Estate) -> Iterator[Judgement]:
    named = {str(group.get("LogGroupName")) for group in estate.of("AWS::Logs::LogGroup")}
    for function in estate.of("AWS::Lambda::Function"):
        given = function.get("LoggingConfig.LogGroup")
        ok = bool(given) or f"/aws/lambda/{function.physical_id}" in named
        message = "its log group is made by the first call: without key, kept for ever"
        yield Judgement(function, ok, "LoggingConfig.LogGroup", "" if ok else message)


def _bucket_access_logs(estate: Estate) -> Iterator[Judgement]:
    for bucket in estate.of("AWS::S3::Bucket"):
        if not receives_access_logs(estate, bucket):
            given = bucket.get("LoggingConfiguration.DestinationBucketName")
            ok = bool(given) and given != bucket.physical_id
            message = "logs into itself" if given else "nobody records who reads and writes the bucket"
            yield Judgement(bucket, ok, "LoggingConfiguration", "" if ok else message)


def _load_balancers(estate: Estate) -> Iterator[Judgement]:
    for balancer in estate.of("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        if balancer.get("Type") == "gateway":
            continue
        ok = is_true(_attribute(balancer, "access_logs.s3.enabled"))
        yield Judgement(balancer, ok, "access_logs.s3.enabled", "" if ok else "requests to it are logged nowhere")


def _attribute(balancer: Resource, key: str) -> object:
    attributes = mappings(balancer.get("LoadBalancerAttributes"))
    return next((each.get("Value") for each in attributes if each.get("Key") == key), None)


def _firewalls(estate: Estate) -> Iterator[Judgement]:
    for kind, log, attribute in (
        ("AWS::WAFv2::WebACL", "AWS::WAFv2::LoggingConfiguration", "ResourceArn"),
        ("AWS::NetworkFirewall::Firewall", "AWS::NetworkFirewall::LoggingConfiguration", "FirewallArn"),
    ):
        logged = [estate.find(each.get(attribute), kind) for each in estate.of(log)]
        for firewall in estate.of(kind):
            ok = any(each is firewall for each in logged)
            yield Judgement(firewall, ok, "", "" if ok else f"no {log} says what it let through")


_rule = partial(Rule, phase=Phase.REPEATABLE)


RULES: tuple[Rule, ...] = (
    _rule(
        id="LOG-1.retention",
        title="Log groups are kept a year in production, 90 days in staging, 30 in development, and not for ever",
        rationale="An incident is found months later; logs that nobody ever deletes are a liability.",
        remedy="Set RetentionInDays to 365 or more in production (90 in staging, 30 in development).",
        severity=Severity.MEDIUM,
        check=_retention,
    ),
    _rule(
        id="LOG-1.access-logs-kept",
        title="Access logs are kept as long as other logs",
        rationale="An incident is found months later.",
        remedy="Raise ExpirationInDays of the bucket that receives access logs.",
        severity=Severity.MEDIUM,
        check=_access_logs_kept,
    ),
    _rule(
        id="LOG-1.own-log-group",
        title="Every function has a log group of its own in the template",
        rationale="The group Lambda makes has no key and no end.",
        remedy="Set LoggingConfig.LogGroup.",
        severity=Severity.MEDIUM,
        check=_own_log_group,
    ),
    _rule(
        id="LOG-2.logging-on",
        title="Whatever can log its use does",
        rationale="Without it nobody can tell afterwards who did what.",
        remedy="Set the property named to the value expected.",
        severity=Severity.MEDIUM,
        check=check("LOG-2.logging-on"),
    ),
    _rule(
        id="LOG-2.tracing-on",
        title="Functions, workflows and interfaces are traced",
        rationale="A trace shows the way of one request through all of them.",
        remedy="Set the property named to the value expected.",
        severity=Severity.LOW,
        check=check("LOG-2.tracing-on"),
    ),
    _rule(
        id="LOG-2.bucket-access-logs",
        title="Buckets log who reads and writes",
        rationale="Data events of a trail miss refused and anonymous requests.",
        remedy="Set LoggingConfiguration.DestinationBucketName.",
        severity=Severity.MEDIUM,
        check=_bucket_access_logs,
    ),
    _rule(
        id="LOG-2.load-balancer-logs",
        title="Load balancers log requests",
        rationale="They see the caller's address; nothing behind them does.",
        remedy="Set the attribute access_logs.s3.enabled to true.",
        severity=Severity.MEDIUM,
        check=_load_balancers,
    ),
    _rule(
        id="LOG-2.firewall-logs",
        title="Firewalls log what they let through and what not",
        rationale="A rule that is never looked at protects by luck.",
        remedy="Add the logging configuration of the firewall.",
        severity=Severity.MEDIUM,
        check=_firewalls,
    ),
)
