"""All mutants of one environment: generated, one per question, without the harmless ones, split by seed."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import doors, policies, properties, structure, workflows
from .model import REMOVED, Corpus, Mutant
from .schema import Schemas

SEED = 2013
EQUIVALENT = Path(__file__).parent / "equivalent.json"


@dataclass(frozen=True)
class Equivalent:
    """Mutants that change nothing for security, with the reason; each field is a regular expression."""

    operator: str
    type: str
    property: str
    reason: str

    def covers(self, mutant: Mutant) -> bool:
        """Whether the mutant is one of these."""
        pairs = (
            (self.operator, mutant.operator),
            (self.type, mutant.type),
            (self.property, mutant.about),
        )
        return all(re.fullmatch(pattern, text) for pattern, text in pairs)


@dataclass(frozen=True)
class Population:
    """The mutants of an environment.

    Args:
        visible: The half that rule authors may look at.
        held_out: The half that only the score sees.
        excluded: Harmless ones, with the reason.
    """

    visible: tuple[Mutant, ...]
    held_out: tuple[Mutant, ...]
    excluded: tuple[tuple[Mutant, str], ...]

    @property
    def all(self) -> tuple[Mutant, ...]:
        """Both halves."""
        return (*self.visible, *self.held_out)


def read_equivalents(path: Path = EQUIVALENT) -> tuple[Equivalent, ...]:
    """The reviewed list of harmless mutants.

    Raises:
        ValueError: A row has no reason worth the name.
    """
    found = tuple(Equivalent(**row) for row in json.loads(path.read_text()))
    for row in found:
        if len(row.reason) < 20:
            raise ValueError(
                f"{path.name}: {row.operator} {row.type} {row.property} needs a reason, got {row.reason!r}"
            )
    return found


def generate(corpus: Corpus, schemas: Schemas, *, account: str, seed: int = SEED) -> Population:
    """Every mutant of a corpus, one for each operator, type and property.

    Args:
        corpus: The templates of one environment.
        schemas: What the resource types can say.
        account: Account of the environment, for scoped resources.
        seed: Chooses the resource among several of a type, and the half a mutant falls into.
    """
    by_key: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in (
        *properties.mutants(corpus, schemas),
        *policies.mutants(corpus, account),
        *workflows.mutants(corpus),
        *structure.mutants(corpus, schemas),
        *doors.mutants(corpus),
    ):
        by_key[mutant.key].append(mutant)
    equivalents = read_equivalents()
    halves: tuple[list[Mutant], list[Mutant]] = ([], [])
    excluded = []
    for key in sorted(by_key):
        chosen = by_key[key][_number(seed, key, "resource") % len(by_key[key])]
        reason = next((each.reason for each in equivalents if each.covers(chosen)), None)
        if reason:
            excluded.append((chosen, reason))
        elif _changes(corpus, chosen):
            halves[_number(seed, key, "half") % 2].append(chosen)
    return Population(tuple(halves[0]), tuple(halves[1]), tuple(excluded))


def unused_equivalents(excluded: Iterable[tuple[Mutant, str]], path: Path = EQUIVALENT) -> list[Equivalent]:
    """Rows of the list that cover no mutant."""
    mutants = [mutant for mutant, _ in excluded]
    return [row for row in read_equivalents(path) if not any(row.covers(mutant) for mutant in mutants)]


def _changes(corpus: Corpus, mutant: Mutant) -> bool:
    before = corpus.templates[mutant.template]["Resources"].get(mutant.logical_id)
    after = corpus.damaged(mutant)["Resources"].get(mutant.logical_id)
    return _text(before) != _text(after)


def _text(value: Any) -> str:
    return json.dumps(None if value is REMOVED else value, sort_keys=True)


def _number(seed: int, key: str, purpose: str) -> int:
    return int(hashlib.sha256(f"{seed} {purpose} {key}".encode()).hexdigest()[:12], 16)
