"""The shape of result.json. Everything the report shows is in it, and nothing else feeds the report."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quality(_Model):
    """Quality of one set of scores: `auc` 0-1 (higher is better), `log_loss` in nats (lower is better)."""

    auc: float
    log_loss: float
    rows: int


class Decision(_Model):
    """One event of the platform that decided something, in the platform's own words.

    `at` is wall-clock ISO 8601 UTC; `month` the replayed month during which it happened.
    """

    at: str
    month: str
    event: str
    decision: str
    reason: str
    version: int | None = None


class FileOutcome(_Model):
    """What became of one landed file.

    `outcome` is `ready` or `rejected`; `fault` says what the demo broke on purpose, or is None for a good file.
    """

    month: str
    dataset: str
    file: str
    outcome: str
    rows: int
    rows_quarantined: int
    reason_code: str
    reason: str
    quarantine_uri: str
    fault: str | None


class MonthResult(_Model):
    """One replayed month: the three ways to serve it, its drift and what the platform decided."""

    month: str
    rows: int
    frozen: Quality
    naive: Quality
    platform: Quality
    served_versions: dict[str, int]
    drift: dict[str, float]
    drifted: list[str] = Field(description="Features beyond their threshold, each its own.")
    violations: list[str]
    monitor: str = Field(description="Event that ended monitoring: Drift Detected, Monitoring Completed ...")
    decisions: list[Decision]
    files_landed: int
    files_rejected: int
    seconds: float


class Package(_Model):
    """One model package version and why it was registered."""

    version: int
    arn: str
    month: str
    reason: str
    metrics: dict[str, float]
    champion_metrics: dict[str, float] | None
    snapshot_id: str
    deployed: bool


class LineageStep(_Model):
    """One link from data to endpoint: what it is, its address, and the hash that pins it ("" when it has none)."""

    kind: str
    address: str
    hash: str


class Means(_Model):
    """Unweighted means over the replayed months."""

    frozen: Quality
    naive: Quality
    platform: Quality


class FunctionTiming(_Model):
    """Wall seconds of one function on the local AWS: its first invocation, and the median of the others."""

    cold_start_seconds: float
    duration_seconds: float
    invocations: int


class Timings(_Model):
    """What the benchmark prints of a replay."""

    functions: dict[str, FunctionTiming]
    drift_to_endpoint_seconds: float | None = Field(description="Median, from Drift Detected to Deployment Succeeded.")


class Result(_Model):
    """result.json, whole."""

    schema_version: str = "1"
    workload: str
    environment: str
    months: list[MonthResult]
    means: Means
    beats_both: bool
    verdict: str
    history_decisions: list[Decision]
    files: list[FileOutcome]
    packages: list[Package]
    lineage: list[LineageStep]
    timings: Timings
    wall_seconds: dict[str, float]
    peak_memory_bytes: int
    tools: dict[str, str]
