"""Environment of the registration."""

import os
from functools import cache
from typing import Literal

from pydantic import Json

from mlops_runtime.settings import EnvironmentSettings, Name


class Settings(EnvironmentSettings):
    """APPROVAL_STATUS is the environment's policy; INSTANCE_TYPES is a JSON list for real-time endpoints."""

    environment: Name
    workload: Name
    model_package_group: Name
    approval_status: Literal["Approved", "PendingManualApproval"]
    metric: Name
    owner: Name
    intended_use: Name
    instance_types: Json[list[str]]
    risk_rating: Literal["High", "Medium", "Low", "Unknown"] = "Unknown"


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
