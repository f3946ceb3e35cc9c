"""The warm interpreter: imports what jobs import, then forks one process per job. Run as a program, never imported.

Reads requests as JSON lines from standard input, answers `{"id", "pid"}` and later `{"id", "code"}` on standard output.
Its end, or the end of standard input, is the end of every process it made.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import sys
import threading
from typing import Any, NoReturn

PRELOADED = ("boto3", "numpy", "pandas", "pyarrow.parquet", "pyarrow.compute", "xgboost")


def main() -> None:
    """Serves requests until standard input ends."""
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # a job that needs it fails by itself, with the right message
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    jobs: dict[int, int] = {}
    waiting = b""
    while True:
        ready, _, _ = select.select([0, ended], [], [])
        if ended in ready:
            os.read(ended, 4096)
            _reap(jobs)
        if 0 in ready:
            received = os.read(0, 1 << 20)
            if not received:
                break
            *lines, waiting = (waiting + received).split(b"\n")
            for line in lines:
                _start(json.loads(line), jobs)
    for pid in jobs:
        _kill(pid)


def _start(request: dict[str, Any], jobs: dict[int, int]) -> None:
    pid = os.fork()
    if pid == 0:
        _become(request)
    with contextlib.suppress(OSError):  # the child does it, too: whoever is first, before anybody can signal the group
        os.setpgid(pid, pid)
    jobs[pid] = request["id"]
    _answer({"id": request["id"], "pid": pid})


def _reap(jobs: dict[int, int]) -> None:
    while jobs:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        _kill(pid)  # what the job left behind in its group
        _answer({"id": jobs.pop(pid), "code": os.waitstatus_to_exitcode(status)})


def _answer(message: dict[str, int]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        return


def _become(request: dict[str, Any]) -> NoReturn:
    """Turns the forked process into the job: own group, own output, environment, folder and arguments."""
    code = 1
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        _redirect(request["log"])
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        script, *arguments = request["argv"]
        sys.argv = [script, *arguments]
        searched = filter(None, request["env"].get("PYTHONPATH", "").split(os.pathsep))
        sys.path[:0] = [os.path.dirname(script), *searched]  # noqa: PTH120  (a string, as Python itself puts there)
        sys.dont_write_bytecode = True
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed()  # the imported state is the same in every fork
        code = _run(script)
    except BaseException:  # nothing may get past here into the loop of the parent
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(log: str) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.closerange(3, 4096)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115


def _run(script: str) -> int:
    """Runs the script as `python script` does, and gives its exit code."""
    code = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, int):
            code = end.code
        elif end.code is not None:
            print(end.code, file=sys.stderr)
            code = 1
    except BaseException as error:  # as the interpreter itself: print and exit with 1
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != script:
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    return code & 0xFF


if __name__ == "__main__":
    main()
