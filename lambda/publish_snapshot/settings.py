"""Environment of the publishing function."""

import os
from functools import cache

from mlops_runtime.settings import EnvironmentSettings, Name, Sources


class Settings(EnvironmentSettings):
    """Zones, catalog and the two tables that must agree on what was published."""

    workload: Name
    raw_bucket: Name
    curated_bucket: Name
    ledger_table: Name
    gate_table: Name
    glue_database: Name
    sources: Sources


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
