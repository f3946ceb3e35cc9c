"""Environment of the teardown."""

import os
from functools import cache

from mlops_runtime.settings import EnvironmentSettings, Name


class Settings(EnvironmentSettings):
    """NAME_PREFIX: what the names of all models and endpoint configurations of this endpoint begin with.

    RETAIN_MODELS (default true): keep the registered model package versions.
    """

    endpoint: Name
    name_prefix: Name
    model_package_group: Name
    retain_models: bool = True


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
