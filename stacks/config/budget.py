"""The section `budget` of an environment: what it may cost, and what happens when it costs more."""

from typing import Annotated, Literal

from pydantic import Field

from stacks.config.base import Model, Name

Usd = Annotated[float, Field(gt=0, le=10_000_000)]
Percent = Annotated[int, Field(ge=1, le=1000)]


class Stop(Model):
    """Deny new jobs of the workload when its budget is spent."""

    at_percent: Percent = 100
    approval: Literal["manual", "automatic"] = Field(
        default="manual", description="manual: a person executes the waiting action."
    )


class WorkloadBudget(Model):
    """What one workload may cost per month, counted by its tag."""

    monthly_usd: Usd
    percents: tuple[Percent, ...] = Field(default=(80, 100), min_length=1, max_length=4)
    stop: Stop | None = None


class Budget(Model):
    """What the account may cost per month, tagged or not. An account has one, in one environment."""

    monthly_usd: Usd
    percents: tuple[Percent, ...] = Field(default=(50, 80, 100), min_length=1, max_length=4)
    anomaly_usd: Usd | None = Field(default=None, description="Impact from which an anomaly of cost is told of.")
    workloads: dict[Name, WorkloadBudget] = Field(default_factory=dict)
