"""How the models of one workload answer requests."""

from constructs import Construct

from mlops_constructs.serving import Autoscaling, Fleet, RealTimeServing, Rollout, ServingData, ServingPlan
from stacks.base import PlatformStack
from stacks.config import Environment, Workload
from stacks.contract import publish
from stacks.data_lake import DataLakeStack
from stacks.foundation import FoundationStack
from stacks.training import TrainingStack
from stacks.workload_data import WorkloadDataStack


class ServingStack(PlatformStack):
    """The `deploy` workflow of a workload, which makes and updates its endpoint.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed.
        workload: its serving section.
        foundation: keys, network, alerts.
        lake: artefacts and captures.
        data: event emitter.
        training: registry and image.

    Attributes:
        serving: the `RealTimeServing`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        workload: Workload,
        foundation: FoundationStack,
        lake: DataLakeStack,
        data: WorkloadDataStack,
        training: TrainingStack,
    ) -> None:
        super().__init__(scope, id, environment=environment)
        self.serving = RealTimeServing(
            self,
            "Serving",
            workload=workload.name,
            environment_name=environment.name,
            registry=training.registry,
            image=training.image,
            data=ServingData(artefacts=lake.lake.artefacts, capture=lake.lake.capture),
            plan=serving_plan(workload),
            emitter=data.ingestion.functions.emitter,
            network=foundation.network,
            encryption_key=foundation.keys.data,
            models_key=foundation.keys.models,
            log_key=foundation.keys.logs,
            alarm_topic=foundation.alerts,
            retain_models=environment.retains_data,
        )
        machine = self.serving.workflow.state_machine
        publish(
            self,
            environment,
            workload.name,
            {"deploy-state-machine": machine.state_machine_arn, "endpoint": self.serving.endpoint_name},
        )


def serving_plan(workload: Workload) -> ServingPlan:
    """Return the serving section of a workload in the terms of `mlops_constructs`.

    Raises:
        ValueError: the workload has no serving section, so it has no serving stack either.
    """
    serving = workload.serving
    if serving is None:
        raise ValueError(f"workload {workload.name} has no `serving` section: leave its serving stack out")
    scaling = serving.autoscaling
    return ServingPlan(
        fleet=Fleet(
            instance_type=serving.instance_type,
            instance_count=serving.instance_count,
            capture_percent=serving.capture_percent,
        ),
        rollout=Rollout(canary_percent=serving.rollout.canary_percent, bake_seconds=serving.rollout.bake_minutes * 60),
        autoscaling=Autoscaling(
            minimum=scaling.min_count,
            maximum=scaling.max_count,
            invocations_per_instance=scaling.invocations_per_instance,
        )
        if scaling
        else None,
        smoke_payload=workload.smoke_payload,
    )
