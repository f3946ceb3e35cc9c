"""Keys: one customer-managed key per class of data, so that access to one class never opens another."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import RemovalPolicy, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlops_constructs.governance.key_policy import account_statements, event_statements, log_statements
from mlops_constructs.governance.known import days


class Keys(Construct):
    """Five keys, rotated yearly: data, models, logs, secrets, evidence.

    Args:
        users: ARN patterns of the roles that may use the keys when their IAM policy allows it too; every role of the
            account by default. Administration is the account's either way, and never includes use.
        deployers: ARN patterns of the roles that create encrypted resources, as CloudFormation's; needed when `users`
            leaves them out. They use the keys through AWS services only.
        multi_region: Keys that can be replicated into other regions. False by default; it cannot be changed later.
        retain: Keep the keys when the stack is deleted. True by default: without its key, retained data is lost.

    Attributes:
        data: Data lake, tables, queues, events, workflow executions.
        models: Model artefacts, captured inference data, endpoint volumes.
        logs: Log groups.
        secrets: Secrets and function environments.
        evidence: Audit trails, configuration history and records of who operated what.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        users: Sequence[str] = (),
        deployers: Sequence[str] = (),
        multi_region: bool = False,
        retain: bool = True,
    ) -> None:
        super().__init__(scope, id)
        account = account_statements(self, users=users, deployers=deployers)
        logs, events = log_statements(self), event_statements(self)

        def key(name: str, description: str, *services: iam.PolicyStatement) -> kms.Key:
            made = kms.Key(
                self,
                name,
                description=description,
                enable_key_rotation=True,
                multi_region=multi_region,
                pending_window=days(30 if retain else 7),
                policy=iam.PolicyDocument(statements=[*account, *services]),
                removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
            )
            # People's policies name the keys they may use by it.
            Tags.of(made).add("mlops:data-class", name.lower())
            return made

        self.data = key("Data", "Data lake, tables, queues, events and workflow executions", *logs, *events)
        self.models = key("Models", "Model artefacts, captured inference data, endpoint volumes", *logs, *events)
        self.logs = key("Logs", "Log groups", *logs)
        self.secrets = key("Secrets", "Secrets and function environments")
        self.evidence = key("Evidence", "Audit trails, configuration history, records of operations", *events)

    @property
    def all(self) -> tuple[kms.Key, ...]:
        """The keys in a fixed order."""
        return (self.data, self.models, self.logs, self.secrets, self.evidence)
