"""`python -m mlops_constructs.compliance unused CDK_OUT USAGE`: permissions that a recorded run did not need."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_constructs.compliance.estate import Estate, TemplateError, load
from mlops_constructs.compliance.usage.record import (
    UsageError,
    Used,
    read_decisions,
    read_summary,
    write_summary,
)
from mlops_constructs.compliance.usage.unused import read_reasons, stale, unexplained, unused

UNUSABLE = 2


def main(arguments: Sequence[str]) -> int:
    """Run the command; 1 when a permission is neither used nor explained, 2 on unusable input."""
    given = _parser().parse_args(arguments)
    try:
        estate = _estate(given.templates, given.environment)
        used = _read(given.usage, estate)
        reasons = read_reasons(given.reasons) if given.reasons else []
    except (TemplateError, UsageError) as error:
        sys.stderr.write(f"unused: {error}\n")
        return UNUSABLE
    if given.record:
        write_summary(given.record, used)
    found = unused(estate, used)
    left = unexplained(found, reasons)
    for each in left:
        sys.stdout.write(f"{each.role}: {each.action} on {', '.join(each.resources)}\n")
    for reason in stale(found, reasons):
        sys.stdout.write(f"stale reason: {reason.action} of {reason.role}: {reason.reason}\n")
    sys.stdout.write(f"{len(found)} permissions unused, {len(found) - len(left)} of them explained\n")
    return int(bool(left) or bool(stale(found, reasons)))


def _estate(path: Path, environment: str | None) -> Estate:
    found = [each for each in load(path) if environment in (None, each.name)]
    if len(found) != 1:
        names = ", ".join(each.name for each in load(path))
        raise UsageError(f"{path} holds {names}: choose one with --environment")
    return found[0]


def _read(path: Path, estate: Estate) -> Used:
    return read_summary(path) if path.suffix == ".json" else read_decisions(path, estate)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlops_constructs.compliance unused", description=__doc__)
    parser.add_argument("templates", type=Path, metavar="CDK_OUT", help="the templates that were deployed")
    parser.add_argument("usage", type=Path, help="iam-usage.jsonl of a run, or a summary recorded from one (.json)")
    parser.add_argument("--environment", metavar="NAME", help="environment, when there are several")
    parser.add_argument("--reasons", type=Path, metavar="FILE", help="reviewed list of what stays unused, and why")
    parser.add_argument("--record", type=Path, metavar="OUT", help="write the used actions by role")
    return parser
