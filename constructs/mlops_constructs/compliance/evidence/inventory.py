"""Inventories a reviewer asks for: keys, public exposure, retention, classes of data, and what nobody can know yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource, Unknown
from mlops_constructs.compliance.evidence.ledger import Check
from mlops_constructs.compliance.evidence.places import place
from mlops_constructs.compliance.policy import documents

Row = dict[str, Any]
_KEY = re.compile(r"kms|masterkey|encryptionkey", re.IGNORECASE)
_NOT_A_KEY = re.compile(r"enabled|type|reuse|disabled|algorithm|context|option|rotation", re.IGNORECASE)
_TAG_OF_CLASS = "mlops:data-class"
_OPEN = ("0.0.0.0/0", "::/0")
_RANGES = frozenset({"CidrIp", "CidrIpv6", "DestinationCidrBlock"})
_OUTWARD = frozenset(
    {
        "PubliclyAccessible",
        "AssociatePublicIpAddress",
        "MapPublicIpOnLaunch",
        "Scheme",
        "AuthType",
        "AuthorizationType",
        "AppNetworkAccessType",
        "DirectInternetAccess",
    }
)
"""Properties that say whether the world can reach a resource; listed with their value, good or bad."""


def encryption_inventory(estate: Estate, checks: Iterable[Check]) -> list[Row]:
    """Every resource that holds data at rest, and the key it is under.

    A resource is here when a rule of ENC-1 judged it or when it names a key.
    """
    judged = _judged(checks, ("ENC-1",))
    rows = []
    for resource in estate.resources:
        keys = [
            {"property": where, **_key(estate, value)}
            for where, value in _walk(resource.properties)
            if _names_a_key(where) and isinstance(value, str) and value
        ]
        if resource.type.startswith("AWS::KMS::") or not (keys or _id(resource) in judged):
            continue
        rows.append({**place(resource), "keys": keys, "status": judged.get(_id(resource), "")})
    return rows


def exposure_inventory(estate: Estate, checks: Iterable[Check]) -> list[Row]:
    """Every resource with an outward face: a policy of its own, an address, a port, a public-access setting."""
    judged = _judged(checks, ("PUB-1", "PUB-2", "PUB-3"))
    rows = []
    for resource in estate.resources:
        facts = list(_faces(resource))
        if facts or _id(resource) in judged:
            rows.append({**place(resource), "facts": facts, "status": judged.get(_id(resource), "")})
    return rows


def retention_inventory(estate: Estate, checks: Iterable[Check]) -> list[Row]:
    """Every resource that keeps data: how long, and whether it outlives its stack."""
    judged = _judged(checks, ("RET-1", "RET-2", "LOG-1"))
    rows = []
    for resource in estate.resources:
        facts = list(_keeping(resource))
        if facts or _id(resource) in judged:
            policy = resource.deletion_policy or "Delete (default)"
            rows.append(
                {**place(resource), "deletion": policy, "facts": facts, "status": judged.get(_id(resource), "")}
            )
    return rows


def data_inventory(estate: Estate, encryption: Iterable[Row]) -> list[Row]:
    """Classes of data: the tag where a resource has one, else the key it is under; a class is a key here."""
    tags = {_id(each): dict(_tags(each)) for each in estate.resources}
    classes: dict[str, list[Row]] = {}
    for row in encryption:
        tag = tags[row["stack"], row["logical_id"]].get(_TAG_OF_CLASS)
        names = [tag] if tag else sorted({each["key"] for each in row["keys"]}) or ["no customer key"]
        for name in names:
            classes.setdefault(name, []).append(
                {**{key: row[key] for key in ("path", "type", "template", "line")}, "by": "tag" if tag else "key"}
            )
    return [{"class": name, "stores": classes[name]} for name in sorted(classes)]


def unknown_inventory(estate: Estate) -> list[Row]:
    """Every property whose value the templates do not hold."""
    return [
        {**place(resource), "property": where, "value": str(value)}
        for resource in estate.resources
        for where, value in _walk(resource.properties)
        if isinstance(value, Unknown)
    ]


def _judged(checks: Iterable[Check], controls: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """Worst status of our own rules of these controls, by resource."""
    order = ("ERROR", "FAIL", "WAIVER_EXPIRED", "NOT_EVALUATED", "WAIVED", "PASS")
    worst: dict[tuple[str, str], str] = {}
    for check in checks:
        if check.tool == "mlops" and check.rule.split(".")[0] in controls:
            known = worst.get((check.stack, check.logical_id), "PASS")
            worst[check.stack, check.logical_id] = min(known, check.status, key=order.index)
    return worst


def _id(resource: Resource) -> tuple[str, str]:
    return resource.stack, resource.logical_id


def _walk(value: object, where: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _walk(inner, f"{where}[{index}]")
    else:
        yield where, value


def _names_a_key(where: str) -> bool:
    # Inside a policy or a state machine the same words are permissions and arguments, not this resource's own key.
    if "Policy" in where or "Definition" in where or "Environment" in where:
        return False
    last = where.split(".")[-1].split("[")[0]
    return bool(_KEY.search(last)) and not _NOT_A_KEY.search(last)


def _key(estate: Estate, value: str) -> Row:
    found = estate.find(value)
    if found is not None:
        return {"key": place(found)["path"], "kind": "customer key"}
    if isinstance(value, Unknown):
        return {"key": value, "kind": "unknown before deployment"}
    kind = "AWS managed key" if "alias/aws/" in value else "key outside these templates"
    return {"key": value, "kind": kind}


def _tags(resource: Resource) -> Iterator[tuple[str, str]]:
    tags = resource.get("Tags")
    if isinstance(tags, Mapping):
        yield from ((str(key), str(value)) for key, value in tags.items())
    for tag in tags if isinstance(tags, (list, tuple)) else ():
        if isinstance(tag, Mapping):
            yield str(tag.get("Key")), str(tag.get("Value"))


def _faces(resource: Resource) -> Iterator[str]:
    if resource.type == "AWS::S3::Bucket":
        block = resource.get("PublicAccessBlockConfiguration") or {}
        closed = isinstance(block, Mapping) and sum(1 for value in block.values() if value is True) == 4
        yield "all four public access blocks on" if closed else "public access not wholly blocked"
    for where, value in _walk(resource.properties):
        last = where.split(".")[-1]
        if last in _OUTWARD or (last in _RANGES and value in _OPEN):
            yield f"{where} is {value}"
    for where, statements in documents(resource.properties):
        for statement in statements:
            if statement.allows and any(each.value == "*" for each in statement.principals):
                keys = sorted(each.key for each in statement.conditions)
                only = f" if {', '.join(keys)}" if keys else ", without condition"
                yield f"{where} allows everyone{only}"


def _keeping(resource: Resource) -> Iterator[str]:
    named = {
        "RetentionInDays": "kept {} days",
        "VersioningConfiguration.Status": "versioning {}",
        "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": "point-in-time recovery {}",
        "BackupRetentionPeriod": "backups kept {} days",
        "DeletionProtectionEnabled": "deletion protection {}",
        "DeletionProtection": "deletion protection {}",
        "ObjectLockEnabled": "object lock {}",
        "MessageRetentionPeriod": "messages kept {} seconds",
        "PendingWindowInDays": "deletion waits {} days",
    }
    for where, sentence in named.items():
        if (value := resource.get(where)) is not None:
            yield sentence.format(value)
    for rule in resource.get("LifecycleConfiguration.Rules") or ():
        if isinstance(rule, Mapping):
            yield from _lifecycle(rule)


def _lifecycle(rule: Mapping[str, Any]) -> Iterator[str]:
    where = rule.get("Prefix") or rule.get("Id") or "all objects"
    if (days := rule.get("ExpirationInDays")) is not None:
        yield f"{where}: objects leave after {days} days"
    noncurrent = rule.get("NoncurrentVersionExpiration")
    if isinstance(noncurrent, Mapping) and (days := noncurrent.get("NoncurrentDays")) is not None:
        yield f"{where}: old versions leave after {days} days"
