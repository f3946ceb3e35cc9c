"""OPS-1, queues: what could not be delivered or processed is kept, and an alarm says that something lies there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from mlops_constructs.compliance.asked import given, texts
from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.operations import watches

_DAYS_14 = 1209600
_ASYNCHRONOUS = (
    "events.amazonaws.com",
    "s3.amazonaws.com",
    "sns.amazonaws.com",
    "scheduler.amazonaws.com",
    "iot.amazonaws.com",
    "logs.amazonaws.com",
    "ses.amazonaws.com",
    "config.amazonaws.com",
)
_VISIBLE = "ApproximateNumberOfMessagesVisible"


def _targets(estate: Estate) -> Iterator[Judgement]:
    for rule in estate.of("AWS::Events::Rule"):
        for position, target in enumerate(rule.values("Targets.*")):
            if isinstance(target, Mapping):
                queue = target.get("DeadLetterConfig")
                ok = isinstance(queue, Mapping) and given(queue.get("Arn"))
                detail = str(target.get("Id") or position)
                yield Judgement(rule, ok, detail=detail, message=f"events that do not reach {detail} are lost")
    for schedule in estate.of("AWS::Scheduler::Schedule"):
        ok = given(schedule.get("Target.DeadLetterConfig.Arn"))
        yield Judgement(schedule, ok, message="a start that fails is lost: the schedule's target has no queue")


def _functions(estate: Estate) -> Iterator[Judgement]:
    called = {
        str(each.get("FunctionName"))
        for each in estate.of("AWS::Lambda::Permission")
        if str(each.get("Principal")) in _ASYNCHRONOUS
    }
    handled = {
        str(each.get("FunctionName"))
        for each in estate.of("AWS::Lambda::EventInvokeConfig")
        if given(each.get("DestinationConfig.OnFailure.Destination"))
    }
    for function in estate.of("AWS::Lambda::Function"):
        names = {function.arn, function.physical_id}
        if names & called:
            ok = given(function.get("DeadLetterConfig.TargetArn")) or bool(names & handled)
            yield Judgement(function, ok, message="events the function cannot process are lost after three attempts")


def _sources(estate: Estate) -> Iterator[Judgement]:
    for mapping in estate.of("AWS::Lambda::EventSourceMapping"):
        if ":sqs:" in str(mapping.get("EventSourceArn")):
            continue  # the queue has its own redrive policy
        ok = given(mapping.get("DestinationConfig.OnFailure.Destination"))
        yield Judgement(mapping, ok, message="records the function cannot process block the shard or are dropped")


def _subscriptions(estate: Estate) -> Iterator[Judgement]:
    for subscription in estate.of("AWS::SNS::Subscription"):
        if subscription.get("Protocol") in ("lambda", "sqs", "http", "https", "firehose"):
            ok = given(subscription.get("RedrivePolicy.deadLetterTargetArn"))
            yield Judgement(subscription, ok, message="messages that cannot be delivered are lost")


def _letters(estate: Estate) -> list[Resource]:
    """Queues that something names as its dead letter queue."""
    named: set[str] = set()
    for kind, path in (
        ("AWS::Events::Rule", "Targets.*.DeadLetterConfig.Arn"),
        ("AWS::Scheduler::Schedule", "Target.DeadLetterConfig.Arn"),
        ("AWS::Lambda::Function", "DeadLetterConfig.TargetArn"),
        ("AWS::Lambda::EventInvokeConfig", "DestinationConfig.OnFailure.Destination"),
        ("AWS::Lambda::EventSourceMapping", "DestinationConfig.OnFailure.Destination"),
        ("AWS::SNS::Subscription", "RedrivePolicy.deadLetterTargetArn"),
        ("AWS::SQS::Queue", "RedrivePolicy.deadLetterTargetArn"),
        ("AWS::Events::EventBus", "DeadLetterConfig.Arn"),
    ):
        for resource in estate.of(kind):
            named |= texts(resource.values(path))
    return [queue for queue in estate.of("AWS::SQS::Queue") if queue.arn in named]


def _queues(estate: Estate) -> Iterator[Judgement]:
    letters = _letters(estate)
    for queue in estate.of("AWS::SQS::Queue"):
        if queue not in letters:
            ok = given(queue.get("RedrivePolicy.deadLetterTargetArn"))
            yield Judgement(queue, ok, message="no dead letter queue takes what cannot be processed")


def _kept(estate: Estate) -> Iterator[Judgement]:
    for queue in _letters(estate):
        try:
            seconds = int(queue.get("MessageRetentionPeriod", 345600))
        except (TypeError, ValueError):
            seconds = 0
        message = f"dead letters are kept {seconds // 86400} days, less than the 14 SQS can"
        yield Judgement(queue, seconds >= _DAYS_14, message=message)


def _alarmed(estate: Estate) -> Iterator[Judgement]:
    for queue in _letters(estate):
        ok = any(watches(alarm, _VISIBLE, queue) for alarm in estate.of("AWS::CloudWatch::Alarm"))
        yield Judgement(queue, ok, message="no alarm tells that dead letters have arrived")


_rule = partial(
    Rule,
    rationale="An event that is lost leaves data unread or a model undeployed, and nobody knows.",
    severity=Severity.MEDIUM,
    phase=Phase.REPEATABLE,
)


RULES: tuple[Rule, ...] = (
    _rule(
        id="OPS-1.target-dlq",
        title="Rules and schedules have dead letter queues",
        remedy="Set DeadLetterConfig of each target.",
        check=_targets,
    ),
    _rule(
        id="OPS-1.function-dlq",
        title="Functions called asynchronously keep what they cannot process",
        remedy="Set DeadLetterConfig, or an OnFailure destination.",
        check=_functions,
    ),
    _rule(
        id="OPS-1.source-on-failure",
        title="Stream consumers keep bad records",
        remedy="Set DestinationConfig.OnFailure.",
        check=_sources,
    ),
    _rule(
        id="OPS-1.subscription-dlq",
        title="Subscriptions keep what they cannot deliver",
        remedy="Set RedrivePolicy.",
        check=_subscriptions,
    ),
    _rule(
        id="OPS-1.queue-redrive",
        title="Queues have dead letter queues",
        remedy="Set RedrivePolicy with a maxReceiveCount.",
        check=_queues,
    ),
    _rule(
        id="OPS-1.dlq-retention",
        title="Dead letters are kept as long as SQS can",
        remedy="Set MessageRetentionPeriod to 1209600 (14 days).",
        severity=Severity.LOW,
        check=_kept,
    ),
    _rule(
        id="OPS-1.dlq-alarm",
        title="Dead letters raise an alarm",
        remedy=f"Add an alarm on {_VISIBLE} of the queue.",
        check=_alarmed,
    ),
)
