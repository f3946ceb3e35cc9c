"""`python -m mlops_constructs.compliance mutate`: makes the mutants, shows them to the checkers, writes the figures."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from . import checkers
from .checkers import Caught, Subject
from .generate import SEED, Population, generate
from .model import Mutant
from .schema import DATABASE, Schemas
from .score import GATE, OURS, Score, as_json, survivors_text, tables

MARKS = ("<!-- figures -->", "<!-- end of figures -->")
GOAL = 0.95
Checker = Callable[[Subject, Sequence[Mutant]], Caught]


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 when the gate notices fewer than the goal, 2 on unusable input."""
    options = _parser().parse_args(argv)
    available = _available(options.checkov, options.only)
    if not available:
        sys.stderr.write(f"mutate: {options.only} is not there: `make checkov` installs checkov\n")
        return 2
    try:
        subject = Subject(options.stage, options.today)
        population = generate(
            subject.corpus, Schemas(options.schemas), account=subject.estate.account, seed=options.seed
        )
    except (ValueError, OSError) as error:
        sys.stderr.write(f"mutate: {error}\n")
        return 2
    if options.half == "visible":
        population = Population(population.visible, (), population.excluded)
    for score in run(subject, population, available):
        _write(score, options)  # after each checker: who stops the slowest one keeps the others' answers
    sys.stdout.write(tables(score))
    return int(score.share(GATE, population.all) < GOAL)


def run(subject: Subject, population: Population, available: Mapping[str, Checker]) -> Iterator[Score]:
    """Show a population to checkers; yield the score so far after each.

    Args:
        subject: The environment.
        population: Its mutants.
        available: Checkers by name.
    """
    caught: dict[str, Caught] = {}
    seconds: dict[str, float] = {}
    for name, checker in available.items():
        start = time.monotonic()
        sys.stderr.write(f"{name}: {len(population.all)} mutants ... ")
        sys.stderr.flush()
        caught[name] = checker(subject, population.all)
        seconds[name] = time.monotonic() - start
        sys.stderr.write(f"{len(caught[name])} noticed in {seconds[name]:.0f} s\n")
        yield Score(population, dict(caught), dict(seconds))


def publish(page: Path, figures: str) -> None:
    """Replace the figures on a documentation page.

    Raises:
        ValueError: The page lacks the marks around them.
    """
    text = page.read_text()
    if not all(mark in text for mark in MARKS):
        raise ValueError(f"{page} lacks {MARKS[0]} and {MARKS[1]}")
    head, rest = text.split(MARKS[0], 1)
    tail = rest.split(MARKS[1], 1)[1]
    page.write_text(f"{head}{MARKS[0]}\n{figures}{MARKS[1]}{tail}")


def _available(checkov: Path, only: str | None) -> dict[str, Checker]:
    found: dict[str, Checker] = {
        "our pack": checkers.pack,
        "cdk-nag": checkers.cdk_nag,
        "cloudformation-validate": checkers.cloudformation_validate,
    }
    if checkov.exists():
        found["checkov"] = lambda subject, mutants: checkers.checkov(subject, mutants, checkov)
    return {name: checker for name, checker in found.items() if only in (None, name)}


def _write(score: Score, options: argparse.Namespace) -> None:
    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    environment = options.stage.name.removeprefix("assembly-")
    data = as_json(score, environment=environment, seed=options.seed)
    (folder / "mutation.json").write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
    (folder / "table.md").write_text(tables(score))
    (folder / "visible-survivors.md").write_text(survivors_text(score, score.population.visible))
    (folder / "held-out-survivors.md").write_text(survivors_text(score, score.population.held_out))
    if options.publish:
        publish(options.publish, tables(score))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlops_constructs.compliance mutate", description=__doc__)
    parser.add_argument("stage", type=Path, help="folder of one environment in a cloud assembly (assembly-prod)")
    parser.add_argument("--out", type=Path, default=Path("build/mutation"), help="where the figures go")
    parser.add_argument("--schemas", type=Path, default=DATABASE, help="schema database of the CDK CLI")
    parser.add_argument("--seed", type=int, default=SEED, help="chooses resources and halves")
    parser.add_argument("--half", choices=("visible", "both"), default="both", help="show only the visible half")
    parser.add_argument("--only", choices=(*OURS, "checkov"), help="run one checker")
    parser.add_argument("--checkov", type=Path, default=Path(".venv-checkov/bin/checkov"), help="second opinion")
    parser.add_argument("--publish", type=Path, help="documentation page whose figures are replaced")
    parser.add_argument("--today", type=dt.date.fromisoformat, default=dt.datetime.now(dt.UTC).date())
    return parser
