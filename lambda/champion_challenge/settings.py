"""Environment of the challenge: the promotion policy."""

import os
from functools import cache

from pydantic import FiniteFloat, NonNegativeFloat

from mlops_runtime.settings import EnvironmentSettings, Name


class Settings(EnvironmentSettings):
    """MINIMUM: worst value of METRIC that is good enough at all. MIN_IMPROVEMENT: by how much to beat the champion."""

    metric: Name
    minimum: FiniteFloat
    min_improvement: NonNegativeFloat


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
