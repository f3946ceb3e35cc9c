"""From what a workflow says to a complete event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from mlops_runtime.errors import InvalidEvent
from mlops_runtime.events import EVENTS, SCHEMA_VERSION, Detail

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def complete(
    source: str, detail_type: str, detail: Mapping[str, object], *, workload: str, environment: str, now: datetime
) -> Detail:
    """Fill the head where the caller left it out and validate the whole.

    Raises:
        InvalidEvent: The platform has no such event, or a field is missing, unknown or wrong.
    """
    model = EVENTS.get((source, detail_type))
    if model is None:
        known = ", ".join(f"{event_source}/{name}" for event_source, name in EVENTS)
        raise InvalidEvent(f"no event {source}/{detail_type}; known: {known}")
    head = {
        "schema_version": SCHEMA_VERSION,
        "workload": workload,
        "environment": environment,
        "occurred_at": now,
    }
    try:
        return model.model_validate({**head, **detail})
    except ValidationError as error:
        complaints = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()
        )
        raise InvalidEvent(f"{source}/{detail_type}: {complaints}") from None
