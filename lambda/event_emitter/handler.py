"""Source, detail type and detail in, event id out."""

from __future__ import annotations

from event_emitter.logic import complete
from event_emitter.settings import settings
from mlops_runtime import bus
from mlops_runtime.events import utc_now
from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint


class Emission(Frozen):
    """An event as a workflow states it; the head's fields may be left out, except `execution`."""

    source: str
    detail_type: str
    detail: dict[str, object]


class Emitted(Frozen):
    """The id EventBridge gave the event."""

    event_id: str


@entrypoint(Emission)
def handler(event: Emission) -> Emitted:
    """Validate and put one event on the bus."""
    config = settings()
    detail = complete(
        event.source,
        event.detail_type,
        event.detail,
        workload=config.workload,
        environment=config.environment,
        now=utc_now(),
    )
    resources = [detail.execution] if detail.execution.startswith("arn:") else []
    event_id = bus.publish(detail, bus=config.event_bus_name, resources=resources)
    count("EventsEmitted")
    return Emitted(event_id=event_id)
