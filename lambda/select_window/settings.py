"""Environment of the window selection."""

import os
from functools import cache

from pydantic import NonNegativeInt, PositiveInt

from mlops_runtime.settings import EnvironmentSettings, Name, Sources


class Settings(EnvironmentSettings):
    """LABEL_MONTHS: newest month partitions of labels to read beside the window's own months, default 3.

    WINDOW_DAYS: days before today that the scheduled run looks at, default 28.

    LABEL_DELAY_DAYS: days until a prediction's label may be expected, default 0.
    """

    workload: Name
    endpoint: Name
    variant: Name
    capture_bucket: Name
    curated_bucket: Name
    artefacts_bucket: Name
    sources: Sources
    label_months: PositiveInt = 3
    window_days: PositiveInt = 28
    label_delay_days: NonNegativeInt = 0


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
