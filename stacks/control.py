"""The kill switch of an environment and the records of its use."""

from constructs import Construct

from mlops_constructs.control import PlatformControl
from mlops_constructs.datalake.zone import BucketEmptier
from stacks.base import PlatformStack
from stacks.config import Environment
from stacks.contract import publish
from stacks.foundation import FoundationStack


class ControlStack(PlatformStack):
    """One function that stops retraining, freezes promotion or detaches an endpoint, for one workload or all.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed.
        foundation: keys, bus, access log bucket, alerts.

    Attributes:
        control: the `PlatformControl`.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, foundation: FoundationStack) -> None:
        super().__init__(scope, id, environment=environment, stateful=True)
        keys = foundation.keys
        self.control = PlatformControl(
            self,
            "Control",
            environment_name=environment.name,
            bus=foundation.bus,
            encryption_key=keys.secrets,
            evidence_key=keys.evidence,
            models_key=keys.models,
            access_log_bucket=foundation.access_logs,
            log_key=keys.logs,
            alarm_topic=foundation.alerts,
            retain=environment.retains_data,
        )
        if not environment.retains_data:
            BucketEmptier(
                self, "Emptier", buckets=[self.control.records], encryption_key=keys.secrets, log_key=keys.logs
            )
        publish(
            self,
            environment,
            "control",
            {
                "function": self.control.function.function.function_name,
                "records-bucket": self.control.records.bucket_name,
            },
        )
