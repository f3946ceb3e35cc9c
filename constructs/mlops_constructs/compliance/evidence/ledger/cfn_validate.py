"""cloudformation-validate: whether CloudFormation itself would take the templates (schemas, types, references)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.evidence.ledger.model import Check, Ledger

if TYPE_CHECKING:
    from cloudformation_validate import Diagnostic

TOOL = "cloudformation-validate"
_SEVERITY = {"FATAL": "CRITICAL", "ERROR": "HIGH", "WARN": "MEDIUM"}
"""Below a warning it says what a property is like, not that something is wrong: counted, not listed."""


def cfn_validate_ledger(estate: Estate, templates: Sequence[Path]) -> Ledger:
    """Findings per resource, and one pass per template without any."""
    try:
        installed = version(TOOL)
    except PackageNotFoundError:
        return Ledger(tool=TOOL, version="", ran=False, note=f"not installed: pip install {TOOL}")
    from cloudformation_validate import CompositeEngine

    engine = CompositeEngine()
    lines = {(each.template, each.logical_id): each for each in estate.resources}
    checks: list[Check] = []
    remarks: dict[str, int] = {}
    for path in templates:
        found = []
        for diagnostic in engine.validate_template(path).diagnostics:
            if diagnostic.severity.name not in _SEVERITY:
                remarks[diagnostic.rule_id] = remarks.get(diagnostic.rule_id, 0) + 1
                continue
            logical_id = (diagnostic.entity.logical_id if diagnostic.entity else "") or ""
            resource = lines.get((path.name, logical_id))
            stack, where = (resource.stack, resource.path) if resource else ("", path.name)
            found.append(_check(diagnostic, path.name, stack, logical_id, where))
        checks += found or [_clean(path)]
    return Ledger(tool=TOOL, version=installed, checks=tuple(checks), not_applicable=remarks)


def _check(diagnostic: Diagnostic, template: str, stack: str, logical_id: str, path: str) -> Check:
    where = f"[{diagnostic.property_path}]" if diagnostic.property_path else ""
    return Check(
        tool=TOOL,
        rule=diagnostic.rule_id,
        finding=f"{TOOL}::{diagnostic.rule_id}{where}",
        status="FAIL",
        severity=_SEVERITY[diagnostic.severity.name],
        message=diagnostic.message,
        remedy=diagnostic.suggested_fix or "",
        stack=stack,
        template=template,
        line=diagnostic.start_line or 1,
        logical_id=logical_id,
        resource_type=(diagnostic.entity.resource_type if diagnostic.entity else "") or "",
        path=path,
    )


def _clean(path: Path) -> Check:
    return Check(
        tool=TOOL,
        rule="schemas",
        finding=f"{TOOL}::schemas",
        status="PASS",
        severity="HIGH",
        message="every resource fits the current CloudFormation schema, references and limits",
        stack="",
        template=path.name,
        line=1,
        logical_id="",
        resource_type="",
        path=path.name,
    )
