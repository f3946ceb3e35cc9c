"""Every event on the platform's bus as a frozen model: the one place where their shape is defined.

An event is addressed by (source, detail type); its detail is one of the models below. Unknown fields are
refused, so a producer and a consumer that disagree fail at the producer. The models are published as JSON
schemas in the EventBridge schema registry (`mlops_runtime.schemas`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = "1"

Count = Annotated[int, Field(ge=0)]
UtcInstant = Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(UTC))]
Metrics = dict[str, float]


class Detail(BaseModel):
    """What every event says, whatever its type.

    Attributes:
        schema_version: Version of the detail's shape; a change that breaks readers raises it.
        workload: Name of the workload the event is about.
        environment: Name of the environment, as its file is named.
        execution: ARN of the workflow execution that emitted the event; empty when none did.
        occurred_at: Instant of the event, UTC.
    """

    # defer_build: a function uses one or two of these models, and should not pay for all of them at its cold start.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,
        json_schema_serialization_defaults_required=True,
    )

    schema_version: Literal["1"] = "1"
    workload: str = Field(min_length=1)
    environment: str = Field(min_length=1)
    execution: str = ""
    occurred_at: UtcInstant


class DatasetReady(Detail):
    """A landed file passed every check and its rows are in the curated zone."""

    dataset: str
    snapshot_id: str
    rows: Count
    rows_quarantined: Count
    source_uri: str
    curated_prefix: str
    content_sha256: str
    warnings: list[str]


class DatasetRejected(Detail):
    """A landed file was refused whole; it lies in quarantine with the reason beside it."""

    dataset: str
    source_uri: str
    quarantine_uri: str
    reason_code: str
    reason: str
    content_sha256: str


class ModelRegistered(Detail):
    """A challenger earned its place and is a version of the model package group."""

    model_package_arn: str
    version: int = Field(ge=1)
    approval_status: Literal["Approved", "Rejected", "PendingManualApproval"]
    metrics: Metrics
    champion_metrics: Metrics | None
    snapshot_id: str
    reason: str


class ModelRejected(Detail):
    """A challenger was trained and did not earn registration."""

    reason: str
    metrics: Metrics
    champion_metrics: Metrics | None
    snapshot_id: str


class WorkflowFailed(Detail):
    """A workflow ended without its answer.

    Attributes:
        error: Error name as the workflow caught it.
        cause: The service's explanation, possibly cut.
        step: State in which it happened.
    """

    error: str
    cause: str
    step: str


class TrainingFailed(WorkflowFailed):
    """Training ended without a verdict on a challenger."""


class DeploymentSucceeded(Detail):
    """The endpoint serves the version: its live config was asserted and the smoke test answered."""

    model_package_arn: str
    version: int = Field(ge=1)
    endpoint: str
    endpoint_config: str


class DeploymentUnsuccessful(Detail):
    """A version did not reach the endpoint's whole traffic."""

    model_package_arn: str
    endpoint: str
    error: str
    cause: str


class DeploymentRolledBack(DeploymentUnsuccessful):
    """An alarm or a check sent the traffic back to the former version."""


class DeploymentFailed(DeploymentUnsuccessful):
    """The endpoint could not be brought to the version, and no rollback is known to have happened."""


class Violation(BaseModel):
    """One broken constraint, in the words of `constraint_violations.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feature: str
    check: str
    description: str


class MonitoringReported(Detail):
    """What one monitored window looked like.

    Attributes:
        window_start: Begin of the window, inclusive, UTC.
        window_end: End of the window, exclusive, UTC.
        rows: Captured predictions in the window.
        labelled_rows: Those whose ground truth is known by now.
        violations: Broken constraints; the worst first when the list was cut to fit the bus.
        drift: Drift score per feature.
        quality: Model quality on the labelled rows; empty while no label is known.
        report_uri: S3 prefix of the report's files.
        model_package_arn: The champion that served.
    """

    window_start: UtcInstant
    window_end: UtcInstant
    rows: Count
    labelled_rows: Count
    violations: list[Violation]
    drift: Metrics
    quality: Metrics
    report_uri: str
    model_package_arn: str


class MonitoringCompleted(MonitoringReported):
    """The window broke no constraint."""


class DriftDetected(MonitoringReported):
    """The window broke at least one constraint."""


class NoTraffic(Detail):
    """The window holds no captured prediction. Not a failure."""

    window_start: UtcInstant
    window_end: UtcInstant


class MonitoringFailed(WorkflowFailed):
    """Monitoring ended without a report."""


class RetrainingRequested(Detail):
    """A person or a schedule asks for a training."""

    requested_by: str
    reason: str


class RetrainingStarted(Detail):
    """The gate started the train workflow."""

    reason: str
    trigger: str
    training_execution: str


SuppressionCode = Literal[
    "cool_down", "daily_cap", "not_enough_new_rows", "kill_switch", "already_running", "data_quarantined"
]


class RetrainingSuppressed(Detail):
    """The gate answered a trigger with no."""

    reason_code: SuppressionCode
    reason: str
    trigger: str


ControlAction = Literal[
    "stop-retraining",
    "resume-retraining",
    "freeze-promotion",
    "resume-promotion",
    "detach-endpoint",
    "attach-endpoint",
]


class ControlChanged(Detail):
    """A person stopped something of a workload, or gave it back.

    Attributes:
        before: The switch as it was.
        after: The switch as it is now; equal to `before` when the command changed nothing.
        request_id: Of the call, under which CloudTrail knows who made it.
        record_uri: The record that nobody can change.
    """

    action: ControlAction
    before: str
    after: str
    requested_by: str
    reason: str
    request_id: str
    record_uri: str


EVENTS: Mapping[tuple[str, str], type[Detail]] = MappingProxyType(
    {
        ("mlops.data", "Dataset Ready"): DatasetReady,
        ("mlops.data", "Dataset Rejected"): DatasetRejected,
        ("mlops.training", "Model Registered"): ModelRegistered,
        ("mlops.training", "Model Rejected"): ModelRejected,
        ("mlops.training", "Training Failed"): TrainingFailed,
        ("mlops.deployment", "Deployment Succeeded"): DeploymentSucceeded,
        ("mlops.deployment", "Deployment Rolled Back"): DeploymentRolledBack,
        ("mlops.deployment", "Deployment Failed"): DeploymentFailed,
        ("mlops.monitoring", "Monitoring Completed"): MonitoringCompleted,
        ("mlops.monitoring", "Drift Detected"): DriftDetected,
        ("mlops.monitoring", "No Traffic"): NoTraffic,
        ("mlops.monitoring", "Monitoring Failed"): MonitoringFailed,
        ("mlops.retraining", "Retraining Requested"): RetrainingRequested,
        ("mlops.retraining", "Retraining Started"): RetrainingStarted,
        ("mlops.retraining", "Retraining Suppressed"): RetrainingSuppressed,
        ("mlops.control", "Control Changed"): ControlChanged,
    }
)


def address_of(model: type[Detail]) -> tuple[str, str]:
    """The (source, detail type) under which `model` travels.

    Raises:
        KeyError: `model` is not an event of the platform.
    """
    for address, candidate in EVENTS.items():
        if candidate is model:
            return address
    raise KeyError(f"{model.__name__} is not in EVENTS")


def utc_now() -> datetime:
    """The present instant, UTC, to the second: what `occurred_at` holds."""
    return datetime.now(UTC).replace(microsecond=0)
