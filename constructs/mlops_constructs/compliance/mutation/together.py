"""Many mutants in one environment, for rules that look at all templates at once.

Mutants go together when none damages what another one damages or what that refers to, across stacks too. A new
finding on a damaged resource belongs to its mutant, on an undamaged one to the only mutant beside it; in doubt, and
for every mutant that seems to get through, the mutant is judged alone. What limits everybody (a boundary) or is taken
away whole always is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .batches import references
from .model import REMOVED, Corpus, Mutant, Template

Node = tuple[str, str]
"""Template and logical id."""
Finding = tuple[str, Node]
Judge = Callable[[Mapping[str, Template]], set[Finding]]
_IMPORT = re.compile(r'"Fn::ImportValue": "([^"]+)"')


@dataclass
class Group:
    """Mutants that are judged together."""

    mutants: list[Mutant] = field(default_factory=list)
    damaged: set[Node] = field(default_factory=set)
    near: set[Node] = field(default_factory=set)

    def takes(self, touched: set[Node], near: set[Node]) -> bool:
        """Whether a mutant with these resources keeps its distance from those here."""
        return not (touched & (self.damaged | self.near) or near & self.damaged)

    def add(self, mutant: Mutant, touched: set[Node], near: set[Node]) -> None:
        """Take a mutant in."""
        self.mutants.append(mutant)
        self.damaged |= touched
        self.near |= near


def caught(corpus: Corpus, mutants: Sequence[Mutant], judge: Judge) -> dict[str, set[str]]:
    """By id of the mutant, the findings it brings that the environment does not have without it.

    Args:
        corpus: The templates.
        mutants: What to try.
        judge: All findings of an environment, given the templates that differ from the corpus.
    """
    before = judge({})
    around = neighbours(corpus)
    found: dict[str, set[str]] = {}
    for group in grouped([each for each in mutants if not reaches_far(each)], around):
        new = judge(_damaged(corpus, group.mutants)) - before
        for finding, node in sorted(new):
            owner = _owner(group, node, around)
            if owner:
                found.setdefault(owner.id, set()).add(finding)
    for mutant in mutants:
        if mutant.id not in found:
            new = judge(_damaged(corpus, [mutant])) - before
            if new:
                found[mutant.id] = {finding for finding, _ in new}
    return found


def reaches_far(mutant: Mutant) -> bool:
    """Whether the damage may show at resources that do not refer to the damaged one."""
    removed = any(edit.value is REMOVED and not edit.path for edit in mutant.edits)
    return removed or mutant.about.startswith("ceiling") or "ManagedPolicy" in mutant.type


def grouped(mutants: Iterable[Mutant], around: Mapping[Node, set[Node]]) -> list[Group]:
    """As few groups as a greedy hand makes."""
    groups: list[Group] = []
    for mutant in mutants:
        touched = nodes(mutant)
        near = {other for node in touched for other in around.get(node, ())}
        home = next((group for group in groups if group.takes(touched, near)), None)
        if home is None:
            home = Group()
            groups.append(home)
        home.add(mutant, touched, near)
    return groups


def nodes(mutant: Mutant) -> set[Node]:
    """Resources a mutant damages or adds."""
    return {(mutant.template, edit.logical_id) for edit in mutant.edits}


def neighbours(corpus: Corpus) -> dict[Node, set[Node]]:
    """By resource, those it refers to and those that refer to it, through exports too."""
    exports = {
        str(output["Export"]["Name"]): (name, references(output["Value"]))
        for name, template in corpus.templates.items()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    found: dict[Node, set[Node]] = {(name, logical_id): set() for name, logical_id, _ in corpus.resources()}
    for name, logical_id, resource in corpus.resources():
        named = {(name, other) for other in references(resource)}
        for export in _IMPORT.findall(json.dumps(resource)):
            home, others = exports.get(export, (name, set()))
            named |= {(home, other) for other in others}
        for node in named & found.keys():
            found[name, logical_id].add(node)
            found[node].add((name, logical_id))
    return found


def _owner(group: Group, node: Node, around: Mapping[Node, set[Node]]) -> Mutant | None:
    direct = [each for each in group.mutants if node in nodes(each)]
    beside = [each for each in group.mutants if around.get(node, set()) & nodes(each)]
    candidates = direct or beside
    return candidates[0] if len(candidates) == 1 else None


def _damaged(corpus: Corpus, mutants: Sequence[Mutant]) -> dict[str, Template]:
    changed: dict[str, Template] = {}
    for mutant in mutants:
        now = Corpus(corpus.folder, {**corpus.templates, **changed})
        changed[mutant.template] = now.damaged(mutant)
    return changed
