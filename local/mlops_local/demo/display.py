"""What the person watching sees: the phase, the month, and what the platform just decided and why."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.status import Status


class Display:
    """Progress on a terminal (a live status line under the history), or plain lines when it is not one.

    Args:
        console: where to write; standard output by default.

    Attributes:
        seconds: wall seconds of every finished phase, in order.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True, file=sys.stdout)
        self.seconds: dict[str, float] = {}
        self._started = time.monotonic()
        self._status: Status | None = None
        self._phase = ""
        self._lock = threading.Lock()

    def __enter__(self) -> Display:
        if self.console.is_terminal:
            self._status = self.console.status("starting")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Announce a phase and record its wall seconds under `name`; phases don't nest."""
        self._phase = name
        self._line(f"[bold]{escape(name)}[/bold]")
        self._update(name)
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - started, 2)

    def now(self, text: str) -> None:
        """What is being done this moment; only a terminal shows it, because it is replaced at once."""
        self._update(f"{self._phase}: {text}")

    def step(self, text: str) -> None:
        """Something finished that is worth keeping on the screen."""
        self._line(f"  {escape(text)}")

    def decision(self, what: str, why: str) -> None:
        """The platform decided something."""
        self._line(f"  [cyan]{escape(what)}[/cyan]{': ' + escape(why) if why else ''}")

    def result(self, text: str) -> None:
        """The closing sentence."""
        self._line(f"[bold green]{escape(text)}[/bold green]")

    def _line(self, markup: str) -> None:
        with self._lock:
            elapsed = time.monotonic() - self._started
            self.console.print(f"[dim]{int(elapsed) // 60:02d}:{int(elapsed) % 60:02d}[/dim] {markup}")

    def _update(self, text: str) -> None:
        if self._status:
            self._status.update(escape(text))
