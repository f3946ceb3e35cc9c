"""PlatformControl: one command that stops retraining, freezes promotion or takes an endpoint from traffic."""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from mlops_constructs.control.access import allow_endpoints, allow_switches
from mlops_constructs.datalake.zone import Zone
from mlops_constructs.governance.grants import allow, write_objects
from mlops_constructs.orchestration.alarms import threshold_alarm
from mlops_constructs.orchestration.bus import PlatformBus
from mlops_constructs.orchestration.function import PlatformFunction

PREFIX = "control/"


class PlatformControl(Construct):
    """The kill switch of every workload of an environment, and the records of its use. Phase: Reliable.

    A workload takes part by its parameters `/mlops/<environment>/<workload>/kill-switch`, `promotion-freeze` and
    `detached-endpoint`, which `RetrainingGate` and `RealTimeServing` make: a new workload changes nothing here.

    Args:
        environment_name: Name of the environment; the function is called `mlops-<environment>-control`.
        bus: Where `Control Changed` goes.
        encryption_key: Key of the function's environment and logs.
        evidence_key: Key of the records.
        models_key: Key of endpoint volumes, of which a restored endpoint needs a grant.
        access_log_bucket: Where S3 logs each request to the records.
        log_key: Key of the log group; the encryption key by default.
        alarm_topic: Where the alarm on a failed command goes; an alarm without action by default.
        retain: Keep the records when the stack is deleted, and lock each for `lock_days`. True by default.
        lock_days: Days in which nobody can delete a record without the permission to bypass governance; 365 by
            default.
        role: Role of yours that the function runs in, which `lambda.amazonaws.com` assumes; one is created by default.

    Attributes:
        function: The `PlatformFunction`; who may stop the platform may invoke it.
        records: The bucket of records, for each command one JSON object of its intent and one of its outcome.
        alarm: Fires on the first command that failed.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment_name: str,
        bus: PlatformBus,
        encryption_key: kms.IKey,
        evidence_key: kms.IKey,
        models_key: kms.IKey,
        access_log_bucket: s3.IBucket,
        log_key: kms.IKey | None = None,
        alarm_topic: sns.ITopic | None = None,
        retain: bool = True,
        lock_days: int = 365,
        role: iam.IRole | None = None,
    ) -> None:
        super().__init__(scope, id)
        if lock_days < 1:
            raise ValueError(f"lock_days must be at least 1, got {lock_days}: 0 would lock nothing")
        self.records = Zone(
            self, "Records", encryption_key=evidence_key, access_log_bucket=access_log_bucket, retain=retain
        )
        if retain:
            _lock(self.records, lock_days)
        # Outside the VPC: Application Auto Scaling has no endpoint inside, and it must work when the network does not.
        self.function = PlatformFunction(
            self,
            "Function",
            folder="platform_control",
            environment={
                "ENVIRONMENT": environment_name,
                "EVENT_BUS_NAME": bus.bus.event_bus_name,
                "RECORDS_BUCKET": self.records.bucket_name,
            },
            encryption_key=encryption_key,
            log_key=log_key,
            timeout=Duration.minutes(15),
            role=role,
        )
        # People call it by this name.
        self._resource.function_name = f"mlops-{environment_name}-control"
        allow_switches(self.function.role, environment_name)
        allow_endpoints(self.function.role, environment_name, models_key)
        write_objects(self.records, self.function.role, PREFIX)
        bus.grant_put_events(self.function.role)
        self.alarm = threshold_alarm(
            self,
            "FailedAlarm",
            metric=self.function.function.metric_errors(period=Duration.minutes(1), statistic="Sum"),
            threshold=1,
            description="A control command failed for a workload: docs/runbooks/kill-switch.md, section It failed",
            topic=alarm_topic,
        )

    @property
    def function_arn(self) -> str:
        """ARN of the function by its name, so that naming it in a policy of another stack needs no export."""
        return Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=str(self._resource.function_name),
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def grant_use(self, *roles: iam.IRole) -> None:
        """Let roles give commands."""
        for role in roles:
            allow(role, "lambda:InvokeFunction", on=[self.function.function_arn])

    @property
    def _resource(self) -> lambda_.CfnFunction:
        child = self.function.function.node.default_child
        if not isinstance(child, lambda_.CfnFunction):
            raise TypeError(f"{self.node.path} has no function resource below it, but {child!r}")
        return child


def _lock(bucket: Zone, days: int) -> None:
    bucket.resource.object_lock_enabled = True
    bucket.resource.object_lock_configuration = s3.CfnBucket.ObjectLockConfigurationProperty(
        object_lock_enabled="Enabled",
        rule=s3.CfnBucket.ObjectLockRuleProperty(
            default_retention=s3.CfnBucket.DefaultRetentionProperty(mode="GOVERNANCE", days=days)
        ),
    )
