"""Environment of the quarantine function."""

import os
from functools import cache

from mlops_runtime.settings import EnvironmentSettings, Name


class Settings(EnvironmentSettings):
    """Two tables: the ledger that forgets the claim, the gate that counts what training misses."""

    workload: Name
    quarantine_bucket: Name
    curated_bucket: Name
    ledger_table: Name
    gate_table: Name


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
