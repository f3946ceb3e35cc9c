"""The JavaScript inside the Python wheels of CDK, laid out so that Node finds it: no npm package is installed."""

from __future__ import annotations

import os
import tarfile
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

PACKAGES = {
    "aws-cdk-lib": "aws-cdk-lib",
    "constructs": "constructs",
    "cdk-nag": "cdk-nag",
    "aws-cdk.asset-awscli-v1": "@aws-cdk/asset-awscli-v1",
    "aws-cdk.asset-node-proxy-agent-v6": "@aws-cdk/asset-node-proxy-agent-v6",
    "aws-cdk.cloud-assembly-schema": "@aws-cdk/cloud-assembly-schema",
}
"""Python distribution to the npm package it carries."""


class MissingJavaScriptError(RuntimeError):
    """A wheel the ledger needs is not installed, or carries no JavaScript."""


def node_modules() -> Path:
    """The folder for `NODE_PATH`: unpacked once per set of versions (2 s, 160 MB), in the user's cache.

    Raises:
        MissingJavaScriptError: A distribution of `PACKAGES` is missing.
    """
    archives = {npm: _archive(name) for name, npm in PACKAGES.items()}
    # jsii names an archive by package and version, so the names together are the key.
    key = "_".join(sorted(f"{archive.name.removesuffix('.jsii.tgz')}" for archive in archives.values()))
    target = _cache() / key
    if not target.is_dir():
        _unpack(archives, target)
    return target


def _archive(name: str) -> Path:
    try:
        installed = distribution(name)
    except PackageNotFoundError as error:
        raise MissingJavaScriptError(f"cdk-nag's ledger needs the Python package {name}: pip install {name}") from error
    for file in installed.files or ():
        if file.name.endswith(".jsii.tgz"):
            return Path(str(installed.locate_file(file)))
    raise MissingJavaScriptError(f"{name} {installed.version} carries no .jsii.tgz: its layout has changed")


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mlops-constructs" / "javascript"


def _unpack(archives: dict[str, Path], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        staging = Path(scratch) / "modules"
        for npm, archive in archives.items():
            with tarfile.open(archive) as tar:
                tar.extractall(Path(scratch) / "one", filter="data")
            (staging / npm).parent.mkdir(parents=True, exist_ok=True)
            (Path(scratch) / "one" / "package").rename(staging / npm)
        try:
            staging.rename(target)
        except OSError:
            # Another process was faster; what it laid out is the same.
            if not target.is_dir():
                raise
