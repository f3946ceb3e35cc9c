"""Workers of Lambda functions, forked from an interpreter that has imported the AWS SDK, Powertools and pydantic.

A worker is as real as one started anew: own process, environment, folder and pipes. But its cold start costs
milliseconds instead of a second of CPU, and workers share the memory of what they all import. On Linux; elsewhere
they are started anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from .errors import LocalAwsError

if TYPE_CHECKING:
    from .runtime import Runtime

_PROGRAM = Path(__file__).with_name("lambda_fork_worker.py")
_LENGTH_BYTES = 4


class Forked:
    """What the emulator needs of `subprocess.Popen`, for a forked process.

    Attributes:
        pid: Process id.
        stdin: Text pipe to the worker.
        stdout: Text pipe from the worker.
        stderr: Text pipe of its log.
    """

    def __init__(self, pid: int, ends: Sequence[int]) -> None:
        self.pid = pid
        self.stdin = os.fdopen(ends[0], "w", buffering=1)
        self.stdout = os.fdopen(ends[1], buffering=1)
        self.stderr = os.fdopen(ends[2], buffering=1, errors="replace")
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:  # it has ended already
            self._handle = -1

    def poll(self) -> int | None:
        """None while it runs, else -1: nobody needs the real code."""
        return None if self._running(0) else -1

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end.

        Raises:
            TimeoutExpired: after `timeout` seconds.
        """
        if self._running(timeout):
            raise subprocess.TimeoutExpired("function worker", timeout or 0)
        return -1

    def terminate(self) -> None:
        """Asks it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it."""
        self._send(signal.SIGKILL)

    def _running(self, timeout: float | None) -> bool:
        if self._handle < 0:
            return False
        poller = select.poll()
        poller.register(self._handle, select.POLLIN)
        if not poller.poll(None if timeout is None else timeout * 1000):
            return True
        os.close(self._handle)
        self._handle = -1
        return False

    def _send(self, number: signal.Signals) -> None:
        if self._handle >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)


class Forker:
    """The interpreter that is forked. It and its children end with the server, because its socket does."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        subprocess.Popen(
            [sys.executable, "-B", str(_PROGRAM), str(theirs.fileno())],
            env=dict(environment),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()

    def start(self, script: str, environment: Mapping[str, str], cwd: str) -> Forked:
        """Forks a worker that runs a script with three new pipes.

        Raises:
            LocalAwsError: the interpreter is gone.
        """
        pipes = [os.pipe() for _ in range(3)]
        theirs, ours = [pipes[0][0], pipes[1][1], pipes[2][1]], [pipes[0][1], pipes[1][0], pipes[2][0]]
        request = json.dumps({"script": script, "environment": dict(environment), "cwd": cwd}).encode()
        try:
            with self._lock:
                socket.send_fds(self._socket, [len(request).to_bytes(_LENGTH_BYTES, "big")], theirs)
                self._socket.sendall(request)
                answer = self._socket.recv(8)
        except OSError:
            answer = b""
        finally:
            for end in theirs:
                os.close(end)
        if not answer:
            raise LocalAwsError("the interpreter that functions are forked from has ended: restart the local AWS")
        return Forked(int.from_bytes(answer, "big"), ours)


def use_for_functions(runtime: Runtime) -> None:
    """Makes the emulator's Python workers forked ones."""
    from ministack.core import lambda_runtime

    if sys.platform != "linux":
        return
    forker = Forker(os.environ)

    def popen(argv: Sequence[str], **options: Any) -> Any:
        if argv[0] != sys.executable:
            return subprocess.Popen(argv, **options)
        return forker.start(argv[1], options["env"], options["cwd"])

    # The module under the name `subprocess` in the emulator's worker pool, with another Popen.
    lambda_runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": popen})
