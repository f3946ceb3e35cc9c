"""Environment of the schema guard."""

import os
from functools import cache

from pydantic import PositiveInt

from mlops_runtime.settings import EnvironmentSettings, Name, Sources


class Settings(EnvironmentSettings):
    """MAX_FILE_BYTES defaults to 256 MiB: what the function reads well inside its timeout."""

    workload: Name
    ledger_table: Name
    sources: Sources
    max_file_bytes: PositiveInt = 256 * 1024 * 1024


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
