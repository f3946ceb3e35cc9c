"""Checks before the demo starts anything: each failure is one line naming what is missing and the remedy."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from mlops_local.demo.folder import check_out

MINIMUM_NODE = 20
_NODE_REMEDY = f"install Node.js {MINIMUM_NODE} or newer (https://nodejs.org)"
MINIMUM_FREE_BYTES = 3 * 1024**3
# Below them a port needs root, which nothing here does.
PORTS = range(1024, 65536)


class PortError(ValueError):
    """`--port` is no port the local AWS may have; the message says which are."""


def parse_port(text: str) -> int:
    """Read `--port`.

    Raises:
        PortError: it is no number between 1024 and 65535.
    """
    if not text.isdecimal() or int(text) not in PORTS:
        raise PortError(
            f"port {text!r} can't be used: choose {PORTS[0]} to {PORTS[-1]} with --port (make demo PORT=...)"
        )
    return int(text)


def check_all(*, repository: Path, out: Path, port: int) -> list[str]:
    """Every problem that would stop the demo later; empty when it can start.

    Args:
        repository: checkout holding `app.py` and `node_modules`.
        out: folder the demo writes to (need not exist yet; what an earlier demo left there is removed later).
        port: TCP port of the local AWS on 127.0.0.1.
    """
    checks: tuple[Callable[[], str | None], ...] = (
        check_node,
        lambda: check_cdk(repository),
        lambda: check_out(out),
        lambda: check_disk(out),
        lambda: check_disk(Path(tempfile.gettempdir())),
        lambda: check_port(port),
    )
    # Out folder and temporary folder are often one disk: say it once.
    return list(dict.fromkeys(problem for check in checks if (problem := check())))


def check_node(run: Callable[[], str] | None = None) -> str | None:
    """Node.js is there and new enough for the CDK CLI and jsii."""
    try:
        version = (run or _node_version)().strip()
    except (OSError, subprocess.SubprocessError):
        return f"Node.js was not found on the PATH: {_NODE_REMEDY}"
    match = re.match(r"v?(\d+)\.", version)
    if match is None or int(match[1]) < MINIMUM_NODE:
        return f"Node.js {version or '(unknown version)'} is too old: {_NODE_REMEDY}"
    return None


def check_cdk(repository: Path) -> str | None:
    """The pinned CDK CLI is installed in the checkout."""
    if cdk_executable(repository).exists():
        return None
    return f"the pinned CDK CLI is missing ({cdk_executable(repository)}): run `npm ci` in {repository}"


def cdk_executable(repository: Path) -> Path:
    """Path of the CDK CLI that package-lock.json pins."""
    return repository / "node_modules" / ".bin" / "cdk"


def check_disk(folder: Path, free_bytes: Callable[[Path], int] | None = None) -> str | None:
    """At least 3 GB are free on the disk that holds `folder`."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = (free_bytes or (lambda path: shutil.disk_usage(path).free))(existing)
    if free >= MINIMUM_FREE_BYTES:
        return None
    return (
        f"only {free / 1024**3:.1f} GB free on the disk of {existing}: free {MINIMUM_FREE_BYTES / 1024**3:.0f} GB "
        "or choose another disk with --out (make demo OUT=...) and TMPDIR"
    )


def check_port(port: int) -> str | None:
    """Nothing listens on 127.0.0.1:`port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # A server that just stopped leaves TIME_WAIT behind, which does not stop the next one.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return (
                f"port {port} on 127.0.0.1 is taken: stop what listens there or choose another one with --port "
                "(make demo PORT=...)"
            )
    return None


def _node_version() -> str:
    return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
