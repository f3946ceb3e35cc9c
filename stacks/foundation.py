"""What every other stack of an environment stands on."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from mlops_constructs.datalake.zone import AccessLogBucket, BucketEmptier
from mlops_constructs.governance.alerts import AlertTopic
from mlops_constructs.governance.boundary import Boundary
from mlops_constructs.governance.keys import Keys
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.private_network import PrivateNetwork
from mlops_constructs.governance.watch import watch_keys
from mlops_constructs.orchestration.bus import PlatformBus, event_schemas
from stacks.base import PlatformStack
from stacks.config import CreateNetwork, Environment, ExistingNetwork
from stacks.contract import publish

FAILURES = ("Training Failed", "Deployment Failed", "Deployment Rolled Back", "Monitoring Failed")
"""Events that a person hears of, whatever the workload."""


class FoundationStack(PlatformStack):
    """Permissions boundary, keys, network, access logs, event bus, alerts.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed.

    Attributes:
        keys: one key per class of data.
        network: where functions and jobs run.
        access_logs: bucket of S3 access logs.
        bus: the environment's event bus.
        alerts: topic of everything that needs a person.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        own_boundary = environment.permissions_boundary is None
        super().__init__(scope, id, environment=environment, stateful=True, makes_boundary=own_boundary)
        if own_boundary:
            name = f"mlops-{environment.name}-boundary"
            self.boundary = Boundary(self, "Boundary", name=name, path=environment.role_path)
            iam.PermissionsBoundary.of(self).apply(self.boundary.policy)
        self.keys = Keys(
            self,
            "Keys",
            users=key_users(environment),
            deployers=key_deployers(environment),
            multi_region=environment.multi_region_keys,
            retain=environment.retains_data,
        )
        self.network = self._network(environment.network.create, environment.network.existing)
        self.access_logs = AccessLogBucket(self, "AccessLogs", retain=environment.retains_data)
        if not environment.retains_data:
            BucketEmptier(
                self,
                "Emptier",
                buckets=[self.access_logs],
                encryption_key=self.keys.secrets,
                log_key=self.keys.logs,
            )
        email = environment.alerts.email if environment.alerts else None
        self.alerts = AlertTopic(self, "Alerts", encryption_key=self.keys.data, email=email)
        self._watch_keys(email)
        self.bus = PlatformBus(
            self,
            "Events",
            name=f"mlops-{environment.name}",
            encryption_key=self.keys.data,
            schemas=event_schemas(),
            archive_days=environment.archive_days,
            alarm_topic=self.alerts,
        )
        self.bus.rule(self, "Failures", detail_types=FAILURES, target=self.alerts)
        # Where models are approved automatically no version waits, and the rule never matches.
        self.bus.rule(
            self,
            "AwaitingApproval",
            detail_types=["Model Registered"],
            detail={"approval_status": ["PendingManualApproval"]},
            target=self.alerts,
        )
        publish(
            self,
            environment,
            "foundation",
            {
                "event-bus": self.bus.bus.event_bus_name,
                "alert-topic": self.alerts.topic_arn,
                "data-key": self.keys.data.key_arn,
                "models-key": self.keys.models.key_arn,
                "evidence-key": self.keys.evidence.key_arn,
            },
        )

    def _watch_keys(self, email: str | None) -> None:
        """Alert when a key is in danger, through a topic that another key encrypts."""
        data, others = self.keys.data, [key for key in self.keys.all if key is not self.keys.data]
        watch_keys(self, "KeyInDanger", keys=others, topic=self.alerts, encryption_key=data)
        last_resort = AlertTopic(self, "LastResort", encryption_key=self.keys.evidence, email=email)
        watch_keys(self, "DataKeyInDanger", keys=[data], topic=last_resort, encryption_key=self.keys.evidence)

    def _network(self, create: CreateNetwork | None, existing: ExistingNetwork | None) -> Network:
        if create:
            return PrivateNetwork(
                self,
                "Network",
                cidr=create.cidr,
                availability_zones=create.availability_zones,
                log_key=self.keys.logs,
            ).network
        if existing is None:
            raise ValueError("the environment names no network: give network.create or network.existing")
        return Network.from_ids(
            self,
            "Network",
            vpc_id=existing.vpc_id,
            availability_zones=existing.availability_zones,
            subnet_ids=existing.private_subnet_ids,
            job_security_group_id=existing.job_security_group_id,
        )


def key_users(environment: Environment) -> list[str]:
    """ARN patterns of who may use the keys: the environment's own roles, people's included, and Macie, which reads."""
    roles = f"arn:{cdk.Aws.PARTITION}:iam::{environment.account}:role"
    return [
        f"{roles}{environment.role_path}*",
        f"{roles}/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_mlops-{environment.name}-*",
        f"{roles}/aws-service-role/macie.amazonaws.com/AWSServiceRoleForAmazonMacie",
    ]


def key_deployers(environment: Environment) -> list[str]:
    """ARN of the role in which CloudFormation creates what is encrypted."""
    role = f"cdk-{environment.bootstrap_qualifier}-cfn-exec-role-{environment.account}-{environment.region}"
    return [f"arn:{cdk.Aws.PARTITION}:iam::{environment.account}:role/{role}"]
