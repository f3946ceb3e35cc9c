"""Child processes forked from a warm interpreter, so that a job doesn't spend its first seconds on imports.

The processes are as real as others: own process group, environment, folder, output and exit code. Only the modules
of `warm_worker.PRELOADED` are imported already. On Linux; elsewhere forking after these imports isn't safe.
"""

from __future__ import annotations

import atexit
import itertools
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from .runtime import Runtime

logger = logging.getLogger(__name__)

_WORKER = Path(__file__).with_name("warm_worker.py")
_LOST = -9


class Process(Protocol):
    """What jobs need of a process; `subprocess.Popen` has it, too."""

    pid: int

    def poll(self) -> int | None:
        """Exit code, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end and returns the exit code."""


class WarmProcess:
    """A process forked from the warm interpreter."""

    def __init__(self) -> None:
        self.pid = 0
        self._code: int | None = None
        self._begun, self._ended = threading.Event(), threading.Event()

    def begin(self, pid: int) -> None:
        """Notes the process id, once there is one."""
        self.pid = pid
        self._begun.set()

    def end(self, code: int) -> None:
        """Notes the exit code."""
        self._code = code
        self._begun.set()
        self._ended.set()

    def begun(self) -> None:
        """Waits until there is a process id."""
        self._begun.wait()

    def poll(self) -> int | None:
        """Exit code, or None while it runs."""
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end.

        Raises:
            TimeoutExpired: after `timeout` seconds.
        """
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("job", timeout or 0)
        return self._code if self._code is not None else _LOST


class WarmInterpreter:
    """The interpreter that is forked. It ends with the server, because its standard input does.

    Args:
        environment: Variables it starts with; OpenMP's are read when libraries are imported.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._numbers = itertools.count()
        self._jobs: dict[int, WarmProcess] = {}
        self._lock = threading.Lock()
        # OpenMP's idle threads spin by default, which starves the other jobs where cores are few.
        variables = {**environment, "OMP_WAIT_POLICY": "PASSIVE"}
        self._worker = subprocess.Popen(
            [sys.executable, "-I", "-B", str(_WORKER)],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, name="warm", daemon=True).start()

    def start(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> WarmProcess | None:
        """Starts `script arguments...` in a forked process; None when the interpreter is gone."""
        process, number = WarmProcess(), next(self._numbers)
        request = {"id": number, "argv": list(argv), "env": dict(env), "cwd": str(cwd), "log": str(log)}
        with self._lock:
            if self._worker.poll() is not None or self._worker.stdin is None:
                return None
            self._jobs[number] = process
            self._worker.stdin.write(json.dumps(request).encode() + b"\n")
            self._worker.stdin.flush()
        process.begun()
        return process

    def stop(self) -> None:
        """Ends the interpreter and every process it made."""
        if self._worker.stdin is not None and not self._worker.stdin.closed:
            self._worker.stdin.close()
        self._worker.wait()

    def _listen(self) -> None:
        for line in self._worker.stdout or ():
            message = json.loads(line)
            if "pid" in message:
                self._jobs[message["id"]].begin(message["pid"])
            else:
                self._jobs.pop(message["id"]).end(message["code"])
        logger.info("the warm interpreter ended")
        with self._lock:
            for process in self._jobs.values():
                process.end(_LOST)
            self._jobs.clear()


_interpreter: WarmInterpreter | None = None


def register(runtime: Runtime) -> None:
    """Starts the warm interpreter, where forking it is safe."""
    global _interpreter
    if sys.platform == "linux":
        _interpreter = WarmInterpreter(runtime._base_environment())
        atexit.register(_interpreter.stop)


def start_process(runtime: Runtime, argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> Process:
    """Starts a job's process: forked from the warm interpreter when it is a Python script, else anew.

    Args:
        runtime: The local AWS.
        argv: Program and arguments.
        env: Its variables, besides the few every child gets.
        cwd: Working directory.
        log: File its output is added to.
    """
    log.touch()  # a process that is ended in its first moment has written nothing, but its log is read
    program, *rest = argv
    script = rest[1:] if rest[:1] == ["-B"] else rest
    if _interpreter is not None and program == sys.executable and script and script[0].endswith(".py"):
        started = _interpreter.start(script, {**runtime._base_environment(), **env}, cwd, log)
        if started is not None:
            return started
    with log.open("ab") as output:
        return runtime.popen(argv, env, cwd, output)


def end_process(runtime: Runtime, process: Process, grace_seconds: float) -> None:
    """Ends a job's process and its group: politely first when a grace is given."""
    runtime.processes.kill(cast("subprocess.Popen[bytes]", process), grace_seconds)  # needs `pid` and `poll` only
