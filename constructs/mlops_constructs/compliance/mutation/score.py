"""The mutation score: which checker notices which mutants, whole, by half and by control family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .generate import Population
from .model import Mutant

GATE = "whole gate"
OURS = ("our pack", "cdk-nag", "cloudformation-validate")
"""What the gate consists of; checkov is a second opinion beside it."""


@dataclass(frozen=True)
class Score:
    """Result of showing a population to the checkers.

    Args:
        population: The mutants.
        caught: By checker, by id of the mutant, the findings that gave it away.
        seconds: By checker, how long it took.
    """

    population: Population
    caught: Mapping[str, Mapping[str, set[str]]]
    seconds: Mapping[str, float]

    @property
    def checkers(self) -> tuple[str, ...]:
        """Names of the columns: each checker, then the gate."""
        return (*self.caught, GATE)

    def notices(self, checker: str, mutant: Mutant) -> bool:
        """Whether the checker, or any of the gate, noticed the mutant."""
        names = [name for name in OURS if name in self.caught] if checker == GATE else [checker]
        return any(mutant.id in self.caught[name] for name in names)

    def share(self, checker: str, mutants: Sequence[Mutant]) -> float:
        """Fraction of the mutants that the checker notices; 1 of none."""
        return sum(self.notices(checker, each) for each in mutants) / len(mutants) if mutants else 1.0

    def survivors(self, mutants: Sequence[Mutant], checker: str = GATE) -> list[Mutant]:
        """Mutants nobody of the gate noticed, by control."""
        missed = (each for each in mutants if not self.notices(checker, each))
        return sorted(missed, key=lambda each: (each.control, each.key))


def tables(score: Score) -> str:
    """The figures as Markdown: by half, then by control family."""
    population = score.population
    halves = {"visible": population.visible, "held out": population.held_out, "all": population.all}
    lines = [
        f"| mutants | number | {' | '.join(score.checkers)} |",
        f"| --- | ---: |{' ---: |' * len(score.checkers)}",
        *(_row(score, name, mutants) for name, mutants in halves.items()),
        "",
        f"| control family | number | {' | '.join(score.checkers)} |",
        f"| --- | ---: |{' ---: |' * len(score.checkers)}",
    ]
    for family in sorted({each.family for each in population.all}):
        lines.append(_row(score, family, [each for each in population.all if each.family == family]))
    return "\n".join(lines) + "\n"


def _row(score: Score, name: str, mutants: Sequence[Mutant]) -> str:
    shares = (f"{score.share(checker, mutants):.1%}" for checker in score.checkers)
    return f"| {name} | {len(mutants)} | {' | '.join(shares)} |"


def survivors_text(score: Score, mutants: Sequence[Mutant]) -> str:
    """The mutants that got through, one a line."""
    lines = [
        f"- {each.control} `{each.operator}` on `{each.type}`: {each.about} ({each.template} {each.logical_id})"
        for each in score.survivors(mutants)
    ]
    return "\n".join(lines) + "\n" if lines else "None.\n"


def as_json(score: Score, *, environment: str, seed: int) -> dict[str, Any]:
    """Everything about a run, for other programs."""
    held_out = {each.id for each in score.population.held_out}
    return {
        "environment": environment,
        "seed": seed,
        "checkers": list(score.checkers),
        "score": {
            half: {checker: round(score.share(checker, mutants), 4) for checker in score.checkers}
            for half, mutants in (("visible", score.population.visible), ("held_out", score.population.held_out))
        },
        "mutants": [
            {
                "id": each.id,
                "half": "held_out" if each.id in held_out else "visible",
                "control": each.control,
                "operator": each.operator,
                "type": each.type,
                "property": each.about,
                "template": each.template,
                "resource": each.logical_id,
                "caught": {name: sorted(found[each.id]) for name, found in score.caught.items() if each.id in found},
            }
            for each in score.population.all
        ],
        "excluded": [
            {"operator": each.operator, "type": each.type, "property": each.about, "reason": reason}
            for each, reason in score.population.excluded
        ],
    }
