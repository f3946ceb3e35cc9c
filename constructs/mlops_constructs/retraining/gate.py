"""RetrainingGate: at most one training per workload, whatever storm of triggers arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from mlops_constructs.governance.grants import allow, allow_names, use_key
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.wildcards import OWN_NAMES
from mlops_constructs.orchestration.bus import DeadLetterQueue, PlatformBus
from mlops_constructs.orchestration.function import PlatformFunction
from mlops_constructs.orchestration.parameters import LiveParameter, ParameterMaker
from mlops_constructs.orchestration.workflow import Workflow
from mlops_constructs.retraining.roles import GateRoles

Trigger = Literal["drift", "request"]
TRIGGERS: dict[Trigger, str] = {"drift": "Drift Detected", "request": "Retraining Requested"}
# What ends a training, however it went: each gives the running slot back.
RELEASES = ("Model Registered", "Model Rejected", "Training Failed")


@dataclass(frozen=True, kw_only=True)
class RetrainingLimits:
    """How often a workload may train.

    Args:
        cool_down_seconds: Time after a training's start in which no other starts.
        daily_cap: Trainings per UTC day, at least 1.
        min_new_rows: Labelled rows published since the last training that make another worth it.
        lease_seconds: Time after which a training whose start never succeeded gives the slot back; 8 hours by default.
        max_rejected_fraction: Share of quarantined rows above which training is refused; 0.2 by default.

    Raises:
        ValueError: A limit would never let anything through, or never hold anything back.
    """

    cool_down_seconds: int
    daily_cap: int
    min_new_rows: int
    lease_seconds: int = 8 * 3600
    max_rejected_fraction: float = 0.2

    def __post_init__(self) -> None:
        for field, least in (("cool_down_seconds", 0), ("daily_cap", 1), ("min_new_rows", 0), ("lease_seconds", 60)):
            if getattr(self, field) < least:
                raise ValueError(f"{field} must be at least {least}, got {getattr(self, field)}")
        if not 0 <= self.max_rejected_fraction <= 1:
            raise ValueError(f"max_rejected_fraction must be 0 to 1, got {self.max_rejected_fraction}")


def kill_switch_parameter_name(workload: str, environment_name: str) -> str:
    """SSM parameter that stops all retraining of a workload while its value is `on`."""
    return f"/mlops/{environment_name}/{workload}/kill-switch"


class RetrainingGate(Construct):
    """One function that answers every trigger with Retraining Started or Retraining Suppressed. Phase: Scalable.

    Args:
        workload: Name of the workload.
        environment_name: Name of the environment.
        train: The workflow it may start.
        bus: Where triggers arrive and answers go.
        limits: Cool-down, cap and least new rows.
        triggers: Which events may start a training; all by default.
        encryption_key: Key of queue, table and the function's environment. Must allow EventBridge (`Keys.data` does).
        log_key: Key of the log group; the encryption key by default.
        table: State by `workload` (partition key), shared with the ingestion that counts new rows; created by default.
        table_key: Key of a given table; none when it uses a key of AWS.
        network: Where the function runs; outside any VPC by default.
        alarm_topic: Where the alarm on unanswered triggers goes; an alarm without action by default.
        retain: Keep a table made here when the stack is deleted, and protect it. True by default.
        roles: Roles of yours in place of those made here; all are made by default.

    Attributes:
        function: The gate, a `PlatformFunction`.
        table: The `dynamodb.ITable`.
        kill_switch: The `LiveParameter`, `off` at first.
        dead_letter_queue: Triggers the function could not answer.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workload: str,
        environment_name: str,
        train: Workflow,
        bus: PlatformBus,
        limits: RetrainingLimits,
        triggers: Sequence[Trigger] = ("drift", "request"),
        encryption_key: kms.IKey,
        log_key: kms.IKey | None = None,
        table: dynamodb.ITable | None = None,
        table_key: kms.IKey | None = None,
        network: Network | None = None,
        alarm_topic: sns.ITopic | None = None,
        retain: bool = True,
        roles: GateRoles = GateRoles(),  # noqa: B008  (frozen, so one default serves all)
    ) -> None:
        super().__init__(scope, id)
        if not triggers:
            raise ValueError(f"triggers must name at least one of {', '.join(TRIGGERS)}, got none: leave the gate out")
        self.table = table or self._own_table(encryption_key, retain)
        self.kill_switch = LiveParameter(
            self,
            "KillSwitch",
            maker=ParameterMaker(
                self, "Parameters", encryption_key=encryption_key, log_key=log_key, role=roles.live_parameter
            ),
            name=kill_switch_parameter_name(workload, environment_name),
            first_value="off",
            description="on: no retraining starts, whatever triggers it",
        )
        self.dead_letter_queue = DeadLetterQueue(
            self,
            "DeadLetters",
            encryption_key=encryption_key,
            holds="triggers the retraining gate could not answer",
            alarm_topic=alarm_topic,
            of_function=True,
        )
        self.function = PlatformFunction(
            self,
            "Gate",
            folder="retraining_gate",
            environment={
                "ENVIRONMENT": environment_name,
                "WORKLOAD": workload,
                "EVENT_BUS_NAME": bus.bus.event_bus_name,
                "GATE_TABLE": self.table.table_name,
                "TRAIN_STATE_MACHINE_ARN": train.state_machine.state_machine_arn,
                "KILL_SWITCH_PARAMETER": self.kill_switch.name,
                "COOL_DOWN_SECONDS": str(limits.cool_down_seconds),
                "DAILY_CAP": str(limits.daily_cap),
                "MIN_NEW_ROWS": str(limits.min_new_rows),
                "LEASE_SECONDS": str(limits.lease_seconds),
                "MAX_REJECTED_FRACTION": str(limits.max_rejected_fraction),
            },
            encryption_key=encryption_key,
            log_key=log_key,
            network=network,
            timeout=Duration.minutes(1),
            dead_letter_queue=self.dead_letter_queue,
            role=roles.gate,
        )
        self._grant(train, bus, encryption_key, table_key if table else encryption_key)
        self.function.function.node.add_dependency(self.kill_switch)
        bus.rule(
            self,
            "Triggers",
            detail_types=[*(TRIGGERS[trigger] for trigger in triggers), *RELEASES],
            detail={"workload": [workload], "environment": [environment_name]},
            target=self.function,
        )

    def _own_table(self, encryption_key: kms.IKey, retain: bool) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="workload", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=encryption_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=retain,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        )

    def _grant(self, train: Workflow, bus: PlatformBus, encryption_key: kms.IKey, table_key: kms.IKey | None) -> None:
        role = self.function.role
        train.grant_start(role)
        allow_names(role, OWN_NAMES, "states:DescribeExecution", on=[self._executions(train)])
        bus.grant_put_events(role)
        self.kill_switch.grant_read(role)
        allow(role, "dynamodb:GetItem", "dynamodb:UpdateItem", on=[self.table.table_arn])
        use_key(table_key, role, "kms:Decrypt", "kms:GenerateDataKey")
        use_key(encryption_key, role, "kms:Decrypt", "kms:GenerateDataKey")

    def _executions(self, train: Workflow) -> str:
        here, there = Stack.of(self), Stack.of(train)
        name = train.state_machine.state_machine_name
        if here.node.path != there.node.path:
            # The export that the reference becomes anyway, asked for now, so that the waiver can spell the ARN out.
            name = there.export_value(name)
        return here.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
