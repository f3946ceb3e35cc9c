"""The manifest of a bundle: what went in, what came out, made by which versions, each file by its sha256."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any


def manifest(document: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
    """Describe a bundle.

    Args:
        document: The review.
        files: Content of every other file of the bundle by its name in it, templates included.
    """
    return {
        "schema": "mlops-review-manifest/1",
        "environment": document["environment"]["name"],
        "date": document["date"],
        "verdict": document["verdict"]["status"],
        "tools": {each["name"]: each["version"] for each in document["tools"] if each["ran"]},
        "runtimes": {"python": platform.python_version(), "node": _node(), "aws-cdk-lib": version("aws-cdk-lib")},
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in sorted(files.items())
        },
    }


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        return ""
    return subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip().lstrip("v")
