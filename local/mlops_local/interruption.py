"""What SIGINT, SIGTERM and SIGHUP do to a command: before it has started anything, and while it has something to stop.

Imports nothing heavy: a signal may come in the first tenth of a second.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

EXIT_CODE = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """One of the signals arrived; not an Exception, so that no handler of errors swallows it."""


def leave_on_signals() -> None:
    """End the process at once, with one line. For as long as there is nothing to stop.

    An exception would not do here: raised in the middle of an import it can get lost.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        print(f"stopped by {signal.Signals(number).name}: nothing runs", file=sys.stderr, flush=True)
        os._exit(EXIT_CODE)

    _on_signals(leave)


def stop_on_signals() -> None:
    """Turn the signals into `Interrupted` in the main thread, so that every `finally` runs."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        # A second Ctrl-C during clean-up would leave processes behind: clean-up is bounded, let it finish.
        for other in _SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise Interrupted(signal.Signals(number).name)

    _on_signals(interrupt)


def _on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in _SIGNALS:
        signal.signal(number, handler)
