"""The review as OSCAL 1.2.1 assessment results (NIST's exchange format), ids derived from content.

A control is `satisfied` only if everything judged for it passed. A waived finding is not satisfied: its risk is there,
accepted as `deviation-approved` with owner, deadline and compensating control.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from mlops_constructs.compliance.evidence.statuses import OF_CHECK

Json = dict[str, Any]
OSCAL_VERSION = "1.2.1"
NIST = "nist-800-53-r5"
_SPACE = uuid.UUID("6f0a3c51-54b4-5b0e-9d0a-6f2f2b0f7f11")
_NS = "https://mlops-constructs.invalid/ns/oscal"
_STATE = {"COMPLIANT": ("satisfied", "pass"), "WAIVED": ("not-satisfied", "other")}
_NOT_A_PASS = ("FAIL", "ERROR", "WAIVED", "WAIVER_EXPIRED", "NOT_EVALUATED")


def oscal(document: Mapping[str, Any]) -> Json:
    """One result: observations per rule and outcome, risks per waiver and open rule, findings per control."""
    name = document["environment"]["name"]
    when = f"{document['date']}T00:00:00+00:00"
    title = f"Template review of environment {name}"
    checks: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for check in document["checks"]:
        checks.setdefault((check["tool"], check["rule"], check["status"]), []).append(check)
    observations = {key: _observation(key, found, when) for key, found in checks.items()}
    risks = [*_accepted(document), *_open(document, checks)]
    result: Json = {
        "uuid": _id("result", name, document["date"], *(each["sha256"] for each in document["templates"])),
        "title": title,
        "description": "Synthesized CloudFormation templates judged before deployment; nothing in an account was read.",
        "start": when,
        "end": when,
        "local-definitions": {"inventory-items": _items(document["checks"])},
        "reviewed-controls": {"control-selections": _selections(document)},
        "observations": list(observations.values()),
        "findings": list(_findings(document, checks, risks)),
    }
    if risks:
        result["risks"] = [risk for risk, _ in risks]
    return {
        "assessment-results": {
            "uuid": _id("assessment", result["uuid"]),
            "metadata": {
                "title": title,
                "last-modified": when,
                "version": document["date"],
                "oscal-version": OSCAL_VERSION,
            },
            "import-ap": {"href": f"#{_id('plan')}", "remarks": "the rules themselves are the plan"},
            "results": [result],
            "back-matter": {"resources": [_plan(document)]},
        }
    }


def _id(*parts: str) -> str:
    return str(uuid.uuid5(_SPACE, "\n".join(parts)))


def _props(**values: object) -> list[Json]:
    return [{"name": name.replace("_", "-"), "ns": _NS, "value": str(value)} for name, value in values.items() if value]


def _plan(document: Mapping[str, Any]) -> Json:
    tools = ", ".join(f"{each['name']} {each['version']}" for each in document["tools"] if each["ran"])
    return {
        "uuid": _id("plan"),
        "title": "Rules of the review",
        "description": f"Every rule of {tools}, applied to every resource it concerns.",
        "rlinks": [{"href": "review.json"}],
    }


def _items(checks: Iterable[Mapping[str, Any]]) -> list[Json]:
    found: dict[str, Json] = {}
    for check in checks:
        key = _id("item", check["path"])
        found.setdefault(
            key,
            {
                "uuid": key,
                "description": check["path"],
                "props": _props(
                    type=check["resource_type"], template=f"templates/{check['template']}", line=check["line"]
                ),
            },
        )
    return [found[key] for key in sorted(found)]


def _selections(document: Mapping[str, Any]) -> list[Json]:
    nist = _nist(document)
    ours = [each["id"].lower() for each in document["controls"]]
    theirs = sorted({_nist_id(each["id"]) for each in nist})
    return [
        {"description": words, "include-controls": [{"control-id": each} for each in ids]}
        for words, ids in (("Control catalogue of the platform", ours), ("NIST SP 800-53 revision 5", theirs))
        if ids
    ]


def _nist(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for each in document["frameworks"] if each["id"] == NIST for row in each["requirements"]]


def _nist_id(requirement: str) -> str:
    """`AC-2(1)` as OSCAL's catalogue writes it: ac-2.1; `AU-2b.` as ac-2_smt.b would name a statement: au-2."""
    found = re.match(r"([A-Za-z]{2}-\d+)(?:\((\d+)\))?", requirement)
    if not found:
        return re.sub(r"[^a-z0-9._-]", "-", requirement.lower())
    return found[1].lower() + (f".{found[2]}" if found[2] else "")


