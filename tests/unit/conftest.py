"""Modules of the monitor's container, for the tests of its statistics."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

SRC = Path(__file__).parents[2] / "constructs" / "mlops_constructs" / "monitoring" / "container" / "src"
MODULES = ("settings", "sketch", "describe", "drift", "variation", "constraints", "quality")


@pytest.fixture(scope="module")
def monitor() -> Iterator[SimpleNamespace]:
    """The container's modules; they import each other by bare name, as in the container."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SRC))
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
        for name in MODULES:
            del sys.modules[name]
