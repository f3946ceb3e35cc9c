"""Environment of the event emitter."""

import os
from functools import cache

from mlops_runtime.settings import EnvironmentSettings, Name


class Settings(EnvironmentSettings):
    """Workload and environment fill the event's head when the caller leaves them out."""

    environment: Name
    workload: Name
    event_bus_name: Name


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
