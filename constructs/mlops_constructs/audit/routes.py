"""FindingRoutes: severe findings wake a person, every finding is kept; AccountWatch: events a person must hear of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from mlops_constructs.audit.routes_data import ALL_SEVERITIES, Pattern, hub_pattern, service_patterns
from mlops_constructs.audit.watch_data import WATCHES, Watch
from mlops_constructs.orchestration.bus import MAX_EVENT_AGE_SECONDS, RETRY_ATTEMPTS, DeadLetterQueue


class FindingRoutes(Construct):
    """Sends new findings of these severities to a topic, and keeps findings of every severity in a log group.

    Args:
        name: The log group becomes `/aws/events/<name>`.
        parts: Which services send findings: security_hub, guardduty, macie, access_analyzer, inspector. With
            security_hub the others are heard through it.
        topic: Who is woken; its policy must let EventBridge publish (as that of `AlertTopic` does).
        dead_letter_queue: Where findings go that could not be delivered.
        log_key: Key of the log group; must allow CloudWatch Logs.
        severities: What wakes a person; CRITICAL and HIGH by default.

    Attributes:
        log_group: Every finding, for a year.
        rules: The `events.CfnRule` of each route.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        parts: Sequence[str],
        topic: sns.ITopic,
        dead_letter_queue: sqs.IQueue,
        log_key: kms.IKey,
        severities: Sequence[str] = ("CRITICAL", "HIGH"),
    ) -> None:
        super().__init__(scope, id)
        self.log_group = logs.LogGroup(
            self,
            "Kept",
            log_group_name=f"/aws/events/{name}",
            encryption_key=log_key,
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.rules: list[events.CfnRule] = []
        alerts, kept = _patterns(parts, severities), _patterns(parts, ALL_SEVERITIES)
        for label, patterns, target in (
            ("Alert", alerts, topic.topic_arn),
            ("Keep", kept, self.log_group.log_group_arn.removesuffix(":*")),
        ):
            self.rules += [
                default_bus_rule(
                    self, f"{label}{part}", pattern=pattern, target_arn=target, dead_letter_queue=dead_letter_queue
                )
                for part, pattern in patterns.items()
            ]
        self._allow_delivery([rule.attr_arn for rule in self.rules[len(alerts) :]])

    def _allow_delivery(self, rules: Sequence[str]) -> None:
        stack = Stack.of(self)
        group = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:{self.log_group.log_group_name}"
        services: list[iam.IPrincipal] = [
            iam.ServicePrincipal(f"{name}.amazonaws.com") for name in ("events", "delivery.logs")
        ]
        document = iam.PolicyDocument(
            statements=[
                iam.PolicyStatement(
                    sid="Streams",  # made in nobody's name: there is no `aws:SourceArn` to ask for
                    principals=services,
                    actions=["logs:CreateLogStream"],
                    resources=[f"{group}:*"],
                ),
                iam.PolicyStatement(
                    sid="FindingsOfThisAccount",
                    principals=services,
                    actions=["logs:PutLogEvents"],
                    resources=[f"{group}:*"],
                    conditions={"ArnEquals": {"aws:SourceArn": list(rules)}},
                ),
            ]
        )
        logs.CfnResourcePolicy(
            self,
            "Delivery",
            policy_name=f"{stack.stack_name}-findings",
            policy_document=stack.to_json_string(document.to_json()),
        )


class AccountWatch(Construct):
    """Tells a topic of events that a person must hear of: root user, key deletion, a trail that is stopped.

    Only what a trail of the account logs becomes an event. Events of IAM and of the root user are seen in us-east-1
    only; in another region their rules are not made, and `unseen` names them.

    Args:
        topic: Who hears of it; its policy must let EventBridge publish (as that of `AlertTopic` does).
        dead_letter_queue: Where events go that could not be delivered.
        watches: The events; all of `watch_data.WATCHES` by default.

    Attributes:
        rules: The `events.CfnRule` by id of the watch.
        unseen: Ids of watches that this region never sees.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        topic: sns.ITopic,
        dead_letter_queue: sqs.IQueue,
        watches: Sequence[Watch] = WATCHES,
    ) -> None:
        super().__init__(scope, id)
        here = Stack.of(self).region == "us-east-1"
        self.unseen = tuple(watch.id for watch in watches if watch.global_service and not here)
        self.rules: Mapping[str, events.CfnRule] = {
            watch.id: default_bus_rule(
                self,
                watch.id,
                pattern=watch.pattern,
                target_arn=topic.topic_arn,
                dead_letter_queue=dead_letter_queue,
                description=f"{watch.control}: {watch.what}",
            )
            for watch in watches
            if watch.id not in self.unseen
        }


def default_bus_rule(
    scope: Construct,
    id: str,
    *,
    pattern: Pattern,
    target_arn: str,
    dead_letter_queue: sqs.IQueue,
    description: str | None = None,
) -> events.CfnRule:
    """A rule on the account's default bus with one target that allows EventBridge by its own policy.

    Level 1, as patterns of findings hold matchers (numeric, anything-but) that are plain data here. The queue must let
    the rules of the account send to it: see `finding_dead_letters`.
    """
    return events.CfnRule(
        scope,
        id,
        description=description,
        event_pattern=dict(pattern),
        targets=[
            events.CfnRule.TargetProperty(
                id="Target",
                arn=target_arn,
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dead_letter_queue.queue_arn),
                retry_policy=events.CfnRule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=MAX_EVENT_AGE_SECONDS, maximum_retry_attempts=RETRY_ATTEMPTS
                ),
            )
        ],
    )


def finding_dead_letters(
    scope: Construct, id: str, *, encryption_key: kms.IKey, alarm_topic: sns.ITopic | None
) -> DeadLetterQueue:
    """A dead letter queue that every rule of the account and region may send to.

    Args:
        scope: Parent.
        id: Construct id.
        encryption_key: Key of the messages; must allow EventBridge.
        alarm_topic: Where the alarm on the first message goes; nowhere when there is none.
    """
    queue = DeadLetterQueue(
        scope, id, encryption_key=encryption_key, holds="security findings nobody was told of", alarm_topic=alarm_topic
    )
    stack = Stack.of(queue)
    rules = f"arn:{stack.partition}:events:{stack.region}:{stack.account}:rule/*"
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            sid="RulesOfThisAccount",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnLike": {"aws:SourceArn": rules}},
        )
    )
    return queue


def _patterns(parts: Sequence[str], severities: Sequence[str]) -> dict[str, Pattern]:
    if "security_hub" in parts:
        return {"SecurityHub": hub_pattern(severities)}
    return {
        "".join(word.title() for word in part.split("_")): pattern
        for part in parts
        for pattern in service_patterns(part, severities)
    }
