"""Environment of the teardown."""

import os
from functools import cache

from mlops_runtime.settings import EnvironmentSettings, Name


class Settings(EnvironmentSettings):
    """RETAIN_MODELS (default true): keep the registered model package versions."""

    endpoint: Name
    model_package_group: Name
    retain_models: bool = True


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
