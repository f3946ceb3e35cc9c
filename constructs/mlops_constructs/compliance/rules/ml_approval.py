"""ML-9 inside the deploying workflow: no way leads to a model that does not pass the approval."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlops_constructs.compliance.asked import objects
from mlops_constructs.compliance.asl import Machine, machines
from mlops_constructs.compliance.estate import Estate
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

# JSONata `$approval = 'Approved'`, JSONPath {"StringEquals": "Approved"}; a negation is no proof.
_APPROVED = re.compile(r"""(?<![!<>])=\s*\\?['"]Approved\\?['"]|"StringEquals":\s*"Approved\"""")


def _approved_first(estate: Estate) -> Iterator[Judgement]:
    for machine in machines(estate):
        for task in machine.tasks():
            if task.integration == ("sagemaker", "createModel") and not task.within:
                ok = task.name not in _without_approval(machine)
                message = f"{task.name} can be reached with a package nobody approved"
                yield Judgement(machine.resource, ok, detail=task.name, message=message)


def _without_approval(machine: Machine) -> set[str]:
    """States an execution can reach without taking a branch that asks for the approval."""
    definition = machine.definition or {}
    states = definition.get("States")
    states = states if isinstance(states, Mapping) else {}
    found: set[str] = set()
    pending = [str(definition.get("StartAt"))]
    while pending:
        name = pending.pop()
        body = states.get(name)
        if name not in found and isinstance(body, Mapping):
            found.add(name)
            pending += _ways(body)
    return found


def _ways(body: Mapping[str, Any]) -> list[str]:
    ways = [str(body[key]) for key in ("Next", "Default") if key in body]
    ways += [str(each.get("Next")) for each in objects(body.get("Catch"))]
    return ways + [str(each.get("Next")) for each in objects(body.get("Choices")) if not _asks(each)]


def _asks(choice: Mapping[str, Any]) -> bool:
    condition = {key: value for key, value in choice.items() if key not in ("Next", "Assign", "Output", "Comment")}
    return "Not" not in condition and "Or" not in condition and bool(_APPROVED.search(json.dumps(condition)))


RULES: tuple[Rule, ...] = (
    Rule(
        id="ML-9.workflow-asks-approval",
        title="A deploying workflow asks for the approval itself",
        rationale="A trigger can be forged or started by hand; the workflow is the last to see the package.",
        remedy="Describe the package and let a Choice on ModelApprovalStatus = Approved lead to CreateModel.",
        severity=Severity.HIGH,
        phase=Phase.RELIABLE,
        check=_approved_first,
    ),
)
