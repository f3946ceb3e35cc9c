"""Says in one line what an event of the platform decided, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlops_local.demo.observer import Event
from mlops_local.demo.result import Decision

_FEATURES_NAMED = 3
_CAUSE_LENGTH = 300


def decision_of(event: Event) -> Decision | None:
    """The decision an event reports; None for events about data, which the data quality table shows."""
    if event.source == "mlops.data":
        return None
    what, why = _words(event.kind, event.detail)
    version = event.detail.get("version")
    return Decision(
        at=str(event.detail["occurred_at"]),
        month=event.month,
        event=event.kind,
        decision=what,
        reason=why,
        version=int(version) if version is not None else None,
    )


def decisions(events: Iterable[Event]) -> list[Decision]:
    """Decisions of many events, in their order."""
    return [found for event in events if (found := decision_of(event))]


def _words(kind: str, detail: dict[str, Any]) -> tuple[str, str]:
    match kind:
        case "Drift Detected":
            return "drift or lower quality found", describe_violations(detail)
        case "Monitoring Completed":
            return "no drift", f"{detail['rows']} predictions, {detail['labelled_rows']} with a label"
        case "No Traffic":
            return "nothing to monitor", "no prediction in the window"
        case "Retraining Requested":
            return "training asked for", f"{detail['reason']} (by {detail['requested_by']})"
        case "Retraining Started":
            return "training started", detail["reason"]
        case "Retraining Suppressed":
            return f"training suppressed ({detail['reason_code']})", detail["reason"]
        case "Model Registered":
            return f"version {detail['version']} registered ({detail['approval_status']})", detail["reason"]
        case "Model Rejected":
            return "challenger rejected", detail["reason"]
        case "Deployment Succeeded":
            return f"version {detail['version']} serves", f"endpoint {detail['endpoint']} verified"
        case _:
            return kind.lower(), f"{detail.get('error', '')} {detail.get('cause', '')[:_CAUSE_LENGTH]}".strip()


def drifted_features(detail: dict[str, Any]) -> list[str]:
    """Features beyond their threshold, the farthest first."""
    found = [one["feature"] for one in detail.get("violations", []) if one["check"] == "baseline_drift_check"]
    return sorted(found, key=lambda name: -detail["drift"][name])


def describe_violations(detail: dict[str, Any]) -> str:
    """The highest drift scores and what else was violated, e.g. `temp 0.52, humid 0.31; auc below threshold`."""
    drift: dict[str, float] = detail["drift"]
    drifted = drifted_features(detail)
    named = [f"{name} {drift[name]:.2f}" for name in drifted[:_FEATURES_NAMED]]
    if len(drifted) > _FEATURES_NAMED:
        named.append(f"{len(drifted) - _FEATURES_NAMED} more")
    others = [_named(one) for one in detail["violations"] if one["check"] != "baseline_drift_check"]
    return "; ".join([", ".join(named), *others] if named else others)


def _named(violation: dict[str, str]) -> str:
    feature, description = violation["feature"], violation["description"]
    return description if feature in description else f"{feature}: {description}"
