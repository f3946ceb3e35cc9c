"""The server process: environment, patches, services, then the emulator's own application until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path

from .entrance import guard
from .errors import LocalAwsError
from .home import FOLDERS, READY_FILE, hold
from .images.shim import write_executable
from .server import ACCOUNT, HOST, REGION, answers, check_room, listen, without_proxy

_FILES = 10_240


def serve(home: Path, port: int, *, with_parent: bool = False) -> None:
    """Serves the local AWS in this process until SIGINT or SIGTERM.

    Args:
        home: The one folder everything lives in.
        port: Port on 127.0.0.1.
        with_parent: Stop, too, when standard input ends.

    Raises:
        LocalAwsError: it can't start; the message has the remedy.
    """
    home = home.resolve()
    check_room(home, port)
    # From here to the end: two that start at the same moment would otherwise both find the port free.
    listening = listen(port)
    held = hold(home)
    prepare(home, port)
    from .runtime import Runtime
    from .services import register_all

    write_executable(home)
    runtime = Runtime(home, port)
    try:
        register_all(runtime)
        asyncio.run(_serve(home, runtime.endpoint_url, listening, with_parent))
    finally:
        (home / READY_FILE).unlink(missing_ok=True)
        runtime.processes.stop()
        _end_function_workers()
        held.close()


def prepare(home: Path, port: int) -> None:
    """Sets the environment the emulator reads at import, then checks that it is the release we know."""
    folders = {name: home / name for name in FOLDERS}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith(("AWS_", "LAMBDA_", "SFN_", "LOCALSTACK_"))]:
        if name != "SFN_WAIT_SCALE":
            del os.environ[name]
    os.environ.update(
        AUTH="true",
        GATEWAY_PORT=str(port),
        BIND_HOST=HOST,
        MINISTACK_HOST=HOST,
        MINISTACK_REGION=REGION,
        MINISTACK_ACCOUNT_ID=ACCOUNT,
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        S3_PERSIST="1",
        S3_DATA_DIR=str(folders["s3"]),
        TMPDIR=str(folders["tmp"]),
        LAMBDA_EXECUTOR="local",
        LAMBDA_STRICT="0",
        DOCKER_HOST=f"unix://{home}/no-docker",  # never reach a Docker that happens to be there
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - the emulator's root account
        AWS_DEFAULT_REGION=REGION,
        AWS_EC2_METADATA_DISABLED="true",
        **without_proxy(),
        LOG_LEVEL=os.environ.get("MLOPS_LOCAL_LOG_LEVEL", "WARNING"),
    )
    os.environ.setdefault("SFN_WAIT_SCALE", "0")
    tempfile.tempdir = str(folders["tmp"])
    from .patches import check_names

    check_names()
    logging.getLogger("mlops_local").setLevel(logging.INFO)


def raise_file_limit() -> None:
    """Lets this process open as many files as it may, up to a number that every system grants.

    macOS says that the limit is infinite, and refuses a soft limit that is.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(home: Path, url: str, listening: socket.socket, with_parent: bool) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack import app

    raise_file_limit()
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    if with_parent:
        threading.Thread(target=_await_end_of_input, args=(loop, stopping), daemon=True).start()
    server = asyncio.create_task(hypercorn_serve(guard(app.app), config, shutdown_trigger=stopping.wait))
    await _wait_until_ready(server, url)
    (home / READY_FILE).write_text(str(os.getpid()))
    print(f"local AWS on {url}, everything in {home}", flush=True)
    await server


def _await_end_of_input(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    os.read(0, 1)
    with contextlib.suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(stopping.set)


async def _wait_until_ready(server: asyncio.Task[None], url: str) -> None:
    for _ in range(600):
        if server.done():
            await server
            raise LocalAwsError(f"the server of {url} ended before it was ready")
        if await asyncio.to_thread(answers, url):
            return
        await asyncio.sleep(0.05)
    raise LocalAwsError(f"the server of {url} did not answer in 30 s")


def _end_function_workers() -> None:
    """Ends the warm Lambda workers, then this process at once: threads of running executions can't be joined."""
    from ministack.core import lambda_runtime

    with contextlib.suppress(Exception):
        lambda_runtime.reset()
    sys.stdout.flush()
    sys.stderr.flush()
