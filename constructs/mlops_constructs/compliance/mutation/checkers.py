"""The checkers that mutants are shown to; each says which mutants it noticed, by new findings nobody waived."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..estate import Estate, load
from ..evidence.ledger import nag
from ..evidence.ledger.checkov import _run as run_checkov
from ..evidence.ledger.javascript import node_modules
from ..run import Status, evaluate, waivers_of
from ..waivers import read_waivers
from . import together
from .batches import Finding, caught
from .model import Corpus, Mutant, Template

Caught = dict[str, set[str]]
"""By id of the mutant, the findings that gave it away."""
CHUNK = 40
"""Templates for one Node process: more would not fit into its memory with all their verdicts."""


class Subject:
    """The environment under test: its templates, its waivers and the day.

    Args:
        folder: Stage folder of one environment in a cloud assembly.
        today: Day on which waivers are judged.
    """

    def __init__(self, folder: Path, today: dt.date) -> None:
        self.folder, self.today = folder, today
        self.corpus = Corpus.read(folder)
        self.waivers = read_waivers(folder)

    @cached_property
    def estate(self) -> Estate:
        """The environment as it is."""
        (found,) = load(self.folder)
        return found

    def damaged(self, changed: Mapping[str, Template]) -> Estate:
        """The environment with some templates replaced, by file name."""
        templates = [
            replace(each, body=changed[each.file]) if each.file in changed else each for each in self.estate.templates
        ]
        return Estate(self.estate.name, templates, stage=self.estate.stage)

    def is_waived(self, finding: str, template: str, logical_id: str) -> bool:
        """Whether a waiver covers the finding on this resource."""
        path = self._paths.get((template, logical_id)) or f"{self._stack_paths[template]}/{logical_id}"
        return any(each.covers(finding, path) for each in self.waivers)

    @cached_property
    def _paths(self) -> dict[tuple[str, str], str]:
        return {(each.template, each.logical_id): each.path for each in self.estate.resources}

    @cached_property
    def _stack_paths(self) -> dict[str, str]:
        return {each.template: "/".join(each.path.split("/")[:2]) for each in self.estate.resources}


def pack(subject: Subject, mutants: Sequence[Mutant]) -> Caught:
    """Our rules over the whole environment.

    A rule that fails on a mutant is no catch, and told on stderr.
    """

    def judge(changed: Mapping[str, Template]) -> set[together.Finding]:
        return _open_findings(subject, subject.damaged(changed))

    return together.caught(subject.corpus, mutants, judge)


def _open_findings(subject: Subject, estate: Estate) -> set[together.Finding]:
    findings = evaluate(estate, waivers_of(subject.estate), subject.today)
    for each in findings:
        if each.status is Status.ERROR:
            sys.stderr.write(f"mutate: {each.rule}: {each.message}\n")
    # A waiver that covers nothing any more fails the gate too, but is no finding about the damage.
    return {
        (each.finding, (each.template, each.resource))
        for each in findings
        if each.status in (Status.FAIL, Status.WAIVER_EXPIRED) and not each.rule.startswith("WAIVER-")
    }


def cdk_nag(subject: Subject, mutants: Sequence[Mutant]) -> Caught:
    """The packs of cdk-nag that decide: AwsSolutions, NIST 800-53 r5 and HIPAA."""

    def judge(templates: Sequence[tuple[str, Template]]) -> list[set[Finding]]:
        starts = range(0, len(templates), CHUNK)
        return [found for start in starts for found in _nag(subject, templates[start : start + CHUNK])]

    return caught(subject.corpus, mutants, judge)


def _nag(subject: Subject, templates: Sequence[tuple[str, Template]]) -> list[set[Finding]]:
    packs = [each.klass for each in nag.PACKS if not each.legacy]
    with tempfile.TemporaryDirectory() as scratch:
        paths = _written(Path(scratch), templates)
        done = subprocess.run(
            ["node", str(Path(nag.__file__).parent / "nag_ledger.js")],
            input=json.dumps({"packs": packs, "templates": [str(path) for path in paths]}),
            capture_output=True,
            text=True,
            env={**os.environ, "NODE_PATH": str(node_modules())},
            check=True,
        )
    ledger = json.loads(done.stdout)
    found: dict[str, set[Finding]] = {str(path): set() for path in paths}
    for row in ledger["rows"]:
        for detail in row["findings"] or [""] if row["status"] == "FAIL" else []:
            name = f"{row['pack']}::{row['rule']}" + (f"[{detail}]" if detail else "")
            found[row["template"]].add((name, row["logicalId"]))
    return [
        {each for each in found[str(path)] if not subject.is_waived(each[0], template, each[1])}
        for path, (template, _) in zip(paths, templates, strict=True)
    ]


def cloudformation_validate(subject: Subject, mutants: Sequence[Mutant]) -> Caught:
    """Warnings of the rules of cfn-lint.

    Errors do not count: they say that CloudFormation would refuse the template, which is a blunder of the mutant (an
    example is no ARN) and no security finding.
    """
    from cloudformation_validate import CompositeEngine  # loading its library costs 2 s

    engine = CompositeEngine()

    def judge(templates: Sequence[tuple[str, Template]]) -> list[set[Finding]]:
        return [set(_diagnostics(engine, body)) for _, body in templates]

    return caught(subject.corpus, mutants, judge)


def _diagnostics(engine: Any, body: Template) -> Iterator[Finding]:
    for each in engine.validate_template(json.dumps(body).encode()).diagnostics:
        if each.severity.name == "WARN":
            about = (each.entity.logical_id if each.entity else None) or ""
            yield f"cloudformation-validate::{each.rule_id}[{each.property_path}]", about


def checkov(subject: Subject, mutants: Sequence[Mutant], program: Path) -> Caught:
    """checkov's rules for CloudFormation, all templates in one run."""

    def judge(templates: Sequence[tuple[str, Template]]) -> list[set[Finding]]:
        if not templates:
            return []
        with tempfile.TemporaryDirectory() as scratch:
            paths = _written(Path(scratch), templates)
            runs = run_checkov(paths, program)
        found: dict[str, set[Finding]] = {path.name: set() for path in paths}
        for row in (row for run in runs for row in run.get("results", {}).get("failed_checks", [])):
            found[Path(row["file_path"]).name].add((f"checkov::{row['check_id']}", row["resource"].rpartition(".")[2]))
        return [found[path.name] for path in paths]

    return caught(subject.corpus, mutants, judge)


def _written(folder: Path, templates: Sequence[tuple[str, Template]]) -> list[Path]:
    paths = []
    for index, (name, body) in enumerate(templates):
        path = folder / f"{index:04}-{name}"
        path.write_text(json.dumps(body))
        paths.append(path)
    return paths
