"""The model of `workloads/<name>/workload.yaml`: one ML use case. A section that is absent is a feature that is off."""

import json
import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from stacks.config.base import Email, Identifier, InstanceType, Model, Name, Text, matching, rule
from stacks.config.schedule import EXAMPLE, Schedule
from stacks.config.smoke import mistake_in_row
from stacks.config.source import FEATURE_TYPES, LABEL_TYPES, Column, Label, Source

LONGEST_RUN_MINUTES = 1440
"""A workflow is stopped after a day, and the jobs that it waits for with it."""

HYPERPARAMETER_CHARACTERS = 2500
SOURCES_BYTES = 3500
"""Of the 4096 bytes that the environment of a function holds: the rest is for names of buckets and tables."""


def _is_plain(value: object) -> object:
    # Before the types of the union are tried: each that does not fit would be a mistake of its own.
    if type(value) not in (str, int, float) or (isinstance(value, float) and not math.isfinite(value)):
        raise rule("", value, "give a text or a number")
    if isinstance(value, str) and (len(value) > HYPERPARAMETER_CHARACTERS or "\n" in value):
        remedy = f"give one line of at most {HYPERPARAMETER_CHARACTERS} characters, which is what SageMaker takes"
        raise rule("", value, remedy)
    return value


def _is_everything(value: object) -> object:
    if value != 100 or type(value) is not int:
        raise rule("", value, "use 100: the compliance pack refuses an endpoint that does not capture every request")
    return value


Hyperparameter = Annotated[str | int | float, BeforeValidator(_is_plain)]
CapturePercent = Annotated[Literal[100], BeforeValidator(_is_everything)]


class Training(Model):
    """One SageMaker training job per run, with the preparation and evaluation jobs around it."""

    compute: Literal["sagemaker"]
    instance_type: InstanceType
    volume_gb: int = Field(default=30, ge=1, le=1024)
    max_runtime_minutes: int = Field(default=60, ge=1, le=LONGEST_RUN_MINUTES)
    train_days: int = Field(ge=1, description="Days of events that a model learns from, before the holdout.")
    holdout_days: int = Field(ge=1, description="Newest labelled days, on which champion and challenger are compared.")
    hyperparameters: dict[Identifier, Hyperparameter] = Field(default_factory=dict, max_length=100)
    refit: bool = Field(default=True, description="Train the winner again with the holdout before registering it.")
    former_champions: int = Field(
        default=3, ge=0, le=12, description="Earlier versions judged again beside the champion; the best may return."
    )


class Image(Model):
    """The container of the workload's scripts."""

    dockerfile: Annotated[str, matching(r"^[\w.-]+$", "Dockerfile")] = "Dockerfile"


class Metric(Model):
    """What makes one model better than another: higher is better."""

    name: Literal["auc"]
    minimum: float = Field(ge=0, le=1, description="A challenger below this is rejected even without a champion.")
    min_improvement: float = Field(default=0.0, ge=0, le=1, description="Lead over the champion a challenger needs.")


class Autoscaling(Model):
    """Bounds and target of the instances behind the endpoint."""

    min_count: int = Field(ge=1, le=100)
    max_count: int = Field(ge=1, le=100)
    invocations_per_instance: int = Field(ge=1, description="Invocations per instance and minute to aim at.")

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if self.max_count < self.min_count:
            raise rule("max_count", self.max_count, f"give at least min_count, which is {self.min_count}")
        return self


class Rollout(Model):
    """Blue/green with a canary: a share of the traffic first, the rest after the bake time without an alarm."""

    canary_percent: int = Field(default=20, ge=1, le=50)
    bake_minutes: int = Field(default=10, ge=1, le=60)


class Serving(Model):
    """A real-time endpoint."""

    instance_type: InstanceType
    instance_count: int = Field(ge=1, le=100)
    capture_percent: CapturePercent = Field(
        default=100, description="Share of requests written to the capture zone: all of them, in every stage."
    )
    rollout: Rollout = Rollout()
    autoscaling: Autoscaling | None = None

    @model_validator(mode="after")
    def _starts_inside_the_bounds(self) -> Self:
        bounds = self.autoscaling
        if bounds and not bounds.min_count <= self.instance_count <= bounds.max_count:
            remedy = f"give {bounds.min_count} to {bounds.max_count}, the bounds of serving.autoscaling"
            raise rule("instance_count", self.instance_count, remedy)
        return self


class Monitoring(Model):
    """Drift of the captured features and quality against late labels."""

    schedule: Schedule = EXAMPLE
    instance_type: InstanceType = "ml.m5.large"
    max_runtime_minutes: int = Field(default=60, ge=1, le=1440)
    window_days: int = Field(default=28, ge=1, le=365, description="Days before today that a scheduled run looks at.")
    drift_threshold: float = Field(
        gt=0,
        le=1,
        description="Distance to the baseline, 0 to 1, above which a feature drifts; a feature of which windows of the "
        "training data lie farther from the whole has that distance as its threshold.",
    )
    minimum_quality: float = Field(ge=0, le=1, description="The workload's metric below this is a violation.")
    missing_threshold: float | None = Field(
        default=None, gt=0, le=1, description="How far the share of present values may fall below the baseline's."
    )


