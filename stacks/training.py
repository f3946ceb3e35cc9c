"""How the models of one workload are made."""

from pathlib import Path

from aws_cdk import aws_ecr_assets as ecr_assets
from constructs import Construct

import mlops_constructs
from mlops_constructs.datalake.dataset import sources_json
from mlops_constructs.monitoring.spec import MonitorSpec
from mlops_constructs.training import (
    ContainerImage,
    JobCompute,
    ModelRegistry,
    PromotionPolicy,
    TrainingData,
    TrainingPipeline,
    TrainingRecipe,
)
from stacks.base import PlatformStack
from stacks.config import Environment, Workload
from stacks.contract import publish
from stacks.data_lake import DataLakeStack
from stacks.foundation import FoundationStack
from stacks.workload_data import WorkloadDataStack

MONITOR_CONTAINER = Path(mlops_constructs.__file__).parent / "monitoring" / "container"


class TrainingStack(PlatformStack):
    """Images, registry and the `train` workflow of a workload.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed; says who approves models.
        workload: training, metric and label.
        folder: the workload's folder, with its Dockerfile.
        foundation: keys, network, alerts.
        lake: curated rows and artefacts.
        data: ledger and event emitter.

    Attributes:
        image: the workload's image.
        monitor_image: the platform's monitor.
        registry: the `ModelRegistry`.
        pipeline: the `TrainingPipeline`.
        sources: the sources' schemas as functions read them.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        workload: Workload,
        folder: Path,
        foundation: FoundationStack,
        lake: DataLakeStack,
        data: WorkloadDataStack,
    ) -> None:
        super().__init__(scope, id, environment=environment, stateful=True)
        self.image = self._image("Image", folder, workload.image.dockerfile)
        self.monitor_image = self._image("MonitorImage", MONITOR_CONTAINER, "Dockerfile")
        self.sources = sources_json(data.datasets)
        self.registry = ModelRegistry(
            self,
            "Registry",
            name=f"{workload.name}-{environment.name}",
            description=workload.intended_use[:1024],
            retain=environment.retains_data,
        )
        self.pipeline = TrainingPipeline(
            self,
            "Training",
            workload=workload.name,
            environment_name=environment.name,
            registry=self.registry,
            data=TrainingData(
                curated=lake.lake.curated,
                artefacts=lake.lake.artefacts,
                ledger=data.ingestion.ledger_table,
                ledger_key=foundation.keys.data,
                sources_json=self.sources,
            ),
            recipe=recipe(workload, self.image, self.monitor_image),
            policy=policy(workload, environment),
            emitter=data.ingestion.functions.emitter,
            network=foundation.network,
            encryption_key=foundation.keys.data,
            models_key=foundation.keys.models,
            log_key=foundation.keys.logs,
            alarm_topic=foundation.alerts,
        )
        machine = self.pipeline.workflow.state_machine
        publish(
            self,
            environment,
            workload.name,
            {"train-state-machine": machine.state_machine_arn, "model-package-group": self.registry.name},
        )

    def _image(self, id: str, folder: Path, dockerfile: str) -> ContainerImage:
        asset = ecr_assets.DockerImageAsset(
            self,
            id,
            directory=str(folder),
            file=dockerfile,
            platform=ecr_assets.Platform.LINUX_AMD64,
            outputs=["type=docker"],  # CreateModel refuses the OCI manifests that newer builders write by themselves
        )
        return ContainerImage(uri=asset.image_uri, repository=asset.repository)


def recipe(workload: Workload, image: ContainerImage, monitor_image: ContainerImage) -> TrainingRecipe:
    """Return the training section of a workload in the terms of `mlops_constructs`."""
    training = workload.training
    compute = JobCompute(
        instance_type=training.instance_type,
        volume_gb=training.volume_gb,
        max_runtime_seconds=training.max_runtime_minutes * 60,
    )
    return TrainingRecipe(
        image=image,
        monitor_image=monitor_image,
        sources=tuple(workload.sources),
        train_days=training.train_days,
        holdout_days=training.holdout_days,
        compute=compute,
        processing=compute,
        hyperparameters={name: str(value) for name, value in training.hyperparameters.items()},
        metric=workload.metric.name,
        refit=training.refit,
        former_champions=training.former_champions,
        monitor_environment=monitor_spec(workload).environment,
    )


def policy(workload: Workload, environment: Environment) -> PromotionPolicy:
    """Return when a challenger of the workload becomes a version, and who approves it."""
    return PromotionPolicy(
        metric=workload.metric.name,
        minimum=workload.metric.minimum,
        min_improvement=workload.metric.min_improvement,
        automatic_approval=environment.model_approval == "automatic",
        owner=workload.owner,
        intended_use=workload.intended_use,
        instance_types=(workload.serving.instance_type,) if workload.serving else (),
    )


def monitor_spec(workload: Workload) -> MonitorSpec:
    """Return features, label and thresholds of a workload; the baseline job and the monitor read the same."""
    thresholds: dict[str, float] = {}
    if monitoring := workload.monitoring:
        thresholds["drift"] = monitoring.drift_threshold
        thresholds[workload.metric.name] = monitoring.minimum_quality
        if monitoring.missing_threshold is not None:
            thresholds["missing"] = monitoring.missing_threshold
    label_source = workload.sources[workload.label.source]
    return MonitorSpec(
        features=[(column.name, column.type) for column in workload.features],
        key=label_source.key,
        label=workload.label.column,
        thresholds=thresholds,
        event_time=label_source.event_time,
        window_days=monitoring.window_days if monitoring else MonitorSpec.window_days,
    )
