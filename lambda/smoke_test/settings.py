"""Environment of the smoke test."""

import os
from functools import cache

from pydantic import FiniteFloat

from mlops_runtime.settings import EnvironmentSettings, Name


class Settings(EnvironmentSettings):
    """SMOKE_PAYLOAD is CSV without header, first column the record id; scores lie in [SCORE_MINIMUM, SCORE_MAXIMUM]."""

    smoke_payload: Name
    score_minimum: FiniteFloat = 0.0
    score_maximum: FiniteFloat = 1.0


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
