"""Environment of the snapshot function."""

import os
from functools import cache

from pydantic import PositiveInt

from mlops_runtime.settings import EnvironmentSettings, Name, Sources


class Settings(EnvironmentSettings):
    """SNAPSHOT_DAYS: days of event time a run looks back from its newest label (training plus holdout)."""

    workload: Name
    curated_bucket: Name
    artefacts_bucket: Name
    ledger_table: Name
    sources: Sources
    snapshot_days: PositiveInt


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
