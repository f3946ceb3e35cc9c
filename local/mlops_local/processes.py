"""Child processes that end with the server, however the server ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

# Reads process group ids from its standard input; when the server is gone, so is the pipe, and the groups follow.
_WATCHDOG = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    sign, group = line[0], int(line[1:])
    (groups.add if sign == "+" else groups.discard)(group)
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""


class ProcessTable:
    """Starts child processes, each in its own process group, and ends all of them on `stop`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._stopping = False
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WATCHDOG], stdin=subprocess.PIPE, start_new_session=True
        )

    def popen(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, output: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        """Starts a child process; standard error joins standard output in `output`.

        Raises:
            RuntimeError: the server is stopping.
        """
        with self._lock:
            if self._stopping:
                raise RuntimeError("the local AWS is stopping: no new process is started")
            child = subprocess.Popen(
                list(argv),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running[child.pid] = child
            self._tell("+", child.pid)
        threading.Thread(target=self._reap, args=(child,), daemon=True).start()
        return child

    def kill(self, child: subprocess.Popen[bytes], grace_seconds: float = 0.0) -> None:
        """Ends a child and everything in its process group: politely first when a grace is given."""
        if grace_seconds and child.poll() is None:
            _signal_group(child.pid, signal.SIGTERM)
            deadline = time.monotonic() + grace_seconds
            while child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
        _signal_group(child.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Ends every child process and the watchdog; returns when they are gone."""
        with self._lock:
            self._stopping = True
            children = list(self._running.values())
        for child in children:
            self.kill(child)
        for child in children:
            child.wait()
        if self._watchdog.stdin:
            self._watchdog.stdin.close()
        self._watchdog.wait()

    def _reap(self, child: subprocess.Popen[bytes]) -> None:
        child.wait()
        _signal_group(child.pid, signal.SIGKILL)  # what the child left behind in its group
        with self._lock:
            self._running.pop(child.pid, None)
            self._tell("-", child.pid)

    def _tell(self, sign: str, group: int) -> None:
        if self._watchdog.stdin and not self._watchdog.stdin.closed:
            self._watchdog.stdin.write(f"{sign}{group}\n".encode())
            self._watchdog.stdin.flush()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
