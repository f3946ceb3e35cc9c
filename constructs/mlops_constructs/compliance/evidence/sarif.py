"""The review as SARIF 2.1.0: one run per tool, every finding with template and line, waived ones as suppressed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning", "LOW": "note"}
_KIND = {"NOT_EVALUATED": "open", "ERROR": "fail", "FAIL": "fail", "WAIVED": "fail", "WAIVER_EXPIRED": "fail"}


def sarif(document: Mapping[str, Any]) -> Json:
    """Everything but passes; SARIF's viewers take a pass for a finding."""
    ran = [tool for tool in document["tools"] if tool["ran"]]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(document, tool) for tool in ran]}


def _run(document: Mapping[str, Any], tool: Mapping[str, Any]) -> Json:
    checks = [each for each in document["checks"] if each["tool"] == tool["name"] and each["status"] != "PASS"]
    rules = {each["rule"]: each for each in document["rules"] if each["tool"] == tool["name"]}
    named = sorted({each["rule"] for each in checks})
    driver: Json = {"name": tool["name"], "rules": [_rule(name, rules.get(name, {})) for name in named]}
    if tool["version"]:
        driver["version"] = tool["version"]
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"review/{document['environment']['name']}/{tool['name']}/"},
        "artifacts": [
            {"location": {"uri": each["file"]}, "hashes": {"sha-256": each["sha256"]}} for each in document["templates"]
        ],
        "results": [_result(document, check, named.index(check["rule"])) for check in checks],
    }


def _rule(name: str, row: Mapping[str, Any]) -> Json:
    rule: Json = {"id": name, "shortDescription": {"text": row.get("title") or name}}
    if row.get("rationale"):
        rule["fullDescription"] = {"text": row["rationale"]}
    if row.get("remedy"):
        rule["help"] = {"text": row["remedy"]}
    rule["properties"] = {"tags": [*row.get("controls", []), *row.get("references", [])]}
    return rule


def _result(document: Mapping[str, Any], check: Mapping[str, Any], index: int) -> Json:
    kind = _KIND[check["status"]]
    result: Json = {
        "ruleId": check["rule"],
        "ruleIndex": index,
        "kind": kind,
        # SARIF 3.27.10: a kind other than "fail" has no level.
        "level": _LEVEL[check["severity"]] if kind == "fail" else "none",
        "message": {"text": check["message"] or check["rule"]},
        "locations": [_location(check)],
        "partialFingerprints": {"finding/v1": _fingerprint(check["tool"], check["finding"], check["path"])},
        "properties": {"status": check["status"], "finding": check["finding"], "tags": check["controls"]},
    }
    if check["status"] == "WAIVED":
        result["suppressions"] = [_suppression(document["waivers"], check["waiver"])]
    return result


def _location(check: Mapping[str, Any]) -> Json:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": f"templates/{check['template']}"},
            "region": {"startLine": check["line"]},
        },
        "logicalLocations": [{"fullyQualifiedName": check["path"], "kind": "resource"}],
    }


def _suppression(waivers: Sequence[Mapping[str, Any]], index: int | None) -> Json:
    if index is None:
        return {"kind": "external", "status": "accepted"}
    waiver = waivers[index]
    text = f"{waiver['reason']} (owner {waiver['owner']}, review {waiver['review']})"
    return {"kind": "external", "status": "accepted", "justification": text}


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
