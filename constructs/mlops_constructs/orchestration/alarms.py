"""Alarms that go to the platform's topic, or say why they go nowhere."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from mlops_constructs.governance.known import alarm_action, minutes
from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import OWNER, REVIEW

_WITHOUT_ACTION = tuple(
    Waiver(
        finding=f"{pack}::{pack}-CloudWatchAlarmAction",
        reason="No topic was given: the owner of the stack watches the alarm's state.",
        owner=OWNER,
        review=REVIEW,
    )
    for pack in ("NIST.800.53.R5", "HIPAA.Security")
)


def threshold_alarm(
    scope: Construct,
    id: str,
    *,
    metric: cloudwatch.IMetric,
    threshold: float,
    description: str,
    topic: sns.ITopic | None,
    below: bool = False,
    periods: int = 1,
) -> cloudwatch.Alarm:
    """An alarm at or above a threshold; silence is not an alarm.

    Args:
        scope: Parent.
        id: Construct id.
        metric: What is watched, with its period and statistic.
        threshold: Alarm from this value on.
        description: What happened and what to do, for whoever is woken.
        topic: Where it goes; an alarm without action when there is none.
        below: Alarm below the threshold instead.
        periods: Periods in a row before it fires; 1 by default.
    """
    operator = cloudwatch.ComparisonOperator
    alarm = cloudwatch.Alarm(
        scope,
        id,
        metric=metric,
        threshold=threshold,
        comparison_operator=operator.LESS_THAN_THRESHOLD if below else operator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluation_periods=periods,
        alarm_description=description,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    if topic:
        alarm.add_alarm_action(alarm_action(topic))
    else:
        waive(alarm, *_WITHOUT_ACTION)
    return alarm


def dead_letter_alarm(
    scope: Construct, id: str, *, queue: sqs.IQueue, what: str, topic: sns.ITopic | None
) -> cloudwatch.Alarm:
    """An alarm on the first message in a dead letter queue, which keeps it for 14 days only.

    Args:
        scope: Parent.
        id: Construct id.
        queue: The queue.
        what: What lies in it, for whoever is woken: `triggers the retraining gate could not answer`.
        topic: Where the alarm goes; an alarm without action when there is none.
    """
    return threshold_alarm(
        scope,
        id,
        metric=queue.metric_approximate_number_of_messages_visible(period=minutes(5), statistic="Maximum"),
        threshold=1,
        description=f"Dead letters: {what}. Find the cause, then send them again",
        topic=topic,
    )
