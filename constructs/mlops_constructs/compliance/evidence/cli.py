"""`python -m mlops_constructs.compliance review PATH --out DIR --date DAY`: the evidence bundle of one environment."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mlops_constructs.compliance.estate import TemplateError
from mlops_constructs.compliance.evidence.accepted import AcceptedError
from mlops_constructs.compliance.evidence.gather import step, to_stderr
from mlops_constructs.compliance.evidence.ledger.checkov import CheckovError
from mlops_constructs.compliance.evidence.ledger.javascript import MissingJavaScriptError
from mlops_constructs.compliance.evidence.ledger.nag import NagError
from mlops_constructs.compliance.evidence.review import Request, Review, review
from mlops_constructs.compliance.usage.record import UsageError

FAILED, UNUSABLE = 1, 2
UNUSABLE_INPUT = (
    TemplateError,
    AcceptedError,
    UsageError,
    NagError,
    MissingJavaScriptError,
    CheckovError,
    FileExistsError,
)
CHECKOV = Path(".venv-checkov/bin/checkov")


def main(arguments: Sequence[str]) -> int:
    """Review and write; 0 is PASSED, 1 FAILED, 2 what cannot be judged."""
    given = _parser().parse_args(arguments)
    try:
        from mlops_constructs.compliance.evidence.bundle import write_bundle  # the page needs an extra, --help does not
    except ImportError as error:
        sys.stderr.write(f"review: {error.name} is missing: pip install './constructs[evidence]' from a checkout\n")
        return UNUSABLE
    began = time.monotonic()
    try:
        done = review(_request(given), to_stderr)
        with step(to_stderr, f"bundle in {given.out}"):
            write_bundle(done, given.out)
    except UNUSABLE_INPUT as error:
        sys.stderr.write(f"review: {error}\n")
        return UNUSABLE
    to_stderr(f"{time.monotonic() - began:5.1f} s  altogether")
    _say(done, given.out)
    return 0 if done.passed else FAILED


def _say(done: Review, out: Path) -> None:
    document = done.document
    verdict = document["verdict"]
    counts = ", ".join(f"{number} {status}" for status, number in verdict["counts"].items())
    lines = [
        f"{document['environment']['name']}: {verdict['status']} on {document['date']} ({counts})",
        *(f"  {reason}" for reason in verdict["reasons"]),
        *(f"  left out: {each}" for each in verdict["left_out"]),
        f"Evidence: {out / 'index.html'}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _request(given: argparse.Namespace) -> Request:
    return Request(
        path=given.path,
        date=given.date,
        environment=given.environment,
        waivers=given.waivers,
        accepted=given.accepted,
        checkov=_checkov(given.checkov),
        usage=given.usage,
        reasons=given.reasons,
        mutation=given.mutation,
    )


def _checkov(wish: str) -> Path | None:
    """`auto` takes the environment of `make checkov` if it is there, `yes` asks for it, `no` leaves it out."""
    if wish == "no":
        return None
    if wish == "yes" and not CHECKOV.exists():
        raise CheckovError(f"{CHECKOV} is missing: run `make checkov`, or say --checkov no")
    return CHECKOV if CHECKOV.exists() else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mlops_constructs.compliance review", description=__doc__)
    parser.add_argument("path", type=Path, help="a cdk.out folder, a folder of templates, or one template")
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle; an earlier one is replaced")
    parser.add_argument("--date", type=dt.date.fromisoformat, required=True, help="day of the review, like 2026-11-24")
    parser.add_argument("--environment", help="which environment of an assembly with several")
    parser.add_argument("--waivers", type=Path, help="waivers for templates without a cloud assembly (YAML)")
    parser.add_argument("--accepted", type=Path, help="accepted findings of the second checkers (YAML)")
    parser.add_argument("--checkov", choices=("auto", "yes", "no"), default="auto", help="run the second opinion")
    parser.add_argument("--usage", type=Path, help="recorded use of permissions (JSON)")
    parser.add_argument("--reasons", type=Path, help="why unused permissions stay (JSON)")
    parser.add_argument("--mutation", type=Path, help="mutation score of the checkers (JSON)")
    return parser
