"""`python -m mlops_constructs.compliance diff OLD NEW`: the review of a change between two synthesized versions."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_constructs.compliance.estate import TemplateError, load

UNUSABLE = 2


def main(arguments: Sequence[str]) -> int:
    """Run the command; 1 when the change would lose data in a guarded environment, 2 on unusable input."""
    given = _parser().parse_args(arguments)
    try:
        from mlops_constructs.compliance.diff.page import page  # the solver costs a start-up, --help needs none
        from mlops_constructs.compliance.diff.review import reviews
        from mlops_constructs.compliance.diff.text import markdown
    except ImportError as error:
        sys.stderr.write(f"diff: {error.name} is missing: pip install './constructs[diff]' from a checkout\n")
        return UNUSABLE
    try:
        old, new = (
            [each for each in load(path) if given.environment in (None, each.name)] for path in (given.old, given.new)
        )
    except (TemplateError, OSError) as error:
        sys.stderr.write(f"diff: {error}\n")
        return UNUSABLE
    found = reviews(old, new, given.today)
    text = markdown(found)
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "review.md").write_text(text)
        (given.out / "review.html").write_text(page(found))
    sys.stdout.write(text)
    return int(any(review.blocking for review in found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlops_constructs.compliance diff", description=__doc__)
    parser.add_argument("old", type=Path, help="cdk.out (or templates) before the change")
    parser.add_argument("new", type=Path, help="cdk.out (or templates) after it")
    parser.add_argument("--out", type=Path, help="folder for review.md and review.html")
    parser.add_argument("--environment", metavar="NAME", help="compare only this environment")
    parser.add_argument(
        "--today", type=dt.date.fromisoformat, default=dt.datetime.now(dt.UTC).date(), help="day waivers are judged at"
    )
    return parser
