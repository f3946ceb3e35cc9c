"""Find the security properties of every CloudFormation type in its schema and write them as data of the policy pack.

    python -m venv build/schemas && build/schemas/bin/pip install cfn-lint==1.58.0
    .venv/bin/python tools/security_properties.py build/schemas/lib/python3.11/site-packages/cfnlint/data/schemas

Reads the provider schemas that cfn-lint ships (they are AWS's own), matches property names (`PATTERNS`), applies what
a person decided (`compliance/data/decisions.json`: exclusions with a reason, conditions, defaults of the service) and
writes `compliance/data/properties.json`. Look at the difference in git after an update of the schemas: each new line
is a new property to review.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "constructs" / "mlops_constructs" / "compliance" / "data"
REGION = "us-east-1"
LONGEST = 9  # schemas of nested rules refer to themselves
# A block that exists for encryption alone: when it is missing, what it belongs to is not encrypted.
BLOCK = re.compile(r"encrypt|^sse|kms|securityconfig|^keyconfiguration$|^provider$", re.IGNORECASE)
# Blocks whose absence leaves the service's insecure default.
OPTIONAL = re.compile(r"^(PublicAccessBlock|PointInTimeRecovery|DomainEndpointOptions|SslProperties)")
KEY = re.compile(
    r"kms_?(master)?_?key(id|arn|identifier)?$|^kms(arn|key)$|^cmkarn$|encryptionkey(arn|id)?$|customermanagedkey$",
    re.IGNORECASE,
)
KEY_IN_BLOCK = re.compile(r"^(key(id|arn)|id)$", re.IGNORECASE)
CUSTOMER = re.compile(r"kms|cmk|customer", re.IGNORECASE)
FOREIGN = re.compile(r"owned|aws_managed|context|disabled", re.IGNORECASE)
MODE = re.compile(r"(encryption(mode|type|option|strategy)|ssealgorithm|ssetype|keytype|cmktype)$", re.IGNORECASE)


@dataclass(frozen=True)
class Pattern:
    """Properties of this name, whose secure value is the same on every type."""

    rule: str
    name: re.Pattern[str]
    expect: dict[str, Any]
    absent: str  # what the service does without it: "passes" or "fails"
    kinds: tuple[str, ...] = ("boolean",)


def _named(rule: str, name: str, expect: dict[str, Any], absent: str, *kinds: str) -> Pattern:
    return Pattern(rule, re.compile(name), expect, absent, kinds or ("boolean",))


YES, NO = {"in": [True]}, {"in": [False]}
PATTERNS = (
    _named("ENC-1.encryption-on", r"^(Storage|KMS)?Encrypted$|^(SSE|AtRestEncryption)Enabled$", YES, "fails"),
    _named(
        "ENC-1.encryption-on",
        r"(Volume|S3|CloudWatch)EncryptionEnabled$|^CacheDataEncrypted$|^EnableParametersEncryption$",
        YES,
        "fails",
    ),
    _named("ENC-1.encryption-on", r"^(CustomerManagedKeyEnabled|ReturnConnectionPasswordEncrypted)$", YES, "fails"),
    _named("ENC-1.encryption-on", r"^EncryptionDisabled$", NO, "passes"),
    _named("ENC-1.encryption-on", r"^NoEncryptionConfig$", {"absent": True}, "passes", "string"),
    _named("ENC-3.in-transit", r"^(TransitEncryptionEnabled|EnforceHTTPS|TLSEnabled|RequireTLS)$", YES, "fails"),
    _named("ENC-3.in-transit", r"^(RequireEncryption|InCluster)$", YES, "fails"),
    _named("ENC-3.in-transit", r"^(InsecureSsl|InsecureIngest|DisableSsl)$", NO, "passes"),
    _named("ENC-3.in-transit", r"^TransitEncryption$", {"in": ["ENABLED"]}, "fails", "string"),
    _named("ENC-3.in-transit", r"^InTransitEncryption$", {"in": ["TLS1_2"]}, "fails", "string"),
    _named("ENC-3.in-transit", r"^S[sS][lL]Mode$", {"not": ["none", "Disabled"]}, "fails", "string"),
    _named("ENC-3.in-transit", r"^ClientBroker$", {"in": ["TLS"]}, "passes", "string"),
    _named("ENC-3.in-transit", r"^TlsPolicy$", {"in": ["REQUIRED", "FIPS", "Require", "REQUIRE"]}, "fails", "string"),
    _named("PUB-2.not-public", r"^(Is)?PubliclyAccessible$|^PublicConnectivity$", NO, "fails"),
    _named("PUB-2.public-access-block", r"^(BlockPublicAcls|IgnorePublicAcls|BlockPublicPolicy)$", YES, "fails"),
    _named("PUB-2.public-access-block", r"^RestrictPublicBuckets$", YES, "fails"),
    _named("PUB-3.no-public-address", r"^(MapPublicIpOnLaunch|Associate(Carrier|Public)IpAddress)$", NO, "passes"),
    _named("PUB-3.no-public-address", r"^(CreatePublicIP|EndpointPublicAccess)$", NO, "fails"),
    _named("PUB-3.no-public-address", r"^AssignPublicIp$", {"in": ["DISABLED"]}, "passes", "string"),
    _named("PUB-3.no-public-address", r"^Scheme$", {"in": ["internal"]}, "fails", "string"),
    _named("RET-1.deletion-protection", r"^(Deletion|Termination)Protection(Enabled)?$", YES, "fails"),
    _named("RET-1.deletion-protection", r"^DeletionProtection$", {"in": ["ACTIVE", "ENABLED"]}, "fails", "string"),
    _named("RET-1.point-in-time-recovery", r"^PointInTimeRecoveryEnabled$", YES, "fails"),
    _named(
        "RET-1.backups",
        r"^(BackupRetentionPeriod|SnapshotRetentionLimit|AutomaticBackupRetentionDays|AutomatedSnapshotRetentionPeriod)$",
        {"min": 7},
        "fails",
        "integer",
    ),
    _named(
        "OPS-4.patched", r"^(AutoMinorVersionUpgrade|AllowVersionUpgrade|AutoSoftwareUpdateEnabled)$", YES, "passes"
    ),
)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("schemas", type=Path, help="cfn-lint's data/schemas folder")
    arguments = parser.parse_args()
    decisions = json.loads((DATA / "decisions.json").read_text())
    types = _cloudformation(arguments.schemas)
    table: dict[str, dict[str, list[dict[str, Any]]]] = {}
    used: set[str] = set()
    for name, properties in sorted(types.items()):
        for rule, row in _rows(properties):
            keys = [f"{name}.{row['path']}", name, f"*.{row['path'].split('.')[-1]}"]
            used.update(key for key in keys if key in decisions["excluded"] or key in decisions["changed"])
            if any(key in decisions["excluded"] or f"{rule} {key}" in decisions["excluded"] for key in keys):
                used.update(f"{rule} {key}" for key in keys if f"{rule} {key}" in decisions["excluded"])
                continue
            for key in reversed(keys):
                row |= decisions["changed"].get(key, {}) | decisions["changed"].get(f"{rule} {key}", {})
                used.update({f"{rule} {key}"} & set(decisions["changed"]))
            table.setdefault(rule, {}).setdefault(name, []).append(row)
    if stale := (set(decisions["excluded"]) | set(decisions["changed"])) - used:
        raise SystemExit(f"decisions.json speaks of properties that no pattern finds: {', '.join(sorted(stale))}")
    (DATA / "properties.json").write_text(_written(table))


def _written(table: dict[str, dict[str, list[dict[str, Any]]]]) -> str:
    # One line per property, so that a change of the schemas reads as a list in git.
    rules = []
    for rule, types in sorted(table.items()):
        lines = [
            f"  {json.dumps(name)}: [\n   " + ",\n   ".join(json.dumps(row) for row in rows) + "\n  ]"
            for name, rows in sorted(types.items())
        ]
        rules.append(f" {json.dumps(rule)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(rules) + "\n}\n"


def _rows(properties: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    keys = {path for path, node in properties.items() if _is_key(path, node)}
    blocks = {path.rpartition(".")[0] for path in keys}
    for path, node in properties.items():
        parent, _, last = path.rpartition(".")
        if path in keys:
            yield (
                "ENC-1.customer-key",
                {"path": path, "anchor": _anchor(path), "expect": {"key": True}, "absent": "fails"},
            )
            continue
        if expect := _mode(parent, last, node):
            # Without the block the key is missing: said once, there.
            anchor = parent if parent in blocks else _anchor(path)
            yield "ENC-1.encryption-on", {"path": path, "anchor": anchor, "expect": expect, "absent": "fails"}
        for pattern in PATTERNS:
            if pattern.name.search(last) and node.get("type") in pattern.kinds:
                anchor = parent if parent in blocks and pattern.rule.startswith("ENC-1") else _anchor(path)
                yield (
                    pattern.rule,
                    {"path": path, "anchor": anchor, "expect": pattern.expect, "absent": pattern.absent},
                )


def _is_key(path: str, node: dict[str, Any]) -> bool:
    parent, _, last = path.rpartition(".")
    if node.get("type") != "string" or node.get("enum"):
        return False
    inside = re.sub(r"(\.\*)+$", "", parent).rpartition(".")[2]
    return bool(KEY.search(last) or (KEY_IN_BLOCK.search(last) and inside and BLOCK.search(inside)))


def _mode(parent: str, last: str, node: dict[str, Any]) -> dict[str, Any] | None:
    values = [value for value in node.get("enum", ()) if isinstance(value, str)]
    secure = [value for value in values if CUSTOMER.search(value) and not FOREIGN.search(value)]
    inside = parent.rpartition(".")[2]
    named = MODE.search(last) or (last == "Type" and BLOCK.search(inside)) or last in {"CatalogEncryptionMode"}
    return {"in": secure} if named and secure else None


def _anchor(path: str) -> str:
    """The deepest part above the property that is no mere encryption block: where it exists, the property counts."""
    parts = path.split(".")[:-1]
    while parts:
        named = [part for part in parts if part != "*"][-1]
        if not BLOCK.search(named) and not OPTIONAL.search(named):
            break
        while parts.pop() == "*":
            pass
    return ".".join(parts)


def _cloudformation(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    names = json.loads((folder / "providers" / f"{REGION}.json").read_text())
    found = {}
    for name, file in names.items():
        if not name.startswith("AWS::"):
            continue
        schema = json.loads((folder / "resources" / f"{file}.json").read_text())
        read_only = {
            entry.removeprefix("/properties/").replace("/", ".") for entry in schema.get("readOnlyProperties", ())
        }
        paths = _walk(schema, {"properties": schema.get("properties", {})}, (), frozenset())
        found[name] = {path: node for path, node in paths if path not in read_only}
    return found


def _walk(
    schema: dict[str, Any], node: dict[str, Any], path: tuple[str, ...], seen: frozenset[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    if "$ref" in node:
        if node["$ref"] in seen:
            return
        target: Any = schema
        for part in node["$ref"].lstrip("#/").split("/"):
            target = target[part]
        yield from _walk(schema, target, path, seen | {node["$ref"]})
        return
    if len(path) > LONGEST:
        return
    if path:
        yield ".".join(path), node
    choices = [choice for word in ("oneOf", "anyOf", "allOf") for choice in node.get(word, ())]
    children = {k: v for choice in choices for k, v in choice.get("properties", {}).items()}
    for name, child in {**children, **node.get("properties", {})}.items():
        yield from _walk(schema, child, (*path, name), seen)
    for choice in choices:
        if "$ref" in choice and path and not node.get("properties"):
            yield from (found for found in _walk(schema, choice, path, seen) if found[0] != ".".join(path))
    for child in node.get("patternProperties", {}).values():
        if isinstance(child, dict):
            yield from _walk(schema, child, (*path, "*"), seen)
    if isinstance(node.get("items"), dict):
        yield from _walk(schema, node["items"], (*path, "*"), seen)


if __name__ == "__main__":
    main()
