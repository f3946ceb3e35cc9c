"""How a new model reaches the endpoint: fleet, rollout and autoscaling as values."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_constructs.orchestration.states import Json, State
from mlops_constructs.training.jobs import check_instance_type

VARIANT = "AllTraffic"
SCALABLE_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
# SageMaker needs this long to start a fleet before traffic can move at all.
_FLEET_START_SECONDS = 1800


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The instances behind an endpoint.

    Args:
        instance_type: SageMaker instance type, for example `ml.m5.large`.
        instance_count: Instances of a new endpoint, at least 1; an update keeps the count that autoscaling chose.
        capture_percent: Share of requests and responses written to the capture zone, 1 to 100; all by default.

    Raises:
        ValueError: A value SageMaker would refuse.
    """

    instance_type: str
    instance_count: int
    capture_percent: int = 100

    def __post_init__(self) -> None:
        check_instance_type(self.instance_type)
        if self.instance_count < 1:
            raise ValueError(f"instance_count must be at least 1, got {self.instance_count}")
        if not 1 <= self.capture_percent <= 100:
            raise ValueError(
                f"capture_percent must be 1 to 100, got {self.capture_percent}: the monitor needs captures"
            )


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """Blue/green deployment of an update.

    Args:
        canary_percent: Share of the new fleet that takes traffic first, 1 to 50; 0 moves all traffic at once.
        bake_seconds: How long alarms are watched after the canary and again before the old fleet ends, 0 to 3600.
        poll_seconds: Pause between looks at the endpoint's status, at least 1; 30 by default.

    Raises:
        ValueError: A value SageMaker would refuse.
    """

    canary_percent: int = 20
    bake_seconds: int = 600
    poll_seconds: int = 30

    def __post_init__(self) -> None:
        if not 0 <= self.canary_percent <= 50:
            raise ValueError(f"canary_percent must be 0 (all at once) to 50, got {self.canary_percent}")
        if not 0 <= self.bake_seconds <= 3600:
            raise ValueError(
                f"bake_seconds must be 0 to 3600, got {self.bake_seconds}: SageMaker bakes an hour at most"
            )
        if self.poll_seconds < 1:
            raise ValueError(f"poll_seconds must be at least 1, got {self.poll_seconds}")

    @property
    def longest_seconds(self) -> int:
        """Longest time SageMaker may take before it gives the update up; it accepts 10 minutes to 8 hours."""
        return _FLEET_START_SECONDS + 2 * self.bake_seconds

    @property
    def polls(self) -> int:
        """Looks at the endpoint before the workflow gives up: longer than SageMaker itself is allowed to take."""
        return (self.longest_seconds + _FLEET_START_SECONDS) // self.poll_seconds

    @property
    def turns(self) -> int:
        """Looks at older deployments before one gives up: such a one may wait, update and restore, each that long."""
        return 3 * self.polls

    def deployment_config(self, alarm_names: list[str], *, instance_count: int) -> State:
        """`DeploymentConfig` of an update: canary or all at once, rolled back by any of the alarms."""
        routing: dict[str, Json] = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": self.bake_seconds}
        # A fleet of one instance cannot be divided: its canary would be the whole fleet.
        if self.canary_percent and instance_count > 1:
            size: State = {"Type": "CAPACITY_PERCENT", "Value": self.canary_percent}
            if instance_count * self.canary_percent < 100:  # how SageMaker rounds less than one instance is not said
                size = {"Type": "INSTANCE_COUNT", "Value": 1}
            routing = {**routing, "Type": "CANARY", "CanarySize": size}
        return {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": routing,
                "TerminationWaitInSeconds": self.bake_seconds,
                "MaximumExecutionTimeoutInSeconds": self.longest_seconds,
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarm_names]},
        }


@dataclass(frozen=True, kw_only=True)
class Autoscaling:
    """Target tracking of invocations per instance.

    Args:
        minimum: Fewest instances, at least 1.
        maximum: Most instances.
        invocations_per_instance: Invocations per instance and minute to aim at.

    Raises:
        ValueError: The bounds are out of order.
    """

    minimum: int
    maximum: int
    invocations_per_instance: int

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.maximum:
            raise ValueError(f"minimum must be 1 to maximum ({self.maximum}), got {self.minimum}")
        if self.invocations_per_instance < 1:
            raise ValueError(f"invocations_per_instance must be at least 1, got {self.invocations_per_instance}")
