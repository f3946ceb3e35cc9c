"""What the train workflow is made of: the workload's recipe, and the names and ARNs of one deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlops_constructs.names import own_name
from mlops_constructs.orchestration.callee import Callee
from mlops_constructs.training.image import ContainerImage
from mlops_constructs.training.jobs import JobBoundary, JobCompute

MOST_FORMER_CHAMPIONS = 12
_PROCESSING = JobCompute(instance_type="ml.m5.large")


@dataclass(frozen=True, kw_only=True)
class TrainingFunctions:
    """The Lambda functions the workflow calls."""

    pin_snapshot: Callee
    champion_challenge: Callee
    register_model: Callee
    event_emitter: Callee


@dataclass(frozen=True, kw_only=True)
class TrainingRecipe:
    """How the workload makes a model: scripts of its image, compute, and what to learn from.

    Args:
        image: Of the workload's scripts `features.py`, `train` and `evaluate.py`.
        monitor_image: Of `monitor.py baseline`.
        sources: Names of the data sources; each arrives in `/opt/ml/processing/input/<source>/` of the feature script.
        train_days: Days of events to learn from, before the holdout.
        holdout_days: Newest labelled days, on which champion and challenger are compared.
        compute: Of the training job.
        processing: Of features, baseline and evaluation; `ml.m5.large` for an hour by default.
        hyperparameters: Passed to the training script as strings.
        metric: Metric the training script prints as `train:<metric>=...`; `auc` by default.
        refit: Train the winner once more on training and holdout rows together before it is registered; yes by default.
        former_champions: Earlier versions that are judged again beside the champion, 0 to 12; 3 by default. Data have
            seasons: one of them may be best again, and is then reinstated.
        monitor_environment: Environment of the baseline job (see `monitoring.MonitorSpec.environment`).

    Raises:
        ValueError: No source, days below 1, or former champions outside 0 to 12.
    """

    image: ContainerImage
    monitor_image: ContainerImage
    sources: Sequence[str]
    train_days: int
    holdout_days: int
    compute: JobCompute
    processing: JobCompute = _PROCESSING
    hyperparameters: Mapping[str, str]
    metric: str = "auc"
    refit: bool = True
    former_champions: int = 3
    monitor_environment: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("sources must name at least one data source, got none")
        for field in ("train_days", "holdout_days"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} must be at least 1, got {getattr(self, field)}")
        if not 0 <= self.former_champions <= MOST_FORMER_CHAMPIONS:
            raise ValueError(
                f"former_champions must be 0 to {MOST_FORMER_CHAMPIONS}, got {self.former_champions}:"
                " each one is another evaluation job in every training"
            )


@dataclass(frozen=True, kw_only=True)
class TrainingContext:
    """Names and ARNs of one deployment of the workflow.

    `champion_parameter` is the SSM parameter that names the model package in service; there may be none of this name.
    """

    workload: str
    environment_name: str
    runs_uri: str
    group_name: str
    champion_parameter: str
    processing_role_arn: str
    training_role_arn: str
    boundary: JobBoundary
    functions: TrainingFunctions

    @property
    def job_prefix(self) -> str:
        """What the name of every job of this workload and environment starts with."""
        return own_name(self.workload, self.environment_name)
