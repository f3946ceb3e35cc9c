"""Many mutants in one template, for checkers whose findings name the resource they are about.

Mutants that damage different resources go together; a new finding belongs to the mutant that damaged its resource, or
else to the only one that damaged a neighbour of it. Where several could be meant, they are tried again one by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .model import Corpus, Mutant, Template

Finding = tuple[str, str]
"""Qualified finding and logical id."""
Judge = Callable[[Sequence[tuple[str, Template]]], list[set[Finding]]]
"""Given templates with their file names, the findings of each."""
_REFERENCE = re.compile(r'\{"Ref": "(\w+)"\}|"Fn::GetAtt": \["(\w+)"|"DependsOn": \[([^\]]*)\]|\$\{(\w+)[.}]')


@dataclass
class Batch:
    """Mutants of one template that damage different resources."""

    template: str
    mutants: list[Mutant] = field(default_factory=list)

    def takes(self, mutant: Mutant) -> bool:
        """Whether the mutant damages nothing another one here does."""
        taken = {name for each in self.mutants for name in touched(each)}
        return mutant.template == self.template and not taken & touched(mutant)

    def damaged(self, corpus: Corpus) -> Template:
        """The template with the damage of all of them."""
        merged = corpus
        for mutant in self.mutants:
            merged = Corpus(corpus.folder, {**merged.templates, self.template: merged.damaged(mutant)})
        return merged.templates[self.template]


def touched(mutant: Mutant) -> set[str]:
    """Resources a mutant damages, adds or removes."""
    return {edit.logical_id for edit in mutant.edits}


def caught(corpus: Corpus, mutants: Sequence[Mutant], judge: Judge) -> dict[str, set[str]]:
    """By id of the mutant, the findings it brings that the template does not have without it.

    Args:
        corpus: The templates.
        mutants: What to try.
        judge: The checker.
    """
    names = sorted({mutant.template for mutant in mutants})
    before = dict(zip(names, judge([(name, corpus.templates[name]) for name in names]), strict=True))
    around = {name: neighbours(corpus.templates[name]) for name in names}
    batches = packed(mutants)
    found: dict[str, set[str]] = {}
    unclear: list[Mutant] = []
    for batch, after in zip(batches, judge([(b.template, b.damaged(corpus)) for b in batches]), strict=True):
        owners, doubtful = _attributed(batch, after - before[batch.template], around[batch.template])
        for mutant_id, names_of in owners.items():
            found.setdefault(mutant_id, set()).update(names_of)
        unclear += doubtful
    single = [Batch(mutant.template, [mutant]) for mutant in unclear]
    for batch, after in zip(single, judge([(b.template, b.damaged(corpus)) for b in single]), strict=True):
        new = after - before[batch.template]
        found[batch.mutants[0].id] = {name for name, _ in new}
    return {key: names_of for key, names_of in found.items() if names_of}


def packed(mutants: Iterable[Mutant]) -> list[Batch]:
    """As few batches as a greedy hand makes."""
    batches: list[Batch] = []
    for mutant in mutants:
        home = next((batch for batch in batches if batch.takes(mutant)), None)
        if home is None:
            home = Batch(mutant.template)
            batches.append(home)
        home.mutants.append(mutant)
    return batches


def neighbours(template: Template) -> Mapping[str, set[str]]:
    """By logical id, the resources it names and those that name it."""
    found: dict[str, set[str]] = {name: set() for name in template["Resources"]}
    for name, resource in template["Resources"].items():
        for other in references(resource) & found.keys():
            found[name].add(other)
            found[other].add(name)
    return found


def references(value: Any) -> set[str]:
    """Logical ids that stand in a resource."""
    matches = _REFERENCE.findall(json.dumps(value))
    return {name for groups in matches for group in groups for name in re.findall(r"\w+", group)}


def _attributed(
    batch: Batch, new: set[Finding], around: Mapping[str, set[str]]
) -> tuple[dict[str, set[str]], list[Mutant]]:
    owners: dict[str, set[str]] = {}
    doubtful: list[Mutant] = []
    for finding, logical_id in sorted(new):
        direct = [each for each in batch.mutants if logical_id in touched(each)]
        near = [each for each in batch.mutants if around.get(logical_id, set()) & touched(each)]
        candidates = direct or near
        if len(candidates) == 1:
            owners.setdefault(candidates[0].id, set()).add(finding)
        else:
            doubtful += [each for each in candidates or batch.mutants if each not in doubtful]
    return owners, doubtful
