"""Modules of the monitor's container, for the tests of its statistics, and configuration files to be changed."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tests.unit.config_files import Change, Edit, changed

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


@pytest.fixture
def repository(root: Path, tmp_path: Path) -> Path:
    """A copy of the environments and workloads."""
    shutil.copytree(root / "environments", tmp_path / "environments")
    shutil.copytree(root / "workloads", tmp_path / "workloads", ignore=shutil.ignore_patterns("data", "__pycache__"))
    return tmp_path


@pytest.fixture
def edit(repository: Path) -> Edit:
    """Change fields of a file of the copy; returns its path."""

    def apply(name: str, changes: Change) -> Path:
        path = repository / name
        path.write_text(yaml.safe_dump(changed(yaml.safe_load(path.read_text()), changes), sort_keys=False))
        return path

    return apply
