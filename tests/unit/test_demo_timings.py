"""Durations come from the functions' own REPORT lines; a drift counts when a deployment followed it."""

from __future__ import annotations

import pytest

from mlops_local.demo.observer import Event
from mlops_local.demo.timings import drift_to_endpoint, durations


def event(kind: str, second: int) -> Event:
    detail = {"occurred_at": f"2026-01-01T00:00:{second:02d}Z"}
    return Event(id=str(second), source="mlops.x", kind=kind, detail=detail, month="2013-04", sequence=second)


def test_durations_are_read_from_report_lines_in_seconds() -> None:
    lines = [
        "START RequestId: a Version: $LATEST",
        "REPORT RequestId: a\tDuration: 153.5 ms\tBilled Duration: 154 ms",
        '{"message": "REPORT"}',
        "REPORT RequestId: b\tDuration: 4 ms\tBilled Duration: 4 ms",
    ]
    assert durations(lines) == pytest.approx([0.1535, 0.004])


def test_a_drift_that_led_to_no_deployment_does_not_count() -> None:
    events = [
        event("Deployment Succeeded", 1),
        event("Drift Detected", 2),
        event("Model Rejected", 4),
        event("Drift Detected", 10),
        event("Model Registered", 20),
        event("Deployment Succeeded", 25),
        event("Deployment Succeeded", 30),
    ]
    assert drift_to_endpoint(events) == [15.0]
