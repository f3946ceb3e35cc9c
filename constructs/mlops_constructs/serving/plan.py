"""What a workload wants of its endpoint, and where its data lie."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_s3 as s3

from mlops_constructs.serving.rollout import Autoscaling, Fleet, Rollout


@dataclass(frozen=True, kw_only=True)
class ServingPlan:
    """How a workload is served.

    Args:
        fleet: Instances and capture.
        rollout: How an update reaches traffic; a canary of 20 % for 10 minutes by default.
        autoscaling: Bounds and target; a fixed fleet by default.
        smoke_payload: One CSV row as a client would send it; sent once after each deployment.
        latency_ms: 99th percentile of the model's time that rolls an update back, milliseconds; 1,000 by default.

    Raises:
        ValueError: The fleet starts outside the bounds of autoscaling, or there is nothing to test with.
    """

    fleet: Fleet
    rollout: Rollout = Rollout()  # noqa: RUF009  (frozen, so one default serves all)
    autoscaling: Autoscaling | None = None
    smoke_payload: str
    latency_ms: int = 1000

    def __post_init__(self) -> None:
        bounds, count = self.autoscaling, self.fleet.instance_count
        if bounds and not bounds.minimum <= count <= bounds.maximum:
            raise ValueError(
                f"instance_count must be within autoscaling's {bounds.minimum} to {bounds.maximum}, got {count}"
            )
        if not self.smoke_payload:
            raise ValueError("smoke_payload must be one CSV row as a client sends it, got nothing")


@dataclass(frozen=True, kw_only=True)
class ServingData:
    """Where serving reads and writes.

    Args:
        artefacts: Bucket of models; `<workload>/runs/` is read.
        capture: Bucket of captured requests and responses; `<workload>/<endpoint>/` is written.
    """

    artefacts: s3.IBucket
    capture: s3.IBucket
