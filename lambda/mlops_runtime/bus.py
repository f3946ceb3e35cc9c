"""Putting a validated event on the platform's bus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlops_runtime import aws
from mlops_runtime.errors import EventNotDelivered
from mlops_runtime.events import Detail, address_of

if TYPE_CHECKING:
    from collections.abc import Sequence

# EventBridge counts the whole entry; 16 KiB are left for source, detail type, bus and resources.
MAX_DETAIL_BYTES = 240 * 1024


def publish(detail: Detail, *, bus: str, resources: Sequence[str] = ()) -> str:
    """Put one event on `bus` and return its id.

    Raises:
        EventNotDelivered: EventBridge refused the entry or the detail is too large.
    """
    source, detail_type = address_of(type(detail))
    text = json.dumps(detail.model_dump(mode="json"))
    if len(text.encode()) > MAX_DETAIL_BYTES:
        raise EventNotDelivered(f"{detail_type}: detail has {len(text.encode())} bytes, allowed {MAX_DETAIL_BYTES}")
    response = aws.events().put_events(
        Entries=[
            {
                "Source": source,
                "DetailType": detail_type,
                "Detail": text,
                "EventBusName": bus,
                "Resources": list(resources),
            }
        ]
    )
    entry = response["Entries"][0]
    if response["FailedEntryCount"]:
        raise EventNotDelivered(f"{detail_type} on {bus}: {entry.get('ErrorCode')}: {entry.get('ErrorMessage')}")
    return entry["EventId"]
