"""What the emulator leaves out when a state machine is made or changed: where it logs to must exist, tracing is kept.

Tracing is described, and nothing is traced.
"""

from __future__ import annotations

import json
from typing import Any

from ..patches import replace
from .language import MODULE
from .logs import group_of


def register() -> None:
    """Adds to how state machines are created and changed."""
    for name in ("_create_state_machine", "_update_state_machine"):
        replace(MODULE, name, _keeping)


def _keeping(original: Any) -> Any:
    from ministack.core.responses import error_response_json
    from ministack.services import cloudwatch_logs, stepfunctions

    def write(data: dict[str, Any]) -> Any:
        group = group_of(data.get("loggingConfiguration") or {})
        if group and group not in cloudwatch_logs._log_groups:
            reason = f"Invalid Logging Configuration: the log group {group} does not exist"
            return error_response_json("InvalidLoggingConfiguration", reason, 400)
        answer = original(data)
        if answer[0] == 200 and "tracingConfiguration" in data:
            arn = data.get("stateMachineArn") or json.loads(answer[2])["stateMachineArn"]
            stepfunctions._state_machines[arn]["tracingConfiguration"] = data["tracingConfiguration"]
        return answer

    return write
