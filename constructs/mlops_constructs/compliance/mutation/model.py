"""What a mutant is: a named, small damage to one resource of a template, told as edits of its JSON."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from .definition import DEFINITION, parse, write

Template = dict[str, Any]
Resource = dict[str, Any]
Step = str | int


class _Special(Enum):
    """Values of an edit that are no values of a template; one object in every process."""

    REMOVED = "removed"


REMOVED = _Special.REMOVED
"""The value of an edit that takes something away."""


@dataclass(frozen=True)
class Edit:
    """One change of a template.

    Args:
        logical_id: The resource; a new one when the template has none of that name.
        path: Keys and indices from the resource down, into the definition of a state machine too; empty for the
            resource itself.
        value: What stands there afterwards, or `REMOVED`.
    """

    logical_id: str
    path: tuple[Step, ...]
    value: Any


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One security property of one resource type, broken in one way.

    Args:
        operator: How it is broken: `drop`, `weaken`, `aws-key` ...
        type: Resource type, or `<type>/<integration>` for a step of a workflow.
        about: The property that is broken; stable over renamed resources.
        control: Id of the control that promises it.
        template: File name of the damaged template.
        logical_id: The damaged or inserted resource.
        edits: The damage.
    """

    operator: str
    type: str
    about: str
    control: str
    template: str
    logical_id: str
    edits: tuple[Edit, ...]

    @property
    def key(self) -> str:
        """What makes two mutants the same question: operator, type and property."""
        return f"{self.operator} {self.type} {self.about}"

    @property
    def id(self) -> str:
        """Short stable name, from the key alone."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:10]

    @property
    def family(self) -> str:
        """Control family: `ENC` of `ENC-1`."""
        return self.control.split("-")[0]


@dataclass(frozen=True)
class Corpus:
    """The templates mutants are made of: one environment, by file name."""

    folder: Path
    templates: Mapping[str, Template]

    @staticmethod
    def read(folder: Path) -> Corpus:
        """Read every template of a stage folder.

        Raises:
            ValueError: The folder holds none.
        """
        found = {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*.template.json"))}
        if not found:
            raise ValueError(f"no *.template.json in {folder}: give the folder of one synthesized environment")
        return Corpus(folder, found)

    def resources(self, *types: str) -> Iterator[tuple[str, str, Resource]]:
        """Yield template name, logical id and resource, of the given types or all."""
        for name, template in self.templates.items():
            for logical_id, resource in template.get("Resources", {}).items():
                if not types or resource["Type"] in types:
                    yield name, logical_id, resource

    def damaged(self, mutant: Mutant) -> Template:
        """The template of the mutant with its edits; the corpus stays as it is."""
        template = self.templates[mutant.template]
        resources = dict(template["Resources"])
        for edit in mutant.edits:
            _apply(resources, edit)
        return {**template, "Resources": resources}


def _apply(resources: dict[str, Any], edit: Edit) -> None:
    if not edit.path:
        if edit.value is REMOVED:
            del resources[edit.logical_id]
            _forget(resources, edit.logical_id)
        else:
            resources[edit.logical_id] = copy.deepcopy(edit.value)
        return
    resource = resources[edit.logical_id] = copy.deepcopy(resources[edit.logical_id])
    if edit.path[:2] == DEFINITION and len(edit.path) > 2:
        definition, tokens = parse(resource["Properties"]["DefinitionString"])
        _change(definition, edit.path[2:], edit.value)
        resource["Properties"]["DefinitionString"] = write(definition, tokens)
    else:
        _change(resource, edit.path, edit.value)


def _change(holder: Any, path: tuple[Any, ...], value: Any) -> None:
    for step in path[:-1]:
        holder = holder[step] if isinstance(holder, list) else holder.setdefault(step, {})
    last = path[-1]
    if value is REMOVED:
        del holder[last]
    elif isinstance(holder, list) and last == len(holder):
        holder.append(copy.deepcopy(value))
    else:
        holder[last] = copy.deepcopy(value)


def _forget(resources: dict[str, Any], logical_id: str) -> None:
    for name, resource in resources.items():
        waits: str | Sequence[str] = resource.get("DependsOn", ())
        if logical_id in ([waits] if isinstance(waits, str) else waits):
            kept = [each for each in ([waits] if isinstance(waits, str) else waits) if each != logical_id]
            resources[name] = {**resource, "DependsOn": kept}
