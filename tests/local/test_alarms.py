from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops_local.cloudwatch import new_state
from mlops_local.server import LocalAws
from tests.local.ml import events_queue, eventually, received


def alarm(**changes: Any) -> dict[str, Any]:
    return {
        "AlarmName": "a",
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 1.0,
        "EvaluationPeriods": 3,
        "StateValue": "OK",
        **changes,
    }


@pytest.mark.parametrize(
    ("values", "changes", "state"),
    [
        ([2, 2, 2], {}, "ALARM"),
        ([2, 2, 1], {}, "OK"),
        ([2, 1, 2], {"DatapointsToAlarm": 2}, "ALARM"),
        ([2, None, None], {"DatapointsToAlarm": 1}, "ALARM"),
        ([None, None, None], {}, "INSUFFICIENT_DATA"),
        ([None, None, None], {"TreatMissingData": "notBreaching"}, "OK"),
        ([None, None, None], {"TreatMissingData": "breaching"}, "ALARM"),
        ([None, None, None], {"TreatMissingData": "ignore", "StateValue": "ALARM"}, "ALARM"),
        ([None, 2, 2], {"TreatMissingData": "breaching"}, "ALARM"),
        ([0, 0, 0], {"ComparisonOperator": "LessThanThreshold"}, "ALARM"),
        ([1, 1, 1], {"ComparisonOperator": "LessThanOrEqualToThreshold"}, "ALARM"),
        ([1, 1, 1], {"ComparisonOperator": "GreaterThanOrEqualToThreshold"}, "ALARM"),
    ],
)
def test_state_follows_values_and_missing_data(values: list[float | None], changes: dict[str, Any], state: str) -> None:
    assert new_state(alarm(**changes), values) == state


def test_an_operator_without_meaning_here_is_refused() -> None:
    with pytest.raises(ValueError, match="GreaterThanUpperThreshold"):
        new_state(alarm(ComparisonOperator="GreaterThanUpperThreshold"), [1])


def put(aws: LocalAws, name: str, **changes: Any) -> None:
    given: dict[str, Any] = {
        "AlarmName": name,
        "Namespace": "Alarms",
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }
    aws.client("cloudwatch").put_metric_alarm(**given | changes)


def state_of(aws: LocalAws, name: str) -> str:
    found: str = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
    return found


def test_alarms_keep_dimensions_apart_recover_and_tell_the_bus(aws: LocalAws) -> None:
    queue = events_queue(aws, "alarm-events", "aws.cloudwatch")
    for name in ("one", "two"):
        put(aws, name, Dimensions=[{"Name": "Endpoint", "Value": name}], Period=10)
    aws.client("cloudwatch").put_metric_data(
        Namespace="Alarms",
        MetricData=[
            {
                "MetricName": "Errors",
                "Value": 1.0,
                "Dimensions": [{"Name": "Endpoint", "Value": "one"}],
                "Timestamp": time.time() - 8,
            }
        ],
    )
    assert (state_of(aws, "one"), state_of(aws, "two")) == ("ALARM", "OK")
    events = received(aws, queue, lambda f: any(e["detail"]["state"]["value"] == "ALARM" for e in f))
    assert [e["detail"]["alarmName"] for e in events if e["detail"]["state"]["value"] == "ALARM"] == ["one"]
    eventually(lambda: state_of(aws, "one") == "OK", seconds=15)


def test_metric_math_is_refused(aws: LocalAws) -> None:
    metric = {"Id": "e", "Expression": "1 + 1", "ReturnData": True}
    with pytest.raises(ClientError):
        aws.client("cloudwatch").put_metric_alarm(
            AlarmName="math",
            Metrics=[metric],
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    assert not aws.client("cloudwatch").describe_alarms(AlarmNames=["math"])["MetricAlarms"]
