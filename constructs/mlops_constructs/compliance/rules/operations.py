"""OPS-1, alarms: what goes wrong reaches a person, and OPS-3: so does what gets expensive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from mlops_constructs.compliance.asked import asked, given, objects, texts
from mlops_constructs.compliance.asl import machines
from mlops_constructs.compliance.estate import Estate, Resource, Unknown
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity

_ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
_FAILURE = re.compile(r"failed|rolled back|failure", re.IGNORECASE)
_SPENDS = ("AWS::SageMaker::Endpoint", "AWS::SageMaker::NotebookInstance", "AWS::Batch::ComputeEnvironment")


def _acts(estate: Estate) -> Iterator[Judgement]:
    rollback = {
        name
        for one in asked(estate)
        for name in one.values("DeploymentConfig.AutoRollbackConfiguration.Alarms.*.AlarmName")
        if isinstance(name, str)
    }
    for alarm in estate.of(*_ALARMS):
        live = str(alarm.get("ActionsEnabled", True)).lower() != "false" and given(alarm.get("AlarmActions"))
        ok = live or alarm.physical_id in rollback
        yield Judgement(alarm, ok, message="the alarm tells nobody: no action, or its actions are disabled")


def _heard(estate: Estate) -> Iterator[Judgement]:
    if not estate.guarded:
        return
    subscribed = texts(topic for each in estate.of("AWS::SNS::Subscription") for topic in each.values("TopicArn"))
    used = texts(action for alarm in estate.of(*_ALARMS) for action in alarm.values("AlarmActions.*"))
    for topic in estate.of("AWS::SNS::Topic"):
        if topic.arn in used:
            ok = topic.arn in subscribed or given(topic.get("Subscription"))
            yield Judgement(topic, ok, message="alarms go to a topic nobody has subscribed to")


def _workflow_alarms(estate: Estate) -> Iterator[Judgement]:
    for machine in estate.of("AWS::StepFunctions::StateMachine"):
        for metric in ("ExecutionsFailed", "ExecutionsTimedOut"):
            ok = any(watches(alarm, metric, machine) for alarm in estate.of("AWS::CloudWatch::Alarm"))
            yield Judgement(machine, ok, detail=metric, message=f"no alarm on {metric} of the workflow")


def watches(alarm: Resource, metric: str, resource: Resource) -> bool:
    """Whether an alarm is on a metric of a resource, alone or within a metric expression."""
    metrics = [alarm.properties, *alarm.values("Metrics.*.MetricStat.Metric")]
    return any(
        isinstance(each, Mapping)
        and each.get("MetricName") == metric
        and {resource.arn, resource.physical_id, _name(resource)} & _dimensions(each)
        for each in metrics
    )


def _name(resource: Resource) -> str:
    return resource.arn.rpartition(":")[2]


def _dimensions(metric: Mapping[str, Any]) -> set[str]:
    return {str(each.get("Value")) for each in objects(metric.get("Dimensions"))}


def _announced(estate: Estate) -> Iterator[Judgement]:
    """Failure events of workflows are matched by a rule; an event nobody matches is lost."""
    matched = {kind for rule in estate.of("AWS::Events::Rule") for kind in _kinds(rule) if _enabled(rule)}
    for machine in machines(estate):
        sent = {str(kind) for task in machine.tasks() for kind in _sent(task.arguments)}
        for kind in sorted(kind for kind in sent if _FAILURE.search(kind)):
            yield Judgement(machine.resource, kind in matched, detail=kind, message=f"nobody listens to {kind}")


def _kinds(rule: Resource) -> Iterator[str]:
    pattern = rule.get("EventPattern")
    kinds = pattern.get("detail-type") if isinstance(pattern, Mapping) else None
    yield from (str(each) for each in (kinds if isinstance(kinds, list) else []))


def _enabled(rule: Resource) -> bool:
    return rule.properties.get("State", "ENABLED") != "DISABLED" and given(rule.get("Targets"))


def _sent(arguments: Mapping[str, Any]) -> Iterator[str]:
    payload = arguments.get("Payload")
    if isinstance(payload, Mapping) and isinstance(payload.get("detail_type"), str):
        yield payload["detail_type"]
    for entry in objects(arguments.get("Entries")):
        if isinstance(entry.get("DetailType"), str):
            yield entry["DetailType"]


def _endpoints(estate: Estate) -> Iterator[Judgement]:
    for one in asked(estate, "Endpoint"):
        name = one.get("EndpointName") if one.where else one.resource.physical_id
        if isinstance(name, Unknown):
            continue
        for metric in ("Invocation5XXErrors", "ModelLatency"):
            ok = any(
                alarm.get("MetricName") == metric and str(name) in _dimensions(alarm.properties)
                for alarm in estate.of("AWS::CloudWatch::Alarm")
            )
            detail = f"{one.where}:{metric}" if one.where else metric
            yield Judgement(one.resource, ok, detail=detail, message=f"no alarm on {metric} of endpoint {name}")


def _budgets(estate: Estate) -> Iterator[Judgement]:
    heard = [budget for budget in estate.of("AWS::Budgets::Budget") if _notifies(budget)]
    for budget in estate.of("AWS::Budgets::Budget"):
        yield Judgement(budget, budget in heard, message="the budget tells nobody when it is used up")
    if estate.stage in ("prod", None):
        for resource in _spenders(estate):
            yield Judgement(resource, bool(heard), detail="environment", message="no budget watches what it costs")


def _notifies(budget: Resource) -> bool:
    return any(
        isinstance(each, Mapping) and given(each.get("Subscribers")) and given(each.get("Notification"))
        for each in budget.values("NotificationsWithSubscribers.*")
    )


def _spenders(estate: Estate) -> list[Resource]:
    made = [one.resource for one in asked(estate, "TrainingJob", "Endpoint", "ProcessingJob") if one.where]
    return list(dict.fromkeys([*estate.of(*_SPENDS), *made]))


def _anomalies(estate: Estate) -> Iterator[Judgement]:
    subscribed = texts(
        arn for each in estate.of("AWS::CE::AnomalySubscription") for arn in each.values("MonitorArnList.*")
    )
    for monitor in estate.of("AWS::CE::AnomalyMonitor"):
        ok = bool({monitor.arn, monitor.physical_id} & subscribed)
        yield Judgement(monitor, ok, message="nobody is told of the anomalies it finds")
    for subscription in estate.of("AWS::CE::AnomalySubscription"):
        yield Judgement(subscription, given(subscription.get("Subscribers")), message="the subscription has no reader")


_alarm = partial(Rule, rationale="Silence looks like success.", severity=Severity.MEDIUM, phase=Phase.REPEATABLE)
_cost = partial(
    Rule,
    rationale="A loop or a stolen key spends a month's money in a night.",
    severity=Severity.MEDIUM,
    phase=Phase.SCALABLE,
)


RULES: tuple[Rule, ...] = (
    _alarm(
        id="OPS-1.alarm-acts",
        title="Alarms have actions",
        remedy="Add a topic to AlarmActions; leave ActionsEnabled on.",
        check=_acts,
    ),
    _alarm(
        id="OPS-1.alarm-heard",
        title="Somebody hears the alarms",
        remedy="Subscribe people to the alarms' topic.",
        check=_heard,
    ),
    _alarm(
        id="OPS-1.workflow-alarm",
        title="Alarms on failed and timed out executions",
        remedy="Add alarms on ExecutionsFailed and ExecutionsTimedOut of each state machine.",
        check=_workflow_alarms,
    ),
    _alarm(
        id="OPS-1.failure-event-heard",
        title="Failure events of workflows have a listener",
        remedy="Match the detail type in an enabled rule with a target.",
        check=_announced,
    ),
    _alarm(
        id="OPS-1.endpoint-alarm",
        title="Alarms on errors and latency of each endpoint",
        remedy="Add alarms on Invocation5XXErrors and ModelLatency with the endpoint's name.",
        check=_endpoints,
    ),
    _cost(
        id="OPS-3.budget",
        title="A budget with a reader",
        remedy="Add a budget whose notifications have subscribers.",
        check=_budgets,
    ),
    _cost(
        id="OPS-3.anomaly-heard",
        title="Cost anomalies reach somebody",
        remedy="Subscribe a person or topic to every anomaly monitor.",
        check=_anomalies,
    ),
)
