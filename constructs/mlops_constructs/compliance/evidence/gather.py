"""Run every checker over one environment, the slow ones side by side, and say how long each took."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.evidence.catalogue import foreign_controls
from mlops_constructs.compliance.evidence.ledger import Ledger
from mlops_constructs.compliance.evidence.ledger.cfn_validate import cfn_validate_ledger
from mlops_constructs.compliance.evidence.ledger.checkov import checkov_ledger
from mlops_constructs.compliance.evidence.ledger.nag import nag_ledgers

Say = Callable[[str], None]


def quiet(_: str) -> None:
    """Say nothing."""


def to_stderr(line: str) -> None:
    """One line of progress where it does not mix with output."""
    sys.stderr.write(f"review: {line}\n")
    sys.stderr.flush()


@contextmanager
def step(say: Say, name: str) -> Iterator[None]:
    """Say how long a step took."""
    began = time.monotonic()
    yield
    say(f"{time.monotonic() - began:5.1f} s  {name}")


def gather(
    estate: Estate, templates: Sequence[Path], own: Callable[[], Ledger], checkov: Path | None, say: Say
) -> list[Ledger]:
    """Ledgers of all tools: ours first, then cdk-nag's packs, cloudformation-validate, checkov.

    Args:
        estate: The templates, read.
        templates: Their files.
        own: Runs our own rules.
        checkov: Its program; None leaves the second opinion out.
        say: Takes the lines of progress.
    """
    # cdk-nag and checkov are programs of their own: they run beside our rules, which need this process.
    with ThreadPoolExecutor(max_workers=2) as pool:
        nag = pool.submit(_nag, estate, templates, say)
        second = pool.submit(_checkov, estate, templates, checkov, say)
        with step(say, f"{estate.name}: our own rules over {len(estate.resources)} resources"):
            ours = own()
        with step(say, f"{estate.name}: cloudformation-validate"):
            schemas = cfn_validate_ledger(estate, templates)
        return [ours, *map(_mapped, [*nag.result(), schemas, second.result()])]


def _nag(estate: Estate, templates: Sequence[Path], say: Say) -> list[Ledger]:
    with step(say, f"{estate.name}: cdk-nag, every verdict of four packs"):
        return nag_ledgers(estate, templates)


def _checkov(estate: Estate, templates: Sequence[Path], program: Path | None, say: Say) -> Ledger:
    if program is None:
        return checkov_ledger(estate, templates, None)
    with step(say, f"{estate.name}: checkov, the second opinion"):
        return checkov_ledger(estate, templates, program)


def _mapped(ledger: Ledger) -> Ledger:
    """Say which controls of ours a foreign rule speaks of."""
    checks = (replace(each, controls=foreign_controls(ledger.tool, each.rule)) for each in ledger.checks)
    return replace(ledger, checks=tuple(checks))
