"""Environment of the gate: the limits of one workload."""

import os
from functools import cache
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from mlops_runtime.settings import EnvironmentSettings, Name


class Settings(EnvironmentSettings):
    """LEASE_SECONDS: after it a claim whose execution was never started loses the slot.

    MAX_REJECTED_FRACTION (0 to 1, default 0.2): largest share of the data landed since the last training that may have
    been refused before the gate refuses to train on what is left.
    """

    environment: Name
    workload: Name
    event_bus_name: Name
    gate_table: Name
    train_state_machine_arn: Name
    kill_switch_parameter: Name
    cool_down_seconds: NonNegativeInt
    daily_cap: PositiveInt
    min_new_rows: NonNegativeInt
    lease_seconds: PositiveInt
    max_rejected_fraction: Annotated[float, Field(ge=0, le=1)] = 0.2


@cache
def settings() -> Settings:
    """The function's settings, read once."""
    return Settings.load(os.environ)
