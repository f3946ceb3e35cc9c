"""The zones and the catalog that all workloads of an environment share."""

from constructs import Construct

from mlops_constructs.datalake.lake import ZONES, Lake
from stacks.base import PlatformStack
from stacks.config import Environment
from stacks.contract import publish
from stacks.foundation import FoundationStack


class DataLakeStack(PlatformStack):
    """Six zones, a Glue database and an Athena workgroup.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed.
        foundation: keys and access log bucket come from it.

    Attributes:
        lake: the `Lake`.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, foundation: FoundationStack) -> None:
        super().__init__(scope, id, environment=environment, stateful=True)
        self.lake = Lake(
            self,
            "Lake",
            database_name=f"mlops_{environment.name}".replace("-", "_"),
            encryption_key=foundation.keys.data,
            models_key=foundation.keys.models,
            log_key=foundation.keys.logs,
            access_log_bucket=foundation.access_logs,
            retain=environment.retains_data,
            noncurrent_days=environment.data_retention.noncurrent_days,
            capture_days=environment.data_retention.capture_days,
        )
        buckets = {f"{zone}-bucket": getattr(self.lake, zone).bucket_name for zone in ZONES}
        names = {"database": self.lake.database_name, "athena-workgroup": self.lake.workgroup.name}
        publish(self, environment, "data-lake", {**buckets, **names})
