"""Blue/green deployments of endpoints: traffic shifting, baking under alarms, rollback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ..runtime import Runtime
from .account import Record, invalid
from .servers import Fleet

WAIT_SCALE = 1 / 1500
"""Local seconds per second of a wait in a deployment configuration: five minutes of baking are 0.2 seconds."""

_POLL_SECONDS = 0.1


class RollbackError(Exception):
    """The deployment was given up; the message is the endpoint's FailureReason."""


@dataclass(frozen=True)
class Step:
    """One shift of traffic.

    Args:
        share: Fraction (0-1) of requests that go to the new fleet from now on.
        bake_seconds: Local seconds to watch the alarms after the shift.
    """

    share: float
    bake_seconds: float


def check(config: Record | None) -> None:
    """Refuses deployment configurations the local AWS doesn't carry out.

    Raises:
        ServiceError: rolling update, or a canary or linear policy without its size.
    """
    if config is None:
        return
    if "RollingUpdatePolicy" in config:
        raise invalid("the local AWS deploys blue/green only: use BlueGreenUpdatePolicy")
    routing = config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    size = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}.get(routing["Type"])
    if size and size not in routing:
        raise invalid(f"TrafficRoutingConfiguration of type {routing['Type']} needs {size}")


def steps(config: Record | None, instances: int) -> Iterator[Step]:
    """The shifts of a deployment configuration; without one, all at once and no baking.

    Args:
        config: `DeploymentConfig` of UpdateEndpoint.
        instances: Instances of the endpoint, for sizes given as INSTANCE_COUNT.
    """
    if not config:
        yield Step(1.0, 0.0)
        return
    routing = config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    bake = routing["WaitIntervalInSeconds"] * WAIT_SCALE
    if routing["Type"] == "CANARY":
        yield Step(_fraction(routing["CanarySize"], instances), bake)
    elif routing["Type"] == "LINEAR":
        size = _fraction(routing["LinearStepSize"], instances)
        share = size
        while share < 1 - 1e-9:
            yield Step(share, bake)
            share += size
    yield Step(1.0, bake)


def _fraction(size: Record, instances: int) -> float:
    value: int = size["Value"]
    return min(1.0, value / 100 if size["Type"] == "CAPACITY_PERCENT" else value / max(1, instances))


def termination_wait(config: Record | None) -> float:
    """Local seconds the old fleet is kept after the last shift."""
    policy = (config or {}).get("BlueGreenUpdatePolicy", {})
    wait: float = policy.get("TerminationWaitInSeconds", 0) * WAIT_SCALE
    return wait


def deploy(
    runtime: Runtime,
    config: Record | None,
    green: Fleet,
    instances: int,
    shift: Callable[[float], None],
) -> None:
    """Brings the new fleet up and shifts the traffic to it.

    Args:
        runtime: The local AWS.
        config: `DeploymentConfig`, or None.
        green: The new fleet, not started.
        instances: Instances of the endpoint.
        shift: Called with the new fleet's share of the requests (0-1).

    Raises:
        RollbackError: an alarm went off while baking, or could not be read.
        ServerError: the new fleet did not come up.
    """
    green.start()
    names = [alarm["AlarmName"] for alarm in (config or {}).get("AutoRollbackConfiguration", {}).get("Alarms", [])]
    for step in steps(config, instances):
        shift(step.share)
        _bake(runtime, green, names, step.bake_seconds)


def _bake(runtime: Runtime, green: Fleet, alarms: list[str], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        for name, server in green.servers.items():
            if not server.alive:
                raise RollbackError(f"The container of production variant {name} ended during the deployment.")
        if alarms:
            _watch(runtime, green, alarms)
        if time.monotonic() >= deadline:
            return
        time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))


def _watch(runtime: Runtime, green: Fleet, names: list[str]) -> None:
    session = next(iter(green.servers.values())).session
    client = runtime.client("cloudwatch", session)
    try:
        found = client.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    except ClientError as error:
        details = error.response["Error"]
        raise RollbackError(f"Auto rollback alarms can't be read: {details['Code']}: {details['Message']}") from error
    alarms: list[dict[str, Any]] = [*found["MetricAlarms"], *found["CompositeAlarms"]]
    missing = sorted(set(names) - {alarm["AlarmName"] for alarm in alarms})
    if missing:
        raise RollbackError(f"The auto rollback alarms {', '.join(missing)} do not exist.")
    firing = sorted(alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM")
    if firing:
        raise RollbackError(f"Alarms of the auto rollback configuration went into ALARM: {', '.join(firing)}")
