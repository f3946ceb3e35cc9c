"""Keys: one customer-managed key per class of data, so that access to one class never opens another."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct


class Keys(Construct):
    """Five keys, rotated yearly: data, models, logs, secrets, evidence.

    Args:
        retain: Keep the keys when the stack is deleted. True by default: without its key, retained data is lost.

    Attributes:
        data: Data lake, tables, queues, events, workflow executions.
        models: Model artefacts, captured inference data, endpoint volumes.
        logs: Log groups.
        secrets: Secrets and function environments.
        evidence: Audit trails, configuration history and records of who operated what.
    """

    def __init__(self, scope: Construct, id: str, *, retain: bool = True) -> None:
        super().__init__(scope, id)
        self.data = self._key("Data", "Data lake, tables, queues, events and workflow executions", retain)
        self.models = self._key("Models", "Model artefacts, captured inference data, endpoint volumes", retain)
        self.logs = self._key("Logs", "Log groups", retain)
        self.secrets = self._key("Secrets", "Secrets and function environments", retain)
        self.evidence = self._key("Evidence", "Audit trails, configuration history, records of operations", retain)
        for key in (self.data, self.models, self.logs):
            allow_log_encryption(key)
        for key in (self.data, self.models):
            allow_event_services(key)

    def _key(self, name: str, description: str, retain: bool) -> kms.Key:
        return kms.Key(
            self,
            name,
            description=description,
            enable_key_rotation=True,
            pending_window=Duration.days(30 if retain else 7),
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        )


def allow_log_encryption(key: kms.IKey) -> None:
    """Let CloudWatch Logs encrypt log groups of this account and region with the key, and deliver workflow logs.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html.
    """
    stack = Stack.of(key)
    groups = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:*"
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="LogGroupsOfThisAccount",
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=[
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:DescribeKey",
            ],
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )
    )
    # Exactly what StateMachine adds for encrypted workflows: with it here, a new workflow leaves the key alone.
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")], actions=["kms:Decrypt*"], resources=["*"]
        )
    )


def allow_event_services(key: kms.IKey) -> None:
    """Let EventBridge (buses, archives, dead letters), SNS and CloudWatch alarms of this account use the key."""
    stack = Stack.of(key)
    buses = f"arn:{stack.partition}:events:{stack.region}:{stack.account}:event-bus/*"
    events = iam.ServicePrincipal("events.amazonaws.com")
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="EventBusesOfThisAccount",
            principals=[events],
            actions=["kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:events:event-bus:arn": buses}},
        )
    )
    # Creating a bus or an archive looks at the key before there is a bus to name.
    key.add_to_resource_policy(
        iam.PolicyStatement(sid="EventBridgeLooks", principals=[events], actions=["kms:DescribeKey"], resources=["*"])
    )
    services = ("events.amazonaws.com", "sns.amazonaws.com", "cloudwatch.amazonaws.com")
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="EventServicesOfThisAccount",
            principals=[iam.ServicePrincipal(service) for service in services],
            actions=["kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:DescribeKey"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
        )
    )
