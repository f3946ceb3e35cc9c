"""WorkflowSchedule: starts a workflow by the clock, and keeps what could not be started."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from constructs import Construct

from mlops_constructs.governance.grants import allow, use_key
from mlops_constructs.orchestration.bus import DeadLetterQueue
from mlops_constructs.orchestration.workflow import Workflow

_RETRY_ATTEMPTS = 5
_MAX_AGE_SECONDS = 6 * 3600


class WorkflowSchedule(Construct):
    """An EventBridge schedule with one target, a role of its own and a dead letter queue.

    Args:
        expression: `cron(...)` or `rate(...)`, UTC.
        workflow: What is started, with an empty object as input.
        encryption_key: Key of the schedule and of the queue.
        alarm_topic: Where the alarm on failed starts goes; an alarm without action by default.
        role: Role of yours that starts the workflow, which `scheduler.amazonaws.com` assumes; one is created by
            default.

    Attributes:
        role: Its role.
        schedule: The `scheduler.CfnSchedule`.
        dead_letter_queue: Starts that failed for six hours.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        expression: str,
        workflow: Workflow,
        encryption_key: kms.IKey,
        alarm_topic: sns.ITopic | None = None,
        role: iam.IRole | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.dead_letter_queue = DeadLetterQueue(
            self,
            "DeadLetters",
            encryption_key=encryption_key,
            holds=f"scheduled starts of {workflow.node.id} that failed for six hours",
            alarm_topic=alarm_topic,
        )
        account = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        principal = iam.ServicePrincipal("scheduler.amazonaws.com", conditions=account)
        self.role: iam.IRole = role or iam.Role(self, "Role", assumed_by=principal)
        workflow.grant_start(self.role)
        allow(self.role, "sqs:SendMessage", on=[self.dead_letter_queue.queue_arn])
        use_key(encryption_key, self.role, "kms:Decrypt", "kms:GenerateDataKey")
        self.schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            schedule_expression=expression,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            kms_key_arn=encryption_key.key_arn,
            state="ENABLED",
            target=scheduler.CfnSchedule.TargetProperty(
                arn=workflow.state_machine.state_machine_arn,
                role_arn=self.role.role_arn,
                input="{}",
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.dead_letter_queue.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=_MAX_AGE_SECONDS, maximum_retry_attempts=_RETRY_ATTEMPTS
                ),
            ),
        )
        self.schedule.node.add_dependency(self.role)
