"""PlatformBus: the one event bus of an environment, and rules whose targets never lose an event."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import jsii
from aws_cdk import aws_events as events
from aws_cdk import aws_eventschemas as eventschemas
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.interfaces.aws_events import IRuleRef
from constructs import Construct

from mlops_constructs.governance.grants import allow, use_key
from mlops_constructs.governance.known import days, key_arn, place_of, service
from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import OWNER, REVIEW
from mlops_constructs.orchestration.alarms import dead_letter_alarm
from mlops_constructs.orchestration.function import PlatformFunction, code_root
from mlops_constructs.orchestration.states import Json
from mlops_constructs.orchestration.workflow import Workflow

Target: TypeAlias = "Workflow | PlatformFunction | sns.ITopic"
RETRY_ATTEMPTS = 24
MAX_EVENT_AGE_SECONDS = 6 * 3600


class DeadLetterQueue(sqs.Queue):
    """A queue for what could not be delivered: encrypted with the given key, TLS only, kept the longest time, 14 days.

    The key's policy must allow the service that writes (`Keys` allows EventBridge, SNS and CloudWatch).

    Args:
        encryption_key: Key of the messages.
        holds: What lies in it, for whoever is woken; "events that could not be delivered" by default.
        alarm_topic: Where the alarm on the first message goes; nowhere by default.
        of_function: A function's own queue, which cdk-nag recognises; other queues need its waiver. False by default.

    Attributes:
        alarm: Fires as long as there is a message: each is an event that nobody handled.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        encryption_key: kms.IKey,
        holds: str = "events that could not be delivered",
        alarm_topic: sns.ITopic | None = None,
        of_function: bool = False,
    ) -> None:
        super().__init__(
            scope,
            id,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=encryption_key,
            enforce_ssl=True,
            retention_period=days(14),
        )
        self.alarm = dead_letter_alarm(self, "Alarm", queue=self, what=holds, topic=alarm_topic)
        if not of_function:
            waive(
                self,
                Waiver(
                    finding="AwsSolutions::AwsSolutions-SQS3",
                    reason="This is a dead letter queue itself: a second one behind it would hide what needs a person.",
                    owner=OWNER,
                    review=REVIEW,
                ),
            )


