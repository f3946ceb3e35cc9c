"""cdk-nag's four packs as a ledger: passes, failures, errors, and how often a rule had nothing to judge."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.evidence.ledger.javascript import node_modules
from mlops_constructs.compliance.evidence.ledger.model import Check, Ledger

READ_VERSION = "3.0.2"
"""The cdk-nag whose insides were read: the ledger replaces a method that is not public."""

SECONDS = 120
_CONTROL_IDS = re.compile(r"\(Control IDs?: (?P<ids>.*?)\)\.?\s*$")


@dataclass(frozen=True)
class Pack:
    """One of cdk-nag's rule packs: its class, its framework in our catalogue, whether it still counts."""

    name: str
    klass: str
    framework: str | None
    legacy: bool = False


PACKS = (
    Pack("AwsSolutions", "AwsSolutionsChecks", None),
    Pack("NIST.800.53.R5", "NIST80053R5Checks", "nist-800-53-r5"),
    Pack("HIPAA.Security", "HIPAASecurityChecks", "hipaa"),
    # PCI DSS 3.2.1 was retired in March 2024; 4.0 comes from the control catalogue.
    Pack("PCI.DSS.321", "PCIDSS321Checks", None, legacy=True),
)


class NagError(RuntimeError):
    """The ledger could not be made."""


def nag_ledgers(estate: Estate, templates: Sequence[Path]) -> list[Ledger]:
    """Run every pack over the templates of one environment; one ledger per pack.

    Raises:
        NagError: cdk-nag is another version than the one read, Node is missing, or the script failed.
    """
    written = _run(templates)
    resources = {(each.template, each.logical_id): each for each in estate.resources}
    return [_ledger(pack, written, resources, templates) for pack in PACKS]


def _run(templates: Sequence[Path]) -> dict[str, Any]:
    installed = version("cdk-nag")
    if installed != READ_VERSION:
        raise NagError(
            f"the ledger was written against cdk-nag {READ_VERSION}, installed is {installed}: read "
            "lib/nag-pack.js (applyRule, addViolation), run the tests of the ledger, then change READ_VERSION"
        )
    request = {"packs": [pack.klass for pack in PACKS], "templates": [str(path.resolve()) for path in templates]}
    try:
        done = subprocess.run(
            ["node", str(Path(__file__).parent / "nag_ledger.js")],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, "NODE_PATH": str(node_modules())},
            check=False,
        )
    except FileNotFoundError as error:
        raise NagError("Node.js is missing: cdk-nag runs in it (install Node 20 or newer)") from error
    if done.returncode:
        raise NagError(f"cdk-nag's ledger failed: {done.stderr.strip()[-2000:]}")
    written: dict[str, Any] = json.loads(done.stdout)
    return written


def _ledger(
    pack: Pack, written: Mapping[str, Any], resources: Mapping[tuple[str, str], Resource], templates: Sequence[Path]
) -> Ledger:
    rules = {name: rule for name, rule in written["rules"].items() if rule["pack"] == pack.name}
    checks = [
        check
        for row in written["rows"]
        if row["pack"] == pack.name
        for check in _checks(pack, row, rules[row["rule"]], resources[Path(row["template"]).name, row["logicalId"]])
    ]
    checks += [_refusal(pack, path, why) for path in templates if (why := written["refused"].get(str(path.resolve())))]
    return Ledger(
        tool=f"cdk-nag {pack.name}",
        version=READ_VERSION,
        checks=tuple(checks),
        decides=not pack.legacy,
        note="retired standard, listed for those who still map to it; it never decides" if pack.legacy else "",
        titles={name: _words(rule) for name, rule in rules.items()},
        not_applicable={name: n for name, n in written["notApplicable"].items() if name in rules},
    )


def _checks(pack: Pack, row: Mapping[str, Any], rule: Mapping[str, str], resource: Resource) -> Iterator[Check]:
    message = row.get("error") or _words(rule)
    for detail in row["findings"] or [""]:
        suffix = f"[{detail}]" if detail else ""
        yield Check(
            tool=f"cdk-nag {pack.name}",
            rule=row["rule"],
            finding=f"{pack.name}::{row['rule']}{suffix}",
            status=row["status"],
            severity="MEDIUM",
            message=message,
            remedy=rule["explanation"].strip() if row["status"] == "FAIL" else "",
            stack=resource.stack,
            template=resource.template,
            line=resource.line,
            logical_id=resource.logical_id,
            resource_type=resource.type,
            path=resource.path,
            references=_references(pack, rule["info"]),
            twin=_twins(pack, rule["base"], suffix),
        )


def _words(rule: Mapping[str, str]) -> str:
    """What the rule says, without the ids that follow: they are in `references`."""
    return _CONTROL_IDS.sub("", rule["info"].strip()).rstrip(" -").rstrip()


def _twins(pack: Pack, base: str, suffix: str) -> tuple[str, ...]:
    """A retired pack cannot be acknowledged in the app; it runs the very functions of the packs that can."""
    if not pack.legacy:
        return ()
    return tuple(f"{p.name}::{p.name}-{base}{suffix}" for p in PACKS if not p.legacy and p.framework)


def _references(pack: Pack, info: str) -> tuple[str, ...]:
    found = _CONTROL_IDS.search(info.strip())
    if not pack.framework or not found:
        return ()
    return tuple(f"{pack.framework} {each.strip()}" for each in found["ids"].split(",") if each.strip())


def _refusal(pack: Pack, template: Path, why: str) -> Check:
    return Check(
        tool=f"cdk-nag {pack.name}",
        rule="template-not-loaded",
        finding=f"{pack.name}::template-not-loaded",
        status="ERROR",
        severity="HIGH",
        message=f"cdk-nag cannot load this template, so none of its rules judged it: {why}",
        stack="",
        template=template.name,
        line=1,
        logical_id="",
        resource_type="",
        path=template.name,
    )
