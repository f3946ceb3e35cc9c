"""Starting and stopping the local AWS: in this process (`serve`) or as a child (`LocalAws`)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .clients import Clients
from .errors import LocalAwsError
from .home import DOCKER, LOG_FILE, READY_FILE

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "000000000000"
FREE_BYTES = 3 * 1024**3
_START_SECONDS = 120
_STOP_SECONDS = 20
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def listen(port: int) -> socket.socket:
    """Takes the port: from now on nobody else can.

    Raises:
        LocalAwsError: somebody has it.
    """
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((HOST, port))
        taken.listen()
    except OSError as error:
        taken.close()
        raise LocalAwsError(
            f"port {port} on {HOST} can't be used ({error.strerror}): stop what listens there or give --port"
        ) from None
    return taken


def check_room(home: Path, port: int) -> None:
    """Refuses to start where it can't work.

    Raises:
        LocalAwsError: the port is taken, the disk is nearly full, or the folder can't be written.
    """
    listen(port).close()
    try:
        home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise LocalAwsError(f"{home} can't be used ({error.strerror}): give another folder with --home") from None
    if free < FREE_BYTES:
        raise LocalAwsError(
            f"{home} has {free / 1e9:.1f} GB free, the local AWS needs {FREE_BYTES / 1e9:.1f} GB: "
            "free some space or give another folder with --home"
        )


def environment(port: int) -> dict[str, str]:
    """What makes the AWS CLI, the CDK CLI and boto3 talk to the local AWS as the account root."""
    url = f"http://{HOST}:{port}"
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
        "CDK_DISABLE_LEGACY_EXPORT_WARNING": "1",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        **without_proxy(),
    }


def without_proxy() -> dict[str, str]:
    """The variables that keep requests to the local AWS away from a proxy, besides those kept away already."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    hosts = known if known == "*" else ",".join(filter(None, (known, HOST)))
    return {"NO_PROXY": hosts, "no_proxy": hosts}


class LocalAws:
    """The local AWS as a child process; use it as a context manager.

    Args:
        home: The one folder everything lives in; made when missing, kept on stop.
        port: Port on 127.0.0.1.

    Raises:
        LocalAwsError: on `start`, when it can't start; the message has the remedy.

    Example:
        >>> with LocalAws(Path("/tmp/aws"), 4566) as aws:  # doctest: +SKIP
        ...     aws.client("s3").list_buckets()["Buckets"]
        []
    """

    def __init__(self, home: Path, port: int = 4566) -> None:
        self.home, self.port = home.resolve(), port
        self.endpoint_url = f"http://{HOST}:{port}"
        self.log = self.home / LOG_FILE
        self._child: subprocess.Popen[bytes] | None = None
        self._clients = Clients(self.endpoint_url, REGION)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the server, 0 when it doesn't run."""
        return self._child.pid if self._child else 0

    def start(self) -> Self:
        """Starts the server and returns when it answers."""
        check_room(self.home, self.port)
        argv = [sys.executable, "-m", "mlops_local", "serve", "--port", str(self.port), "--home", str(self.home)]
        argv += ["--with-parent"]
        with self.log.open("ab") as log:
            # Its own session: Ctrl-C reaches us, and we stop it in order.
            # And its input is a pipe from us: when we are gone without stopping it, it sees the end and stops.
            self._child = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stops the server and every process it started; safe to call twice."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin:
            child.stdin.close()
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # its session: function workers it may have left

    def environ(self) -> dict[str, str]:
        """This process's environment with what makes AWS tools talk to the local AWS, and to no account."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            **environment(self.port),
            "CDK_DOCKER": str(self.home / DOCKER),
            "MLOPS_LOCAL_HOME": str(self.home),
        }

    def client(self, service: str) -> Any:
        """A boto3 client as the account root."""
        session = self._clients.session(
            {"aws_access_key_id": "test", "aws_secret_access_key": "test", "aws_session_token": ""}
        )
        return self._clients.client(session, service)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._child is None or self._child.poll() is not None:
                raise LocalAwsError(_last_line(self.log))
            if (self.home / READY_FILE).exists() and answers(self.endpoint_url):
                return
            time.sleep(0.05)
        raise LocalAwsError(f"the local AWS did not answer in {_START_SECONDS} s; its log is {self.log}")


def answers(url: str) -> bool:
    """Whether a local AWS answers at an endpoint."""
    try:
        with _DIRECT.open(f"{url}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else f"the local AWS ended at once; its log {log} is empty"
