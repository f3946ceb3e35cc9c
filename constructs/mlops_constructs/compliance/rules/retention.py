"""RET-1 and RET-2: data survive mistakes, and leave when their time has come."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.buckets import locked_days, receives_access_logs
from mlops_constructs.compliance.rules.expectations import DATA, check, mappings
from mlops_constructs.compliance.values import is_true

_KEPT = ("Retain", "Snapshot", "RetainExceptOnCreate")
_LEAST_VERSIONS, _MOST_VERSIONS = 30, 400  # days
_LEAST_LOCK, _LEAST_DATA = 30, 90  # days


def _kept_on_delete(estate: Estate) -> Iterator[Judgement]:
    if not estate.guarded:
        return
    for kind in stateful_types():
        for resource in estate.of(kind):
            for name, policy in (
                ("DeletionPolicy", resource.deletion_policy),
                ("UpdateReplacePolicy", resource.update_replace_policy),
            ):
                ok = policy in _KEPT
                message = f"{name} is {policy or 'not given'}: the data go with the resource"
                yield Judgement(resource, ok, name, "" if ok else message)


@lru_cache(maxsize=1)
def stateful_types() -> tuple[str, ...]:
    """Resource types that hold data or what data cannot be read without."""
    return tuple(sorted(json.loads((DATA / "stateful.json").read_text(encoding="utf-8"))))


def _versions_kept(estate: Estate) -> Iterator[Judgement]:
    if not estate.guarded:
        return
    for bucket in estate.of("AWS::S3::Bucket"):
        if not receives_access_logs(estate, bucket):
            days = [each for each in map(_noncurrent_days, _rules(bucket)) if each is not None]
            ok = all(each >= _LEAST_VERSIONS for each in days)
            message = f"a deleted object can be had back for {min(days, default=0)} days, expected {_LEAST_VERSIONS}"
            yield Judgement(bucket, ok, "NoncurrentDays", "" if ok else message)


def _locks_hold(estate: Estate) -> Iterator[Judgement]:
    least = _LEAST_LOCK if estate.guarded else 1
    for bucket in estate.of("AWS::S3::Bucket"):
        if is_true(bucket.get("ObjectLockEnabled")):
            ok = locked_days(bucket) >= least
            message = f"Object Lock is on and keeps objects for {locked_days(bucket)} days, expected {least}"
            yield Judgement(bucket, ok, "ObjectLockConfiguration", "" if ok else message)


def _data_stay(estate: Estate) -> Iterator[Judgement]:
    if not estate.guarded:
        return
    for bucket in estate.of("AWS::S3::Bucket"):
        written = [str(rule["ExpirationInDays"]) for rule in _rules(bucket, whole=True) if "ExpirationInDays" in rule]
        days = [int(each) for each in written if each.isdigit()]
        ok = all(each >= _LEAST_DATA for each in days)
        message = f"everything in the bucket is deleted after {min(days, default=0)} days, expected {_LEAST_DATA}"
        yield Judgement(bucket, ok, "ExpirationInDays", "" if ok else message)


def _versions_leave(estate: Estate) -> Iterator[Judgement]:
    for bucket in estate.of("AWS::S3::Bucket"):
        days = [each for each in map(_noncurrent_days, _rules(bucket, whole=True)) if each is not None]
        ok = bool(days) and min(days) <= _MOST_VERSIONS
        message = "old versions of its objects never leave, not even what a person asked to delete"
        yield Judgement(bucket, ok, "NoncurrentVersionExpiration", "" if ok else message)
        ok = any("AbortIncompleteMultipartUpload" in rule for rule in _rules(bucket, whole=True))
        message = "parts of broken uploads stay: paid for, in no listing"
        yield Judgement(bucket, ok, "AbortIncompleteMultipartUpload", "" if ok else message)


def _rules(bucket: Resource, *, whole: bool = False) -> list[Mapping[str, Any]]:
    """Lifecycle rules that are on; with `whole` those for the whole bucket."""
    return [
        rule
        for rule in mappings(bucket.get("LifecycleConfiguration.Rules"))
        if rule.get("Status") == "Enabled" and not (whole and (rule.get("Prefix") or rule.get("TagFilters")))
    ]


def _noncurrent_days(rule: Mapping[str, Any]) -> int | None:
    expiration = rule.get("NoncurrentVersionExpiration")
    days = expiration.get("NoncurrentDays") if isinstance(expiration, Mapping) else None
    written = str(rule.get("NoncurrentVersionExpirationInDays") if days is None else days)
    return int(written) if written.isdigit() else None


_rule = partial(Rule, phase=Phase.REPEATABLE)


RULES: tuple[Rule, ...] = (
    _rule(
        id="RET-1.kept-on-delete",
        title="What holds data survives the deletion of its stack and its own replacement (guarded environments)",
        rationale="One renamed construct deletes years of data.",
        remedy="Set DeletionPolicy and UpdateReplacePolicy to Retain, or Snapshot where the type knows it.",
        severity=Severity.CRITICAL,
        check=_kept_on_delete,
    ),
    _rule(
        id="RET-1.deletion-protection",
        title="Databases, tables, clusters and pools refuse deletion (guarded environments)",
        rationale="One call of the API is enough without it.",
        remedy="Set the property named to the value expected.",
        severity=Severity.HIGH,
        check=check("RET-1.deletion-protection", guarded=True),
    ),
    _rule(
        id="RET-1.backups",
        title="Databases keep backups of seven days or more (guarded environments)",
        rationale="A wrong statement is found days later.",
        remedy="Raise the property named.",
        severity=Severity.HIGH,
        check=check("RET-1.backups", guarded=True),
    ),
    _rule(
        id="RET-1.point-in-time-recovery",
        title="Tables and file systems can be had back as of any minute",
        rationale="A wrong write is found hours later.",
        remedy="Set the property named to the value expected.",
        severity=Severity.HIGH,
        check=check("RET-1.point-in-time-recovery"),
    ),
    _rule(
        id="RET-1.versioning",
        title="Buckets keep versions",
        rationale="An overwritten object is gone without them.",
        remedy="Set VersioningConfiguration.Status to Enabled.",
        severity=Severity.HIGH,
        check=check("RET-1.versioning"),
    ),
    _rule(
        id="RET-1.versions-kept",
        title="Old versions stay for a month or more (guarded environments)",
        rationale="A version that leaves at once is no way back.",
        remedy="Raise NoncurrentDays to 30 or more.",
        severity=Severity.MEDIUM,
        check=_versions_kept,
    ),
    _rule(
        id="RET-1.locks-hold",
        title="Object Lock, where it is on, keeps every new object for a time (a month in guarded environments)",
        rationale="Without a default retention a lock that is on locks nothing.",
        remedy="Set ObjectLockConfiguration.Rule.DefaultRetention with a mode and 30 days or more.",
        severity=Severity.HIGH,
        check=_locks_hold,
        also=("LOG-3",),
    ),
    _rule(
        id="RET-1.data-stay",
        title="No lifecycle rule empties a whole bucket within 90 days (guarded environments)",
        rationale="A rule without a prefix takes everything, also what it was not meant for.",
        remedy="Give the rule a prefix, or raise ExpirationInDays.",
        severity=Severity.MEDIUM,
        check=_data_stay,
    ),
    _rule(
        id="RET-2.data-leave",
        title="Buckets have lifecycle rules, archives of events an end",
        rationale="Data kept for ever are a liability nobody looks after.",
        remedy="Set the property named to the value expected.",
        severity=Severity.MEDIUM,
        check=check("RET-2.data-leave"),
    ),
    _rule(
        id="RET-2.versions-leave",
        title="Old versions and broken uploads leave every bucket",
        rationale="A deletion that leaves the old version behind deletes nothing.",
        remedy="Add an enabled rule for the whole bucket: NoncurrentVersionExpiration (400 days at most) and "
        "AbortIncompleteMultipartUpload.",
        severity=Severity.MEDIUM,
        check=_versions_leave,
    ),
)
