"""The model of `workloads/<name>/workload.yaml`: one ML use case. A section that is absent is a feature that is off."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from stacks.config.base import Email, Identifier, InstanceType, Model, Name, Text, matching, rule
from stacks.config.quality import mistake_in
from stacks.config.schedule import EXAMPLE, Schedule

ColumnType = Literal["string", "int", "bigint", "double", "boolean", "timestamp"]
NUMBERED = ("int", "bigint", "double", "boolean")


def _is_plain(value: object) -> object:
    # Before the types of the union are tried: each that does not fit would be a mistake of its own.
    if type(value) not in (str, int, float):
        raise rule("", value, "give a text or a number")
    return value


Hyperparameter = Annotated[str | int | float, BeforeValidator(_is_plain)]


class Column(Model):
    """One column of a source, in the types of the Glue catalog."""

    name: Identifier
    type: ColumnType
    required: bool = Field(default=True, description="False: the value may be empty.")


class Source(Model):
    """CSV files that somebody lands under `<workload>/<source>/`."""

    columns: tuple[Column, ...] = Field(min_length=2)
    key: Identifier = Field(description="Column that identifies a record across sources.")
    event_time: Identifier = Field(description="Column with the time the record speaks of; partitions by month.")
    quality_rules: tuple[Text, ...] = Field(min_length=1, description="DQDL rules, one each; all must hold.")

    @model_validator(mode="after")
    def _names_its_columns(self) -> Self:
        names = [column.name for column in self.columns]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise rule("columns", doubled, "name every column once")
        for field in ("key", "event_time"):
            if getattr(self, field) not in names:
                raise rule(field, getattr(self, field), f"name one of the columns: {', '.join(names)}")
        kind = self.column(self.event_time).type
        if kind != "timestamp":
            raise rule("event_time", self.event_time, f"column {self.event_time} must have type timestamp, not {kind}")
        return self

    @model_validator(mode="after")
    def _has_rules_that_can_be_read(self) -> Self:
        names = [column.name for column in self.columns]
        for index, text in enumerate(self.quality_rules):
            if remedy := mistake_in(text, names):
                raise rule(f"quality_rules.{index}", text, remedy)
        return self

    def column(self, name: str) -> Column:
        """Return the column called `name`."""
        return next(column for column in self.columns if column.name == name)


class Label(Model):
    """Where the truth about a prediction arrives, and when."""

    source: Identifier
    column: Identifier
    delay_days: int = Field(
        ge=0, le=365, description="Days until a label may be expected: so far back quality is measured."
    )


class Training(Model):
    """One SageMaker training job per run, with the preparation and evaluation jobs around it."""

    compute: Literal["sagemaker"]
    instance_type: InstanceType
    volume_gb: int = Field(default=30, ge=1, le=1024)
    max_runtime_minutes: int = Field(default=60, ge=1, le=7200)
    train_days: int = Field(ge=1, description="Days of events that a model learns from, before the holdout.")
    holdout_days: int = Field(ge=1, description="Newest labelled days, on which champion and challenger are compared.")
    hyperparameters: dict[Identifier, Hyperparameter] = Field(default_factory=dict)
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
    capture_percent: int = Field(
        default=100, ge=1, le=100, description="Share of requests written to the capture zone."
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
        sources = [source for name, source in self.sources.items() if name != self.label.source]
        return tuple(c for s in sources for c in s.columns if c.name not in (s.key, s.event_time))

    @model_validator(mode="after")
    def _label_is_a_column(self) -> Self:
        source = self.sources.get(self.label.source)
        if source is None:
            raise rule("label.source", self.label.source, f"name one of the sources: {', '.join(self.sources)}")
        candidates = [c.name for c in source.columns if c.type in NUMBERED]
        if self.label.column not in candidates:
            remedy = f"name a numeric column of source {self.label.source}: {', '.join(candidates) or 'it has none'}"
            raise rule("label.column", self.label.column, remedy)
        if not self.features:
            raise rule("sources", list(self.sources), "give a source besides the label's that has feature columns")
        return self

    @model_validator(mode="after")
    def _sections_have_what_they_need(self) -> Self:
        if self.monitoring and not self.serving:
            raise rule("monitoring", "present", "add `serving` or remove `monitoring`: it watches captured predictions")
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
        expected = 1 + len(self.features)
        fields = self.smoke_payload.count(",") + 1
        if fields != expected or "\n" in self.smoke_payload:
            remedy = f"give one row of {expected} values: the key and the {expected - 1} features"
            raise rule("smoke_payload", self.smoke_payload, remedy)
        return self
