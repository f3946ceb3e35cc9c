"""May a training start? A pure function of the gate's state, its limits, the time and the trigger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from mlops_runtime.events import DriftDetected, RetrainingRequested, SuppressionCode

if TYPE_CHECKING:
    from mlops_runtime.events import Detail, Violation

_DRIFT_CHECK = "baseline_drift_check"
_SHOWN_VIOLATIONS = 5


@dataclass(frozen=True)
class Limits:
    """What a workload allows.

    Attributes:
        cool_down_seconds: Least time between two starts.
        daily_cap: Most starts on one day (UTC).
        min_new_rows: Least labelled rows published since the last start.
        max_rejected_fraction: Largest share of refused data since the last start, 0 to 1.
        kill_switch: Why the kill switch is on; empty when it is off.
    """

    cool_down_seconds: int
    daily_cap: int
    min_new_rows: int
    max_rejected_fraction: float
    kill_switch: str = ""


@dataclass(frozen=True)
class Counters:
    """What landed since the last start. A corrected file of the same name takes its refusal back."""

    new_rows: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    bytes_accepted: int = 0
    bytes_rejected: int = 0

    @classmethod
    def names(cls) -> list[str]:
        """The counters' attribute names in the gate's item."""
        return [item.name for item in fields(cls)]

    @property
    def rejected_fraction(self) -> float:
        """The larger of two shares: bytes in files refused whole, rows refused one by one."""
        return max(
            _share(self.bytes_rejected, self.bytes_accepted),
            _share(self.rows_quarantined, self.rows_accepted),
        )


@dataclass(frozen=True)
class State:
    """The gate's item; times are seconds since the epoch. `revision` counts the starts and guards every claim."""

    revision: int = 0
    running_execution: str = ""
    lease_expires: int = 0
    last_started: int = 0
    day: str = ""
    count_today: int = 0
    claim_event: str = ""
    claim_input: str = ""
    counters: Counters = field(default_factory=Counters)

    def lease_expired(self, now: int) -> bool:
        """Whether a holder exists and had its time."""
        return bool(self.running_execution) and now >= self.lease_expires

    def starts_on(self, day: str) -> int:
        """Trainings started on `day` (YYYY-MM-DD, UTC)."""
        return self.count_today if self.day == day else 0


@dataclass(frozen=True)
class Trigger:
    """One event that asks for a training."""

    event_id: str
    detail_type: str
    reason: str

    def __str__(self) -> str:
        return f"{self.detail_type} {self.event_id}"


@dataclass(frozen=True)
class Decision:
    """`resume`: this very trigger claimed the slot before and may not have reached the start."""

    action: Literal["start", "resume", "suppress"]
    code: SuppressionCode | None = None
    reason: str = ""


def decide(state: State, limits: Limits, now: int, trigger: Trigger) -> Decision:
    """Answer one trigger.

    A holder whose lease has expired counts as gone; the caller first makes sure that it is.
    """
    held = bool(state.running_execution) and not state.lease_expired(now)
    if held and state.claim_event == trigger.event_id:
        return Decision("resume", reason=trigger.reason)
    code, reason = _objection(state, limits, now, held=held)
    return Decision("start", reason=trigger.reason) if code is None else Decision("suppress", code, reason)


def _objection(state: State, limits: Limits, now: int, *, held: bool) -> tuple[SuppressionCode | None, str]:
    """The first objection, those that only a person can lift first."""
    counters, day = state.counters, day_of(now)
    resting = state.last_started + limits.cool_down_seconds - now if state.last_started else 0
    if limits.kill_switch:
        return "kill_switch", limits.kill_switch
    if held:
        return "already_running", f"{state.running_execution.rsplit(':', 1)[-1]} is training"
    if resting > 0:
        return "cool_down", f"{resting} s of {limits.cool_down_seconds} s left since the last start"
    if state.starts_on(day) >= limits.daily_cap:
        return "daily_cap", f"{state.starts_on(day)} trainings on {day}, allowed {limits.daily_cap}"
    if counters.rejected_fraction > limits.max_rejected_fraction:
        return "data_quarantined", (
            f"{counters.rejected_fraction:.0%} of the data landed since the last training was refused "
            f"({counters.bytes_rejected} bytes in files, {counters.rows_quarantined} single rows), "
            f"allowed {limits.max_rejected_fraction:.0%}: land corrected files under the same names"
        )
    if counters.new_rows < limits.min_new_rows:
        return "not_enough_new_rows", f"{counters.new_rows} new labelled rows, required {limits.min_new_rows}"
    return None, ""


def day_of(now: int) -> str:
    """The UTC day of an instant, YYYY-MM-DD."""
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"


def execution_name(revision: int, event_id: str) -> str:
    """Name of the execution that a claim starts: the same claim always starts the same execution."""
    return f"retrain-{revision:06d}-{hashlib.sha256(event_id.encode()).hexdigest()[:8]}"


def execution_arn(state_machine_arn: str, name: str) -> str:
    """ARN of an execution, known before it is started."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def reason_of(detail: Detail) -> str:
    """Why a trigger asks for a training, in one line."""
    if isinstance(detail, DriftDetected):
        shown = [f"{item.feature} ({item.check}{_score(detail, item)})" for item in detail.violations]
        more = len(shown) - _SHOWN_VIOLATIONS
        text = ", ".join(shown[:_SHOWN_VIOLATIONS]) + (f" and {more} more" if more > 0 else "")
        return f"{len(shown)} violation{'s' if len(shown) != 1 else ''}: {text}"
    if isinstance(detail, RetrainingRequested):
        return f"requested by {detail.requested_by}: {detail.reason}"
    raise TypeError(f"{type(detail).__name__} does not ask for a training")


def _score(detail: DriftDetected, item: Violation) -> str:
    """The distance of what drifted, the value of a metric; a share or a type has no score in the event."""
    value = detail.drift.get(item.feature) if item.check == _DRIFT_CHECK else detail.quality.get(item.feature)
    return "" if value is None else f" {value:.2f}"


def _share(refused: int, accepted: int) -> float:
    refused, accepted = max(refused, 0), max(accepted, 0)
    return refused / (refused + accepted) if refused else 0.0
