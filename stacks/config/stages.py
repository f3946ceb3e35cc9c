"""What a stage asks of its environment. The compliance pack asks the same of the templates, and names constructs."""

from collections.abc import Iterator, Mapping

from stacks.config.environment import Environment, Stage
from stacks.config.errors import Mistake
from stacks.config.words import shown

LOG_DAYS: Mapping[Stage, int] = {Stage.LOCAL: 1, Stage.DEV: 30, Stage.STAGING: 90, Stage.PROD: 365}
"""Days for which logs are kept at least, and in guarded stages the trail is locked: LOG-1, LOG-3."""

VERSION_DAYS = 30
"""Days for which a guarded stage can have an overwritten object back at least: RET-1."""

DATA_DAYS = 90
"""Days after which a guarded stage may empty a bucket at the earliest: RET-1."""


def mistakes_of_stage(environment: Environment) -> Iterator[Mistake]:
    """Yield what the stage of an environment does not allow."""
    yield from _too_short(environment)
    yield from _missing(environment)


def _too_short(environment: Environment) -> Iterator[Mistake]:
    for field, days, least in _terms(environment):
        if days < least:
            yield Mistake(tuple(field.split(".")), shown(days), f"give at least {least} in stage {environment.stage}")


def _terms(environment: Environment) -> Iterator[tuple[str, int, int]]:
    """Each term of an environment, and the least that its stage allows, days."""
    log_days = LOG_DAYS[environment.stage]
    yield "log_retention_days", environment.log_retention_days, log_days
    if not environment.stage.guarded:
        return
    yield "data_retention.noncurrent_days", environment.data_retention.noncurrent_days, VERSION_DAYS
    yield "data_retention.capture_days", environment.data_retention.capture_days, DATA_DAYS
    audit = environment.audit
    if audit and audit.trail:
        yield "audit.trail.object_lock.days", audit.trail.object_lock.days, log_days
    if audit and audit.config:
        yield "audit.config.keep_days", audit.config.keep_days, DATA_DAYS


def _missing(environment: Environment) -> Iterator[Mistake]:
    stage, trail = environment.stage, environment.audit and environment.audit.trail
    if stage.guarded and environment.alerts is None:
        yield Mistake(("alerts",), "nothing", f"add alerts.email: in stage {stage} somebody must hear of alarms")
    if stage is not Stage.PROD:
        return
    if environment.workloads and environment.budget is None:
        yield Mistake(("budget",), "nothing", f"add it: in stage {stage} somebody must hear of what workloads cost")
    if trail and not trail.insights:
        remedy = f"name ApiCallRateInsight, ApiErrorRateInsight or both: stage {stage} looks for unusual calls"
        yield Mistake(("audit", "trail", "insights"), "[]", remedy)
