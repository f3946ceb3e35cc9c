"""One local AWS for the whole session; tests share it, so they name what they make after themselves."""

from __future__ import annotations

import socket
from collections.abc import Iterator

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
