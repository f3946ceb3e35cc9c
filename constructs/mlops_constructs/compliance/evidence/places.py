"""Where a resource stands, in the words every table of the review uses."""

from __future__ import annotations

from typing import Any

from mlops_constructs.compliance.estate import Resource


def place(resource: Resource) -> dict[str, Any]:
    """Path, type, template and line of a resource."""
    return {
        "path": short(resource.path),
        "type": resource.type,
        "stack": resource.stack,
        "template": resource.template,
        "line": resource.line,
        "logical_id": resource.logical_id,
    }


def short(path: str) -> str:
    """A construct path without the CDK's last word for the one resource a construct is made of."""
    return path.removesuffix("/Resource")
