"""Mutants of workflows: arguments of the calls a state machine makes; timeouts, retries and catches of its steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .definition import DEFINITION, parse
from .lexicon import meanings
from .model import REMOVED, Corpus, Edit, Mutant, Step
from .properties import changes

KIND = "AWS::StepFunctions::StateMachine"
_IMAGE = re.compile(r"(?:Training)?Image(?:Uri)?$")


def mutants(corpus: Corpus) -> Iterator[Mutant]:
    """Yield the mutants of every step of every state machine."""
    for template, logical_id, resource in corpus.resources(KIND):
        text = resource["Properties"].get("DefinitionString")
        if text is None:
            continue
        definition, _ = parse(text)
        for place, state in _states(definition):
            for operator, name, control, path, value in _damages(state):
                yield Mutant(
                    operator=operator,
                    type=f"{KIND}/{_call(state)}",
                    about=name,
                    control=control,
                    template=template,
                    logical_id=logical_id,
                    edits=(Edit(logical_id, (*DEFINITION, *place, *path), value),),
                )


def _states(machine: dict[str, Any], place: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], dict[str, Any]]]:
    for name, state in machine.get("States", {}).items():
        here = (*place, "States", name)
        yield here, state
        for index, branch in enumerate(state.get("Branches", [])):
            yield from _states(branch, (*here, "Branches", index))
        for inner in ("ItemProcessor", "Iterator"):
            yield from _states(state.get(inner, {}), (*here, inner))


def _damages(state: dict[str, Any]) -> Iterator[tuple[str, str, str, tuple[Step, ...], Any]]:
    """Yield operator, property, control, path in the state and new value."""
    if state["Type"] == "Choice":
        yield from _bypassed(state)
    if state["Type"] != "Task":
        return
    for name in ("TimeoutSeconds", "Retry", "Catch"):
        if name in state:
            yield "drop", name, "ML-10", (name,), REMOVED
    arguments = "Arguments" if "Arguments" in state else "Parameters"
    for path, value in _walk(state.get(arguments, {})):
        dotted = ".".join("*" if isinstance(step, int) else step for step in path)
        for meaning in meanings(dotted):
            control = _machine_learning(meaning.control, dotted)
            for operator, worse in changes(meaning, dotted, value):
                yield operator, dotted, control, (arguments, *path), worse
        if isinstance(value, str) and _IMAGE.search(dotted):
            latest = re.sub(r"[:@][^:@/]*$", "", value.replace("@sha256", "")) + ":latest"
            yield "unpin", dotted, "ML-7", (arguments, *path), latest
            yield "foreign image", dotted, "ML-7", (arguments, *path), "docker.io/library/python:3.11"
        if dotted.endswith("Environment") and isinstance(value, dict):
            secret = {**value, "DB_PASSWORD": "Tr0ub4dor&3-Tr0ub4dor"}
            yield "plain secret", dotted, "ENC-4", (arguments, *path), secret


def _bypassed(state: dict[str, Any]) -> Iterator[tuple[str, str, str, tuple[Step, ...], Any]]:
    """A choice about approval that lets everything pass."""
    for choice in state.get("Choices", []):
        if re.search(r"approv", str(choice.get("Condition", choice.get("Variable", ""))), re.I):
            yield "bypass", "approval", "ML-9", ("Default",), choice["Next"]


def _machine_learning(control: str, path: str) -> str:
    if control == "NET-1":
        return "ML-2"
    return "ML-3" if "DataCaptureConfig" in path else control


def _walk(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Any]]:
    if path:
        yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, (*path, index))


def _call(state: dict[str, Any]) -> str:
    return ":".join(str(state.get("Resource", state["Type"])).split(":")[-2:])
