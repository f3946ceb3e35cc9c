"""Workflow: a Standard state machine from a definition made of plain data."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Names, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from mlops_constructs.governance.grants import allow, use_key, waive_wildcard
from mlops_constructs.governance.known import key_arn, minutes, place_of, stack_of
from mlops_constructs.governance.wildcards import LOG_DELIVERY
from mlops_constructs.names import VENDED_LOGS
from mlops_constructs.orchestration.alarms import threshold_alarm
from mlops_constructs.orchestration.states import State, definition

DATA_KEY_REUSE = Duration.minutes(5)
LONGEST_EXECUTION = Duration.days(1)
TIMED_OUT_RUNBOOK = "docs/runbooks/workflow-timed-out.md"


class Workflow(Construct):
    """A Standard workflow: encrypted with the given key, traced, every step logged, alarms on executions that die.

    Args:
        states: The states by name, from the functions of `states`.
        start_at: Name of the first state.
        encryption_key: Key of definition, execution data and logs. Its policy must allow CloudWatch Logs
            (`Keys` does; `allow_log_encryption` adds it to a key of your own).
        log_key: Key of the log group; the encryption key by default.
        alarm_topic: Where the alarm goes; an alarm without action by default.
        log_retention: 1 year by default.
        timeout: An execution that runs longer is stopped; 1 day by default.
        role: Role of yours that executions run in, which `states.amazonaws.com` assumes; one is created by default.

    Attributes:
        state_machine: The `sfn.StateMachine`.
        role: Its role; grant what the tasks need on this.
        log_group: Its log group, `/aws/vendedlogs/states/<stack>-<path>-<hash>`.
        alarm_failed: Fires on the first failed execution within 5 minutes.
        alarm_timed_out: Fires on the first execution stopped by the timeout: no state could announce that.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        states: Mapping[str, State],
        start_at: str,
        encryption_key: kms.IKey,
        log_key: kms.IKey | None = None,
        alarm_topic: sns.ITopic | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        timeout: Duration = LONGEST_EXECUTION,
        role: iam.IRole | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.encryption_key, self.alarm_topic = encryption_key, alarm_topic
        seconds = int(timeout.to_seconds())
        body = stack_of(self).to_json_string(definition(start_at, states, comment=id, timeout_seconds=seconds))
        unique = Names.unique_resource_name(self, allowed_special_characters="-", separator="-", max_length=200)
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"{VENDED_LOGS}{unique}",
            encryption_key=log_key or encryption_key,
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        account = {"StringEquals": {"aws:SourceAccount": place_of(self).account}}
        assumed_by = iam.ServicePrincipal("states.amazonaws.com", conditions=account)
        self.role: iam.IRole = role or iam.Role(self, "Role", assumed_by=assumed_by)
        waive_wildcard(self.role, LOG_DELIVERY)  # StateMachine adds the statements for logging and tracing
        # StateMachine would let log delivery decrypt everything (`kms:Decrypt*`, no condition) in the policy of a key
        # of this app; of a key that it knows by its ARN alone it leaves the policy to `allow_log_encryption`.
        key = kms.Key.from_key_arn(self, "EncryptionKey", key_arn(encryption_key))
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_string(body),
            query_language=sfn.QueryLanguage.JSONATA,
            state_machine_type=sfn.StateMachineType.STANDARD,
            role=self.role,
            tracing_enabled=True,
            encryption_configuration=sfn.CustomerManagedEncryptionConfiguration(key, DATA_KEY_REUSE),
            logs=sfn.LogOptions(destination=self.log_group, level=sfn.LogLevel.ALL, include_execution_data=True),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._allow_own_encryption()
        runbook = f"docs/runbooks/{id.lower()}-failed.md"
        self.alarm_failed = threshold_alarm(
            self,
            "FailedAlarm",
            metric=self.state_machine.metric_failed(period=minutes(5), statistic="Sum"),
            threshold=1,
            description=f"Workflow {id}: an execution failed; find the step, mend the cause, start again: {runbook}",
            topic=alarm_topic,
        )
        self.alarm_timed_out = threshold_alarm(
            self,
            "TimedOutAlarm",
            metric=self.state_machine.metric_timed_out(period=minutes(5), statistic="Sum"),
            threshold=1,
            description=f"Workflow {id}: an execution was stopped after {seconds // 3600} hours: {TIMED_OUT_RUNBOOK}",
            topic=alarm_topic,
        )

    def _allow_own_encryption(self) -> None:
        """Let the role encrypt its executions: the statement StateMachine adds names no machine unless it has a name.

        The role cannot name the machine either, which is created after it; CloudFormation names it by its logical id.
        """
        stack, child = stack_of(self), self.state_machine.node.default_child
        assert isinstance(child, sfn.CfnStateMachine)
        pattern = place_of(self).arn("states", f"stateMachine:{stack.get_logical_id(child)}*")
        context = {"kms:EncryptionContext:aws:states:stateMachineArn": pattern}
        use_key(self.encryption_key, self.role, conditions={"StringLike": context})

    def grant_start(self, grantee: iam.IRole) -> None:
        """Let a role start executions of this workflow and encrypt their input, and nothing else."""
        arn = self.state_machine.state_machine_arn
        allow(grantee, "states:StartExecution", on=[arn])
        use_key(
            self.encryption_key,
            grantee,
            conditions={"StringEquals": {"kms:EncryptionContext:aws:states:stateMachineArn": arn}},
        )

    def allow_list_executions(self) -> None:
        """Let the workflow list its own executions, to take turns.

        A policy beside the role's own: that one is there before the machine, whose ARN this one names.
        """
        arn = self.state_machine.state_machine_arn
        statement = iam.PolicyStatement(actions=["states:ListExecutions"], resources=[arn])
        self.role.attach_inline_policy(iam.Policy(self, "OwnExecutions", statements=[statement]))

    def allow_invoke(self, *functions: lambda_.IFunction) -> None:
        """Let the workflow call these functions (latest version only, as the states name them)."""
        allow(self.role, "lambda:InvokeFunction", on=[function.function_arn for function in functions])
