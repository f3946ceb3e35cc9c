"""Child processes that never outlive the demo, and the memory the whole process tree takes."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import psutil

_SAMPLE_SECONDS = 3.0
GRACE_SECONDS = 5.0


class CommandFailedError(RuntimeError):
    """A child process ended with an error; the message holds its last lines."""


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    on_line: Callable[[str], None] = lambda line: None,
) -> None:
    """Run a command in its own process group, its output going to `log` and line by line to `on_line`.

    The group is ended whatever happens here, an interrupt included.

    Raises:
        CommandFailedError: the command returned non-zero; the message has its last 15 lines and where the rest is.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    child = subprocess.Popen(
        list(arguments),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    tail: list[str] = []
    try:
        with log.open("w") as kept:
            for line in child.stdout or ():
                kept.write(line)
                kept.flush()
                if line.strip():
                    tail = [*tail[-14:], line.rstrip()]
                    on_line(line.rstrip())
        child.wait()
    finally:
        end_group(child)
    if child.returncode != 0:
        command = " ".join([Path(arguments[0]).name, *arguments[1:3]])
        raise CommandFailedError(
            f"`{command}` failed with exit code {child.returncode} (all of it in {log}):\n" + "\n".join(tail)
        )


def end_group(child: subprocess.Popen[str]) -> None:
    """Terminate a child's whole process group, then kill what is left of it after five seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            break
        try:
            child.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    child.wait()
    if child.stdout:
        child.stdout.close()


class MemoryWatch:
    """Samples the memory of this process and everything below it, every three seconds: one look costs milliseconds.

    On Linux pages shared by n processes count a n-th each (PSS): jobs are forked from one interpreter, so the sum of
    resident sizes would count that interpreter once per job. Elsewhere it is that sum, an upper bound.

    Attributes:
        peak_bytes: highest sum seen so far.
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-watch", daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=2)

    def _watch(self) -> None:
        this = psutil.Process()
        while not self._stop.is_set():
            self.peak_bytes = max(self.peak_bytes, tree_bytes(this))
            self._stop.wait(_SAMPLE_SECONDS)


def tree_bytes(root: psutil.Process) -> int:
    """Bytes of memory that `root` and all its descendants take now, shared pages divided among their users."""
    total = 0
    for process in (root, *root.children(recursive=True)):
        try:
            total += process.memory_full_info().pss if psutil.LINUX else process.memory_info().rss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total
