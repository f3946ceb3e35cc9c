"""The switches in SSM."""

from __future__ import annotations

from mlops_runtime import aws
from platform_control.logic import Switches, switches_of


def read(environment: str) -> dict[str, Switches]:
    """All switches of an environment, by workload."""
    pages = aws.ssm().get_paginator("get_parameters_by_path").paginate(Path=f"/mlops/{environment}/", Recursive=True)
    return switches_of(((item["Name"], item["Value"]) for page in pages for item in page["Parameters"]), environment)


def turn(environment: str, workload: str, switch: str, value: str) -> None:
    """Set one switch."""
    aws.ssm().put_parameter(
        Name=f"/mlops/{environment}/{workload}/{switch}", Value=value, Type="String", Overwrite=True
    )
