"""One local AWS for the whole session; tests share it, so they name what they make after themselves."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlops_local.server import LocalAws


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """The running local AWS."""
    with LocalAws(tmp_path_factory.mktemp("aws"), free_port()) as server:
        yield server


def wait_for(what: str, found: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Calls `found` until it returns something true; fails with `what` when it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


def log_of(aws: LocalAws) -> str:
    """What the server wrote so far."""
    return Path(aws.log).read_text(encoding="utf-8", errors="replace")
