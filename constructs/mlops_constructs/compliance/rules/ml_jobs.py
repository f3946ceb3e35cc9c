"""ML-10 for jobs: every training, processing, Glue and Batch job has a longest run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from mlops_constructs.compliance.asked import asked
from mlops_constructs.compliance.asl import machines
from mlops_constructs.compliance.estate import Estate, Unknown
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

_LONGEST_RUN = 5 * 86400
_LONGEST_GLUE = 24 * 60
_GLUE_RUNS = {
    ("glue", "startDataQualityRulesetEvaluationRun"),
    ("glue", "startDataQualityRuleRecommendationRun"),
}


def _limits(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate):
        if path := one.shape.limit:
            seconds = _number(one.get(path))
            ok = seconds is not None and 0 < seconds <= _LONGEST_RUN
            yield Judgement(one.resource, ok, one.where, f"{one.label} has no longest run: {path}")
        if one.kind == "HyperParameterTuningJob":
            most = _number(one.get("HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs"))
            yield Judgement(one.resource, most is not None, f"{one.where}:jobs", "the search has no most jobs")


def _glue(estate: Estate) -> Iterator[Judgement]:
    for job in estate.of("AWS::Glue::Job"):
        minutes = _number(job.get("Timeout"))
        ok = minutes is not None and 0 < minutes <= _LONGEST_GLUE
        yield Judgement(job, ok, message="the job has no timeout of a day or less (2 days by default)")
    for machine in machines(estate):
        for task in machine.tasks():
            if task.integration in _GLUE_RUNS:
                minutes = _number(task.arguments.get("Timeout"))
                ok = minutes is not None and 0 < minutes <= _LONGEST_GLUE
                yield Judgement(machine.resource, ok, task.name, f"{task.name} starts a run without a timeout")


def _batch(estate: Estate) -> Iterator[Judgement]:
    for definition in estate.of("AWS::Batch::JobDefinition"):
        seconds = _number(definition.get("Timeout.AttemptDurationSeconds"))
        yield Judgement(definition, seconds is not None, message="attempts of the job have no timeout")
        attempts = _number(definition.get("RetryStrategy.Attempts"))
        message = "an interrupted job is not repeated: no RetryStrategy"
        yield Judgement(definition, attempts is not None and attempts > 1, detail="retry", message=message)
    for machine in machines(estate):
        for task in machine.tasks():
            if task.integration == ("batch", "submitJob"):
                yield Judgement(machine.resource, _submitted(estate, task.arguments), task.name, "no job timeout")


def _submitted(estate: Estate, arguments: Mapping[str, Any]) -> bool:
    """A submission without a timeout keeps its definition's, which is judged by itself."""
    limit = arguments.get("Timeout")
    if isinstance(limit, Mapping):
        return _number(limit.get("AttemptDurationSeconds")) is not None
    return estate.find(arguments.get("JobDefinition"), "AWS::Batch::JobDefinition") is not None


def _number(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, Unknown | bool) else float(value)
    except (TypeError, ValueError):
        return None


_rule = partial(
    Rule,
    rationale="A job that hangs is billed until somebody looks, and holds the workflow that waits for it.",
    severity=Severity.MEDIUM,
    phase=Phase.REPEATABLE,
    also=("OPS-3",),
)


RULES: tuple[Rule, ...] = (
    _rule(
        id="ML-10.job-limit",
        title="SageMaker jobs have a longest run",
        remedy="Set StoppingCondition.MaxRuntimeInSeconds, at most five days.",
        check=_limits,
    ),
    _rule(
        id="ML-10.glue-timeout",
        title="Glue jobs have a timeout",
        remedy="Set Timeout to the minutes the job may take.",
        check=_glue,
    ),
    _rule(
        id="ML-10.batch-timeout",
        title="Batch jobs have a timeout and a retry",
        remedy="Set Timeout.AttemptDurationSeconds and RetryStrategy.Attempts.",
        check=_batch,
    ),
)