class Retraining(Model):
    """What may start a training, and how often at most."""

    triggers: tuple[Literal["drift", "request"], ...] = Field(min_length=1)
    cool_down_minutes: int = Field(ge=0, description="Time after a training's start in which no other starts.")
    daily_cap: int = Field(ge=1, description="Trainings per UTC day.")
    min_new_rows: int = Field(ge=0, description="Curated rows since the last training that make another worth it.")
    lease_minutes: int = Field(
        default=480, ge=1, description="Time after which a training whose start never succeeded gives the slot back."
    )


class Workload(Model):
    """One ML use case from landing zone to retraining."""

    name: Name = Field(description="Equals the folder name.")
    owner: Email
    intended_use: Text
    sources: dict[Identifier, Source] = Field(min_length=1)
    label: Label
    training: Training
    image: Image = Image()
    metric: Metric
    serving: Serving | None = None
    monitoring: Monitoring | None = None
    retraining: Retraining | None = None
    smoke_payload: Text = Field(description="One CSV row as a client would send it: the key, then the features.")

    @property
    def features(self) -> tuple[Column, ...]:
        """Columns a model may use: those of every source but the label's, without key and event time."""
        return tuple(column for _, _, column in self._feature_columns())

    @model_validator(mode="after")
    def _label_is_a_column(self) -> Self:
        source = self.sources.get(self.label.source)
        if source is None:
            raise rule("label.source", self.label.source, f"name one of the sources: {', '.join(self.sources)}")
        if self.label.column == source.key:
            raise rule("label.column", source.key, f"name another column: this one is the key of {self.label.source}")
        candidates = [c.name for c in source.columns if c.type in LABEL_TYPES and c.name != source.key]
        if self.label.column not in candidates:
            remedy = f"name a numeric column of source {self.label.source}: {', '.join(candidates) or 'it has none'}"
            raise rule("label.column", self.label.column, remedy)
        index = source.columns.index(source.column(self.label.column))
        if not source.columns[index].required:
            remedy = f"remove it: {self.label.column} is the label, and a record without it teaches nothing"
            raise rule(f"sources.{self.label.source}.columns.{index}.required", False, remedy)
        return self

    @model_validator(mode="after")
    def _features_can_be_learnt_from(self) -> Self:
        found: dict[str, str] = {}
        for source, index, column in self._feature_columns():
            field = f"sources.{source}.columns.{index}"
            if column.name == self.label.column:
                remedy = "use another name, or remove it: the label has this one, and no model may learn from the label"
                raise rule(f"{field}.name", column.name, remedy)
            if column.name in found:
                remedy = f"use another name: source {found[column.name]} has a feature of this one"
                raise rule(f"{field}.name", column.name, remedy)
            if column.type not in FEATURE_TYPES:
                raise rule(
                    f"{field}.type", column.type, f"use one of {', '.join(FEATURE_TYPES)}, the types of a feature"
                )
            found[column.name] = source
        if not found:
            raise rule("sources", list(self.sources), "give a source besides the label's that has feature columns")
        return self

    @model_validator(mode="after")
    def _sources_can_be_joined(self) -> Self:
        wanted = self.sources[self.label.source]
        kind = wanted.column(wanted.key).type
        for name, source in self.sources.items():
            if (other := source.column(source.key).type) != kind:
                remedy = (
                    f"name a column of type {kind}, not {other}: records are joined with sources.{self.label.source}"
                )
                raise rule(f"sources.{name}.key", source.key, remedy)
        return self

    @model_validator(mode="after")
    def _sources_fit_into_a_function(self) -> Self:
        told = {"columns", "key", "event_time"}
        sources = {name: each.model_dump(include=told, exclude_defaults=True) for name, each in self.sources.items()}
        size = len(json.dumps(sources, separators=(",", ":")))
        if size > SOURCES_BYTES:
            count = sum(len(source.columns) for source in self.sources.values())
            remedy = f"use fewer columns or shorter names: functions are told {SOURCES_BYTES} bytes of them, not {size}"
            raise rule("sources", count, remedy)
        return self

    @model_validator(mode="after")
    def _sections_have_what_they_need(self) -> Self:
        if self.monitoring and not self.serving:
            raise rule("monitoring", "present", "add `serving` or remove `monitoring`: it watches captured predictions")
        if self.serving and not self.monitoring:
            remedy = "add `monitoring` or remove `serving`: the compliance pack refuses a model that nobody watches"
            raise rule("serving", "present", remedy)
        if self.monitoring and self.training.train_days < 2 * self.monitoring.window_days:
            remedy = (
                f"give at most {self.training.train_days // 2}, half of training.train_days: two windows of the "
                "training data are the fewest that say how far a feature moves by itself"
            )
            raise rule("monitoring.window_days", self.monitoring.window_days, remedy)
        if self.retraining and "drift" in self.retraining.triggers and not self.monitoring:
            triggers = list(self.retraining.triggers)
            raise rule("retraining.triggers", triggers, "add `monitoring` or remove the trigger `drift`")
        return self

    @model_validator(mode="after")
    def _smoke_payload_fits_the_schema(self) -> Self:
        if remedy := mistake_in_row(self.smoke_payload, self.features):
            raise rule("smoke_payload", self.smoke_payload, remedy)
        return self

    def _feature_columns(self) -> Iterator[tuple[str, int, Column]]:
        for name, source in self.sources.items():
            for index, column in enumerate(source.columns):
                if name != self.label.source and column.name not in (source.key, source.event_time):
                    yield name, index, column
