"""How long functions and the way from drift to a verified endpoint took, read from logs and events."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime

from mlops_local.demo.observer import Event
from mlops_local.demo.platform import Platform
from mlops_local.demo.result import FunctionTiming, Timings

_DURATION = re.compile(r"^REPORT RequestId: \S+\s+Duration: ([0-9.]+) ms")


def timings(platform: Platform, events: Sequence[Event]) -> Timings:
    """Timings of every function that ran, and of every drift that ended in a new model.

    The first invocation of a function includes the start of its process, as a cold start does.
    """
    functions = {}
    for page in platform.client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            group = function.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function['FunctionName']}"
            seconds = durations(_messages(platform, group))
            if seconds:
                warm = seconds[1:] or seconds
                folder = function["Handler"].split(".", 1)[0]
                functions[folder] = FunctionTiming(
                    cold_start_seconds=seconds[0], duration_seconds=statistics.median(warm), invocations=len(seconds)
                )
    drifts = drift_to_endpoint(events)
    return Timings(functions=functions, drift_to_endpoint_seconds=statistics.median(drifts) if drifts else None)


def durations(messages: Iterable[str]) -> list[float]:
    """Seconds of each invocation, in the order of the log."""
    return [float(found[1]) / 1000 for message in messages if (found := _DURATION.match(message))]


def drift_to_endpoint(events: Sequence[Event]) -> list[float]:
    """Seconds from each `Drift Detected` to the `Deployment Succeeded` it led to, if it led to one."""
    found, since = [], None
    for event in events:
        if event.kind == "Drift Detected":
            since = event
        elif event.kind == "Deployment Succeeded" and since:
            found.append((_instant(event) - _instant(since)).total_seconds())
            since = None
    return found


def _instant(event: Event) -> datetime:
    return datetime.fromisoformat(event.detail["occurred_at"])


def _messages(platform: Platform, group: str) -> Iterable[str]:
    logs = platform.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern="REPORT")
        return [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []  # a function that never ran has no log yet
