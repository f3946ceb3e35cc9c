"""Environment of the monitoring report."""

import os
from functools import cache

from mlops_runtime.settings import EnvironmentSettings, Name


class Settings(EnvironmentSettings):
    """ENVIRONMENT is a dimension of every metric, WORKLOAD names their namespace."""

    environment: Name
    workload: Name


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
