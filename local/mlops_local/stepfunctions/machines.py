"""What the emulator forgets of a state machine: its tracing configuration. It is described, and nothing is traced."""

from __future__ import annotations

import json
from typing import Any

from ..patches import replace
from .language import MODULE


def register() -> None:
    """Adds to how state machines are created and changed."""
    for name in ("_create_state_machine", "_update_state_machine"):
        replace(MODULE, name, _keeping)


def _keeping(original: Any) -> Any:
    from ministack.services import stepfunctions

    def write(data: dict[str, Any]) -> Any:
        answer = original(data)
        if answer[0] == 200 and "tracingConfiguration" in data:
            arn = data.get("stateMachineArn") or json.loads(answer[2])["stateMachineArn"]
            stepfunctions._state_machines[arn]["tracingConfiguration"] = data["tracingConfiguration"]
        return answer

    return write