def _observation(key: tuple[str, str, str], checks: list[Mapping[str, Any]], when: str) -> Json:
    tool, rule, status = key
    places = sorted({_id("item", each["path"]) for each in checks})
    return {
        "uuid": _id("observation", *key),
        "title": f"{rule}: {OF_CHECK[status]}",
        "description": "\n".join(sorted({each["message"] for each in checks if each["message"]})) or rule,
        "props": [
            *_props(tool=tool, rule=rule, status=OF_CHECK[status]),
            *(prop for control in checks[0]["controls"] for prop in _props(control=control)),
        ],
        "methods": ["TEST"],
        "types": ["finding" if status in _NOT_A_PASS else "control-objective"],
        "subjects": [{"subject-uuid": each, "type": "inventory-item"} for each in places],
        "relevant-evidence": [
            {"href": f"templates/{each}", "description": "template judged"}
            for each in sorted({check["template"] for check in checks if check["template"]})
        ]
        or [{"href": "review.json", "description": "the whole review"}],
        "collected": when,
    }


_Risk = tuple[Json, set[tuple[str, str]]]
"""A risk and the (tool, rule) pairs it belongs to."""


def _accepted(document: Mapping[str, Any]) -> Iterable[_Risk]:
    for index, waiver in enumerate(document["waivers"]):
        covered = {(each["tool"], each["rule"]) for each in document["checks"] if each["waiver"] == index}
        if not covered:
            continue
        risk: Json = {
            "uuid": _id("risk", waiver["finding"], waiver["path"], waiver["reason"]),
            "title": f"Waived: {waiver['finding']}",
            "description": f"Accepted at {waiver['path']}",
            "statement": waiver["reason"],
            "props": _props(owner=waiver["owner"], ticket=waiver["ticket"]),
            "status": "deviation-approved" if waiver["days_left"] >= 0 else "open",
            "deadline": f"{waiver['review']}T00:00:00+00:00",
        }
        if waiver["compensating_control"]:
            risk["mitigating-factors"] = [
                {"uuid": _id("factor", risk["uuid"]), "description": waiver["compensating_control"]}
            ]
        yield risk, covered


def _open(
    document: Mapping[str, Any], checks: Mapping[tuple[str, str, str], list[Mapping[str, Any]]]
) -> Iterable[_Risk]:
    deciding = {each["name"] for each in document["tools"] if each["decides"]}
    for (tool, rule, status), found in checks.items():
        if tool in deciding and status in ("FAIL", "ERROR"):
            risk = {
                "uuid": _id("risk", tool, rule, status),
                "title": f"Open: {rule}",
                "description": f"{len(found)} resources: {', '.join(sorted({each['path'] for each in found}))}",
                "statement": found[0]["message"] or rule,
                "props": _props(severity=found[0]["severity"], tool=tool),
                "status": "open",
            }
            yield risk, {(tool, rule)}


def _findings(
    document: Mapping[str, Any], checks: Mapping[tuple[str, str, str], Any], risks: Iterable[_Risk]
) -> Iterable[Json]:
    nist = _nist(document)
    targets = [(each["id"].lower(), each["title"], each) for each in document["controls"]]
    targets += [(_nist_id(each["id"]), f"NIST SP 800-53 {each['id']}", each) for each in nist]
    for target, title, row in targets:
        rules = {(each["tool"], each["rule"]) for each in row["rules"]}
        observed = sorted(_id("observation", *key) for key in checks if key[:2] in rules)
        if not observed:
            continue
        state, reason = _STATE.get(row["status"], ("not-satisfied", "fail"))
        finding: Json = {
            "uuid": _id("finding", title),
            "title": title,
            "description": f"{row['status']}: {', '.join(f'{n} {status}' for status, n in row['counts'].items())}",
            "props": _props(status=row["status"]),
            "target": {
                "type": "objective-id",
                "target-id": target,
                "title": title,
                "status": {"state": state, "reason": reason},
            },
            "related-observations": [{"observation-uuid": each} for each in observed],
        }
        if related := sorted({risk["uuid"] for risk, covered in risks if covered & rules}):
            finding["related-risks"] = [{"risk-uuid": each} for each in related]
        yield finding
