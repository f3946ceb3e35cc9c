"""Environment of the control function."""

import os
from functools import cache

from mlops_runtime.settings import EnvironmentSettings, Name


class Settings(EnvironmentSettings):
    """RECORDS_BUCKET: where every use is recorded, below `control/`."""

    environment: Name
    event_bus_name: Name
    records_bucket: Name


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
