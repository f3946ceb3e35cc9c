"""CloudWatch alarms as the real service evaluates them: by dimensions, M out of N periods, missing data treated.

The emulator's own evaluation mixes all dimensions of a metric and never looks at an alarm again without new data.
Periods end at the time of evaluation instead of at full minutes, so that an alarm fires at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from .errors import LocalAwsError
from .patches import replace
from .runtime import Runtime

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
_MODULE = "ministack.services.cloudwatch"
_COMPARE = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}

Alarm = dict[str, Any]


def register(runtime: Runtime) -> None:
    """Replaces the evaluation of metric alarms and starts its clock."""

    def make(original: Any) -> Any:
        def evaluate(alarm: Alarm) -> None:
            _evaluate(runtime, alarm)

        return evaluate

    replace(_MODULE, "_evaluate_alarm", make)
    replace(_MODULE, "_validate_alarm_tag_arn", _dashboards_too)
    threading.Thread(target=_tick, name="alarms", daemon=True).start()


def _dashboards_too(original: Any) -> Any:
    """Dashboards have tags as alarms have."""
    from ministack.services import cloudwatch

    def validate(arn: str, *given: Any, **options: Any) -> Any:
        _, found, name = arn.partition(":dashboard/")
        return None if found and name in cloudwatch._dashboards else original(arn, *given, **options)

    return validate


def new_state(alarm: Alarm, values: Sequence[float | None]) -> str:
    """The state an alarm goes to.

    Args:
        alarm: Its `Threshold`, `ComparisonOperator`, `DatapointsToAlarm` and `TreatMissingData`.
        values: Statistic per evaluation period, newest first; None where no data came.

    Raises:
        ValueError: an anomaly detection operator.
    """
    operator = _COMPARE.get(alarm["ComparisonOperator"])
    if operator is None:
        raise ValueError(f"alarm {alarm['AlarmName']}: the local AWS has no {alarm['ComparisonOperator']}")
    needed = int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods") or 1)
    missing = alarm.get("TreatMissingData") or "missing"
    present = [value for value in values if value is not None]
    breaching = sum(operator(value, float(alarm["Threshold"])) for value in present)
    if missing == "breaching":
        breaching += len(values) - len(present)
    if breaching >= needed:
        return "ALARM"
    if present or missing in ("breaching", "notBreaching"):
        return "OK"
    return str(alarm["StateValue"]) if missing == "ignore" else "INSUFFICIENT_DATA"


def _evaluate(runtime: Runtime, alarm: Alarm) -> None:
    from ministack.services import cloudwatch

    if not alarm.get("Namespace") or not alarm.get("MetricName"):
        cloudwatch._alarms.pop(alarm["AlarmName"], None)  # stored already, but it would never fire
        raise LocalAwsError(f"alarm {alarm['AlarmName']}: the local AWS has no metric math, name one metric")
    values = _values(alarm)
    old, state = alarm["StateValue"], new_state(alarm, values)
    if state == old:
        return
    shown = [value for value in values if value is not None]
    reason = (
        f"Threshold Crossed: {shown} against {alarm['ComparisonOperator']} {alarm['Threshold']}" if shown else "no data"
    )
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], old, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": {"value": state, "reason": reason},
        "previousState": {"value": old},
    }
    runtime.put_event("aws.cloudwatch", "CloudWatch Alarm State Change", detail, [alarm["AlarmArn"]])


def _values(alarm: Alarm) -> list[float | None]:
    from ministack.services import cloudwatch

    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or []
    period, moment = float(alarm.get("Period") or 60), time.time()
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    values: list[float | None] = []
    for index in range(int(alarm.get("EvaluationPeriods") or 1)):
        end = moment - index * period
        # The newest period takes points of this very moment, too.
        inside = [p for p in points if end - period < p["Timestamp"] <= (end if index else end + 1)]
        stats = cloudwatch._calc_stats(inside)
        values.append(cloudwatch._stat_value(stats, statistic, inside) if stats else None)
    return values


def _tick() -> None:
    from ministack.services import cloudwatch

    while True:
        time.sleep(TICK_SECONDS)
        for alarm in list(cloudwatch._alarms.values()):
            try:
                cloudwatch._evaluate_alarm(alarm)
            except Exception:  # one odd alarm must not stop the clock of the others
                logger.exception("alarm %s", alarm.get("AlarmName"))