class PlatformBus(Construct):
    """A custom event bus with encryption, an archive for replay, a dead letter queue and published schemas.

    Args:
        name: Physical name: producers and other accounts address the bus by it.
        encryption_key: Key of events, archive and queue. Its policy must allow EventBridge (`Keys` does).
        schemas: JSON schema of each event by name (`mlops.data@DatasetReady`); none by default. See `event_schemas`.
        archive_days: Days an event can be replayed, 90 by default.
        alarm_topic: Where alarms on undeliverable events go, of the bus and of its rules; nowhere by default.

    Attributes:
        bus: The `events.EventBus`.
        archive: Its `events.CfnArchive`.
        dead_letter_queue: Holds events the bus itself could not process, for example when its key is disabled.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        encryption_key: kms.IKey,
        schemas: Mapping[str, Json] | None = None,
        archive_days: int = 90,
        alarm_topic: sns.ITopic | None = None,
    ) -> None:
        super().__init__(scope, id)
        if archive_days < 1:
            raise ValueError(f"archive_days must be at least 1, got {archive_days}: 0 would keep events for ever")
        self.encryption_key, self.alarm_topic = encryption_key, alarm_topic
        self.dead_letter_queue = DeadLetterQueue(
            self, "DeadLetters", encryption_key=encryption_key, alarm_topic=alarm_topic
        )
        self.bus = events.EventBus(
            self, "Bus", event_bus_name=name, kms_key=encryption_key, dead_letter_queue=self.dead_letter_queue
        )
        _allow_dead_letters(self.dead_letter_queue, self.bus.event_bus_arn)
        # Level 1: the Level 2 archive puts the bus into the key's policy, and bus and key wait for each other for ever.
        self.archive = events.CfnArchive(
            self,
            "Archive",
            source_arn=self.bus.event_bus_arn,
            kms_key_identifier=key_arn(encryption_key),
            retention_days=archive_days,
            event_pattern={"account": [place_of(self).account]},
        )
        if schemas:
            self._publish(schemas)

    def rule(
        self,
        scope: Construct,
        id: str,
        *,
        detail_types: Sequence[str],
        target: Target,
        detail: Mapping[str, Sequence[str]] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
        role: iam.IRole | None = None,
    ) -> events.Rule:
        """Send events of these types to a workflow, a function or a topic.

        The rule and its queue are made in `scope`, so that a workload adds nothing to the stack of the bus.

        Args:
            detail_types: For example `["Drift Detected"]`.
            detail: Further equality filters on the detail: `{"workload": ["flight-delays"]}`.
            dead_letter_queue: Where undeliverable events go; a queue is created beside the rule by default.
            role: Role of yours that starts a target workflow; one is created beside the rule by default.
        """
        pattern = events.EventPattern(detail_type=list(detail_types), detail=_lists(detail))
        return connect(
            scope,
            id,
            pattern=pattern,
            target=target,
            bus=self.bus,
            encryption_key=self.encryption_key,
            dead_letter_queue=dead_letter_queue,
            alarm_topic=self.alarm_topic,
            role=role,
        )

    def grant_put_events(self, role: iam.IRole) -> None:
        """Let a role put events on this bus, and encrypt them."""
        allow(role, "events:PutEvents", on=[self.bus.event_bus_arn])
        use_key(self.encryption_key, role)

    def _publish(self, schemas: Mapping[str, Json]) -> None:
        self.registry = eventschemas.CfnRegistry(
            self, "Schemas", description="Events of the platform, one per detail type"
        )
        registry = self.registry.attr_registry_name
        for name, schema in sorted(schemas.items()):
            eventschemas.CfnSchema(
                self,
                "Schema" + "".join(part for part in name.title() if part.isalnum()),
                registry_name=registry,
                schema_name=name,
                type="JSONSchemaDraft4",
                content=json.dumps(schema, sort_keys=True),
            )


def connect(
    scope: Construct,
    id: str,
    *,
    pattern: events.EventPattern,
    target: Target,
    encryption_key: kms.IKey,
    bus: events.IEventBus | None = None,
    dead_letter_queue: sqs.IQueue | None = None,
    alarm_topic: sns.ITopic | None = None,
    role: iam.IRole | None = None,
) -> events.Rule:
    """A rule with one target, its retries bounded and a dead letter queue behind it.

    Args:
        pattern: Which events.
        target: A workflow (started with the event as input), a function, or a topic whose policy lets EventBridge
            publish (as that of `AlertTopic` does).
        encryption_key: Key of the queue that is created when none is given.
        bus: The account's default bus by default, where the events of AWS services are.
        dead_letter_queue: Where undeliverable events go; a queue is created beside the rule by default.
        alarm_topic: Where the alarm of the created queue goes; the target workflow's topic by default.
        role: Role of yours that starts a target workflow, which `events.amazonaws.com` assumes; one is created beside
            the rule by default.

    Raises:
        ValueError: A role is given for a target that EventBridge reaches without one.
    """
    if role and not isinstance(target, Workflow):
        raise ValueError(f"role of rule {id} would be of no use: EventBridge needs one for a workflow alone")
    if alarm_topic is None and isinstance(target, Workflow):
        alarm_topic = target.alarm_topic
    queue = dead_letter_queue or DeadLetterQueue(
        scope, f"{id}DeadLetters", encryption_key=encryption_key, alarm_topic=alarm_topic
    )
    if isinstance(target, Workflow):
        account = {"StringEquals": {"aws:SourceAccount": place_of(scope).account}}
        principal = iam.ServicePrincipal("events.amazonaws.com", conditions=account)
        role = role or iam.Role(scope, f"{id}Role", assumed_by=principal)
        target.grant_start(role)
    rule = events.Rule(
        scope, id, event_bus=bus, event_pattern=pattern, targets=[_RuleTarget(_arn(target), queue, role)]
    )
    _allow_dead_letters(queue, rule.rule_arn)
    if isinstance(target, PlatformFunction):
        lambda_.CfnPermission(
            scope,
            f"{id}Permission",
            action="lambda:InvokeFunction",
            function_name=target.function_arn,
            principal="events.amazonaws.com",
            source_arn=rule.rule_arn,
        )
    return rule


def _allow_dead_letters(queue: sqs.IQueue, source_arn: str) -> None:
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[service("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": source_arn}},
        )
    )


@jsii.implements(events.IRuleTarget)
class _RuleTarget:
    """What the classes of `aws_events_targets` do, without ids that hold the path of the rule above its stack."""

    def __init__(self, arn: str, queue: sqs.IQueue, role: iam.IRole | None) -> None:
        self._arn, self._queue, self._role = arn, queue, role

    def bind(self, rule: IRuleRef, id: str | None = None) -> events.RuleTargetConfig:
        """Name the target, its queue and its retries."""
        return events.RuleTargetConfig(
            arn=self._arn,
            role=self._role,
            dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self._queue.queue_arn),
            retry_policy=events.CfnRule.RetryPolicyProperty(
                maximum_event_age_in_seconds=MAX_EVENT_AGE_SECONDS, maximum_retry_attempts=RETRY_ATTEMPTS
            ),
        )


def _arn(target: Target) -> str:
    if isinstance(target, Workflow):
        return target.state_machine.state_machine_arn
    return target.function_arn if isinstance(target, PlatformFunction) else target.topic_arn


def event_schemas() -> dict[str, Json]:
    """The JSON schemas of all platform events by name, from the file beside the runtime's models."""
    file = code_root() / "mlops_runtime" / "schemas.json"
    return {name: entry["schema"] for name, entry in json.loads(file.read_text()).items()}


def _lists(detail: Mapping[str, Sequence[str]] | None) -> dict[str, list[str]] | None:
    return {key: list(values) for key, values in detail.items()} if detail else None
