"""Names and ARNs of one deployment of the deploy workflow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlops_constructs.orchestration.callee import Callee
from mlops_constructs.serving.rollout import Autoscaling, Fleet, Rollout
from mlops_constructs.training.jobs import JobBoundary


@dataclass(frozen=True, kw_only=True)
class ServingFunctions:
    """The Lambda functions the workflow calls."""

    live_config_check: Callee
    smoke_test: Callee
    event_emitter: Callee


@dataclass(frozen=True, kw_only=True)
class DeployContext:
    """What the states of the deploy workflow are filled with.

    `champion_parameter` is the SSM parameter that names the model package in service.
    """

    workload: str
    environment_name: str
    endpoint_name: str
    model_role_arn: str
    boundary: JobBoundary
    capture_uri: str
    capture_key_arn: str
    champion_parameter: str
    alarm_names: Sequence[str]
    fleet: Fleet
    rollout: Rollout
    autoscaling: Autoscaling | None
    functions: ServingFunctions

    @property
    def smallest_fleet(self) -> int:
        """Instances an update can count on: scaling in may have left the minimum."""
        return self.autoscaling.minimum if self.autoscaling else self.fleet.instance_count

    @property
    def after_publishing(self) -> str:
        """State that follows when the version in service is known."""
        return "RegisterScaling" if self.autoscaling else "EmitSucceeded"
