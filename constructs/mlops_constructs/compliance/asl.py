"""State machines of a template: their definitions parsed, their states with what encloses them.

Amazon States Language is specified at https://states-language.net. Values that only an execution knows (JSONata
expressions, JSONPath references) become `Dynamic`: no rule takes them for a secure setting.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource, Unknown

_TASK = re.compile(r"arn:[\w-]+:states:::(?:aws-sdk:)?(?P<service>[\w-]+):(?P<action>\w+)(?P<suffix>\.[\w.:]+)?")
_LAMBDA = re.compile(r"arn:[\w-]+:lambda:")
_JSONATA = re.compile(r"\s*\{%.*%\}\s*", re.DOTALL)


class Dynamic(Unknown):
    """A value only a running execution knows; its text is the expression."""


@dataclass(frozen=True, eq=False)
class State:
    """One state.

    Args:
        name: Its name; a rule's finding carries it as detail.
        body: As written.
        siblings: The states of the same level by name, itself included.
        within: The Map and Parallel states around it, outermost first.
    """

    name: str
    body: Mapping[str, Any]
    siblings: Mapping[str, Mapping[str, Any]]
    within: tuple[State, ...] = ()

    @property
    def kind(self) -> str:
        """`Task`, `Map`, `Choice` ..."""
        return str(self.body.get("Type"))

    @property
    def integration(self) -> tuple[str, str]:
        """Service and action a Task calls, like `("sagemaker", "createTrainingJob")`; empty texts when it is none."""
        called = str(self.body.get("Resource", ""))
        if _LAMBDA.match(called):
            return "lambda", "invoke"
        found = _TASK.match(called)
        return (found["service"], found["action"]) if found else ("", "")

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What a Task sends, JSONata `Arguments` or JSONPath `Parameters`, run-time values as `Dynamic`."""
        given = self.body.get("Arguments", self.body.get("Parameters"))
        plain = _plain(given)
        return plain if isinstance(plain, Mapping) else {}

    def list(self, key: str) -> list[Mapping[str, Any]]:
        """A list of objects of the state (`Retry`, `Catch`), empty when there is none."""
        value = self.body.get(key)
        return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


@dataclass(frozen=True, eq=False)
class Machine:
    """A state machine and its definition; None when the template does not hold a readable one."""

    resource: Resource
    definition: Mapping[str, Any] | None

    def states(self) -> Iterator[State]:
        """Yield every state, those inside Map and Parallel included."""
        if self.definition is not None:
            yield from _states(self.definition, ())

    def tasks(self) -> Iterator[State]:
        """Yield every Task."""
        return (state for state in self.states() if state.kind == "Task")


def machines(estate: Estate) -> Iterator[Machine]:
    """Yield the state machines of an estate."""
    for resource in estate.of("AWS::StepFunctions::StateMachine"):
        yield Machine(resource, _definition(resource))


def _definition(resource: Resource) -> Mapping[str, Any] | None:
    given = resource.properties.get("DefinitionString", resource.properties.get("Definition"))
    values = resource.properties.get("DefinitionSubstitutions")
    text = given if isinstance(given, str) else None if given is None else json.dumps(given)
    if text is None:
        return None
    for key, value in (values if isinstance(values, Mapping) else {}).items():
        text = text.replace(f"${{{key}}}", json.dumps(value)[1:-1] if isinstance(value, str) else json.dumps(value))
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    return parsed if isinstance(parsed, Mapping) else None


def _states(definition: Mapping[str, Any], within: tuple[State, ...]) -> Iterator[State]:
    siblings = definition.get("States")
    if not isinstance(siblings, Mapping):
        return
    for name, body in siblings.items():
        if not isinstance(body, Mapping):
            continue
        state = State(str(name), body, siblings, within)
        yield state
        branches = body.get("Branches")
        inner = [*(branches if isinstance(branches, list) else ()), body.get("ItemProcessor"), body.get("Iterator")]
        for each in inner:
            if isinstance(each, Mapping):
                yield from _states(each, (*within, state))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key.removesuffix(".$"): Dynamic(inner) if key.endswith(".$") else _plain(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str) and not isinstance(value, Unknown) and _JSONATA.fullmatch(value):
        return Dynamic(value)
    return value
