"""The window's bounds and what overlaps it: pure.

The window is cut by wall clock at the granularity of objects, generously: SageMaker buffers captured records before
it writes them, so an object may hold records of a neighbouring window. The monitor drops single records by their
inference time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from mlops_runtime.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

# A record of the window's last minutes may be flushed into the folder of the hour after it.
FLUSH_ALLOWANCE = timedelta(hours=1)


@dataclass(frozen=True)
class Window:
    """[start, end), UTC."""

    start: datetime
    end: datetime

    def may_hold(self, last_modified: datetime) -> bool:
        """Whether an object written at this instant can hold a record of the window.

        An object cannot hold records newer than itself. S3 keeps whole seconds, so the bound is cut to the second.
        """
        return last_modified >= self.start.replace(microsecond=0)

    def months(self) -> list[str]:
        """Months the window touches, oldest first."""
        month = self.start.replace(day=1)
        found = []
        while month < self.end:
            found.append(f"{month:%Y-%m}")
            month = (month + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return found


def window(start: datetime | None, end: datetime | None, now: datetime, days: int) -> Window:
    """The asked window, or the whole days (UTC) before today when none was asked for.

    Raises:
        InvalidInput: Only one bound was given, or the end is not after the start.
    """
    if start is None and end is None:
        today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
        return Window(today - timedelta(days=days), today)
    if start is None or end is None:
        raise InvalidInput("window_start and window_end belong together: give both or neither")
    if end <= start:
        raise InvalidInput(f"window_end {end.isoformat()} must be after window_start {start.isoformat()}")
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def labelled_from(window: Window, delay_days: int, *, asked: bool) -> datetime:
    """From when on quality is measured.

    The newest predictions have no labels yet when these take days, so the scheduled run looks back as far as they take:
    every prediction is judged once its label is known. A window that was asked for is all that is looked at.
    """
    return window.start if asked else window.start - timedelta(days=delay_days)


def label_months(window: Window, present: Iterable[str], newest: int) -> list[str]:
    """Months whose labels are read: those the window touches, and the `newest` ones there are, oldest first.

    Labels are filed by event time, predictions by wall clock. The two agree in production; in a replay of the past
    only the newest labels can belong to what was just predicted.
    """
    known = sorted(set(present))
    return sorted(set(known[-newest:]) | (set(known) & set(window.months())))


def execution_name(execution: str) -> str:
    """Name at the end of an execution ARN, or the text itself when it is no ARN."""
    return execution.rsplit(":", 1)[-1]
