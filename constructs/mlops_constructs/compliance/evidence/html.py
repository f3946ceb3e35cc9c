"""The review as one self-contained page: no request leaves it, and it reads without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from mlops_constructs.compliance.evidence.statuses import OF_CHECK, WORST_FIRST

Row = Mapping[str, Any]
_FOLDER = Path(__file__).parent / "page"
SYMBOLS = {
    "COMPLIANT": "✓",
    "WAIVED": "≈",
    "NOT_EVALUATED": "?",
    "NOT_APPLICABLE": "-",
    "WAIVER_EXPIRED": "⏱",
    "NON_COMPLIANT": "✗",
    "ERROR": "!",
}
"""Status is never shown by colour alone."""


def page(document: Mapping[str, Any]) -> str:
    """Render the review."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["words"] = lambda status: status.replace("_", " ").lower()
    environment.filters["anchor"] = lambda text: re.sub(r"[^A-Za-z0-9.-]+", "-", text)
    environment.filters["breaks"] = _breaks
    environment.filters["dots"] = lambda text: Markup(str(escape(text)).replace(".", ".<wbr>"))  # noqa: S704 (escaped)
    environment.filters["where"] = lambda row: f"{row['template']}:{row['line']}"
    return environment.get_template("index.html.j2").render(
        review=document,
        view=_view(document),
        symbols=SYMBOLS,
        order=WORST_FIRST,
        style=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),  # noqa: S704 (our own file)
        script=Markup((_FOLDER / "script.js").read_text(encoding="utf-8")),  # noqa: S704 (our own file)
    )


def _breaks(text: object) -> Markup:
    """Let a path break at its slashes and a file name at its dots, not inside a word."""
    return Markup(re.sub(r"(/|(?=\.template)|(?=:\d+$)|-(?=\w{4}))", r"\1<wbr>", str(escape(text))))  # noqa: S704 (escaped)


def _view(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows, in its order: each rule once, under its first control, linked from the others."""
    checks: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for check in document["checks"]:
        row = {**check, "status": OF_CHECK[check["status"]]}
        checks.setdefault((check["tool"], check["rule"]), []).append(row)
    rules = [_rule(rule, checks.get((rule["tool"], rule["rule"]), [])) for rule in document["rules"]]
    judged = [rule for rule in rules if rule["status"] != "NOT_APPLICABLE"]
    families: dict[str, list[dict[str, Any]]] = {}
    for control in document["controls"]:
        mine = sorted((rule for rule in judged if control["id"] in rule["controls"]), key=_worst_first)
        families.setdefault(control["family"], []).append(
            {
                **control,
                "own": [rule for rule in mine if rule["controls"][0] == control["id"]],
                "shared": [rule for rule in mine if rule["controls"][0] != control["id"]],
            }
        )
    known = {control["id"] for control in document["controls"]}
    outside = [rule for rule in judged if not known & set(rule["controls"])]
    by_tool: dict[str, list[dict[str, Any]]] = {}
    for rule in sorted(outside, key=_worst_first):
        by_tool.setdefault(rule["tool"], []).append(rule)
    silent: dict[str, list[str]] = {}
    for rule in rules:
        if rule["status"] == "NOT_APPLICABLE":
            silent.setdefault(rule["tool"], []).append(rule["rule"])
    return {
        "families": families,
        "outside": by_tool,
        "silent": silent,
        "waivers": _decisions(document["waivers"]),
        "waiver_problems": [check for rule in judged if rule["rule"].startswith("WAIVER-") for check in rule["checks"]],
        "open": [check for rule in judged if rule["decides"] for check in rule["checks"] if _is_open(check)],
    }


def _rule(rule: Row, checks: list[dict[str, Any]]) -> dict[str, Any]:
    """A rule with its checks; what passed is listed once per resource, however many details passed."""
    passed = {(each["path"], each["template"], each["line"]): each for each in checks if each["status"] == "COMPLIANT"}
    others = [each for each in checks if each["status"] != "COMPLIANT"]
    return {**rule, "checks": checks, "passed": list(passed.values()), "others": others}


def _decisions(waivers: list[Row]) -> list[dict[str, Any]]:
    """Waivers by what was decided: one sentence of reason often covers many findings. Late and stale ones first."""
    said = ("state", "reason", "owner", "review", "days_left", "compensating_control", "ticket")
    found: dict[tuple[Any, ...], list[Row]] = {}
    for waiver in waivers:
        found.setdefault(tuple(waiver[name] for name in said), []).append(waiver)
    rows = [{**dict(zip(said, key, strict=True)), "covered": covered} for key, covered in found.items()]
    return sorted(rows, key=lambda row: (row["state"] == "ACTIVE", row["days_left"]))


def _worst_first(rule: Row) -> tuple[int, str, str]:
    # Our own rules before those of others.
    return WORST_FIRST.index(rule["status"]), "" if rule["tool"] == "mlops" else rule["tool"], rule["rule"]


def _is_open(check: Row) -> bool:
    return check["status"] in ("NON_COMPLIANT", "ERROR", "WAIVER_EXPIRED")
