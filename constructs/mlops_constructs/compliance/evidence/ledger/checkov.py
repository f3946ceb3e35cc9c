"""checkov as a second opinion, in an environment of its own: it pins old versions of what we use.

`requirements-checkov.txt` beside the library names the version; `make checkov` installs it into `.venv-checkov`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.evidence.ledger.model import Check, Ledger

TOOL = "checkov"
SECONDS = 300
# Side by side its processes render imports in an order of chance: once in several runs on a busy machine three more
# functions "held a secret". In one process, hashing alike, the same templates get the same answer.
_STEADY = {"CHECKOV_PARALLELIZATION_TYPE": "none", "PYTHONHASHSEED": "0"}
_LISTS = {"passed_checks": "PASS", "failed_checks": "FAIL"}


class CheckovError(RuntimeError):
    """checkov ran and gave no answer."""


def checkov_ledger(estate: Estate, templates: Sequence[Path], program: Path | None) -> Ledger:
    """What checkov says of the templates.

    Args:
        estate: The templates, read.
        templates: Their files.
        program: The `checkov` program; without one the ledger says that it did not run.

    Raises:
        CheckovError: It wrote no JSON, or could not parse a template.
    """
    if program is None or not program.exists():
        return Ledger(tool=TOOL, version="", ran=False, note="second opinion left out (`make checkov` installs it)")
    runs = _run(templates, program)
    resources = {(each.template, each.logical_id): each for each in estate.resources}
    checks, titles = [], {}
    for run in runs:
        broken = run.get("results", {}).get("parsing_errors", [])
        if broken:
            raise CheckovError(f"checkov could not parse {', '.join(sorted(broken))}")
        for name, status in _LISTS.items():
            for row in run.get("results", {}).get(name, []):
                titles[row["check_id"]] = row["check_name"]
                checks.append(_check(row, status, resources))
    installed = next((run["summary"]["checkov_version"] for run in runs if "summary" in run), "")
    return Ledger(tool=TOOL, version=installed, checks=tuple(checks), titles=titles)


def _run(templates: Sequence[Path], program: Path) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as scratch:
        # A folder of nothing but the templates: checkov would read assets and manifests too.
        for path in templates:
            (Path(scratch) / path.name).write_bytes(path.read_bytes())
        command = [str(program), "--directory", scratch, "--framework", "cloudformation", "--skip-download"]
        done = subprocess.run(
            [*command, "--output", "json", "--compact"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, **_STEADY, "LOG_LEVEL": "CRITICAL"},
            check=False,
        )
    try:
        written = json.loads(done.stdout)
    except json.JSONDecodeError as error:
        raise CheckovError(f"checkov wrote no JSON (exit {done.returncode}): {done.stderr.strip()[-1000:]}") from error
    return written if isinstance(written, list) else [written]


def _check(row: Mapping[str, Any], status: str, resources: Mapping[tuple[str, str], Any]) -> Check:
    template = Path(row["file_path"]).name
    resource_type, _, logical_id = row["resource"].rpartition(".")
    resource = resources.get((template, logical_id))
    return Check(
        tool=TOOL,
        rule=row["check_id"],
        finding=f"{TOOL}::{row['check_id']}",
        status=status,
        severity="MEDIUM",
        message=row["check_name"],
        stack=resource.stack if resource else "",
        template=template,
        line=resource.line if resource else row["file_line_range"][0],
        logical_id=logical_id,
        resource_type=resource.type if resource else resource_type,
        path=resource.path if resource else f"{template}/{logical_id}",
    )
