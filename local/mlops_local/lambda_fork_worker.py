"""The interpreter that function workers are forked from. Run as a program with a socket's number, never imported."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

PRELOADED = ("boto3", "botocore.handlers", "pydantic", "aws_lambda_powertools", "aws_lambda_powertools.metrics")


def main(number: int) -> None:
    """Forks one process per request until the socket ends, then ends all of them."""
    for name in PRELOADED:
        with contextlib.suppress(ImportError):  # a function that needs it fails by itself
            importlib.import_module(name)
    gc.freeze()  # what is here now stays shared with every child
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks for exit codes
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=number)
    while True:
        prefix, pipes, _, _ = socket.recv_fds(control, 4, 3)
        if not prefix:
            break
        request = json.loads(_read(control, int.from_bytes(prefix, "big")))
        pid = os.fork()
        if pid == 0:
            control.close()
            _become(request, pipes)
        for end in pipes:
            os.close(end)
        control.sendall(pid.to_bytes(8, "big"))
    os.killpg(0, signal.SIGKILL)


def _read(control: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        received += control.recv(length - len(received))
    return received


def _become(request: dict[str, Any], pipes: list[int]) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for target, end in enumerate(pipes):
        os.dup2(end, target)
        os.close(end)
    # The interpreter's own objects still buffer for the old descriptors.
    sys.stdin, sys.stdout, sys.stderr = (open(0), open(1, "w"), open(2, "w", buffering=1))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    sys.argv = [request["script"]]
    sys.path[0] = str(Path(request["script"]).parent)
    code = 0
    try:
        runpy.run_path(request["script"], run_name="__main__")
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
