"""How the data of one workload come in."""

from constructs import Construct

from mlops_constructs.datalake.dataset import Column, Dataset
from mlops_constructs.datalake.ingestion import Ingestion
from stacks.base import PlatformStack
from stacks.config import Environment, Workload
from stacks.contract import publish
from stacks.data_lake import DataLakeStack
from stacks.foundation import FoundationStack


class WorkloadDataStack(PlatformStack):
    """Tables, quality rules, ledger and the `ingest` workflow of a workload.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed.
        workload: its sources.
        foundation: keys, network, bus, alerts.
        lake: the zones.

    Attributes:
        datasets: the sources as the constructs understand them.
        ingestion: the `Ingestion`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        workload: Workload,
        foundation: FoundationStack,
        lake: DataLakeStack,
    ) -> None:
        super().__init__(scope, id, environment=environment, stateful=True)
        self.datasets = datasets(workload)
        self.ingestion = Ingestion(
            self,
            "Ingestion",
            workload=workload.name,
            environment_name=environment.name,
            datasets=self.datasets,
            lake=lake.lake,
            bus=foundation.bus,
            encryption_key=foundation.keys.data,
            log_key=foundation.keys.logs,
            network=foundation.network,
            alarm_topic=foundation.alerts,
            retain=environment.retains_data,
        )
        machine = self.ingestion.workflow.state_machine
        publish(self, environment, workload.name, {"ingest-state-machine": machine.state_machine_arn})


def datasets(workload: Workload) -> tuple[Dataset, ...]:
    """Return the sources of a workload in the terms of `mlops_constructs`."""
    label = workload.label
    return tuple(
        Dataset(
            name=name,
            columns=tuple(Column(name=c.name, type=c.type, required=c.required) for c in source.columns),
            key=source.key,
            event_time=source.event_time,
            quality_rules=source.quality_rules,
            label=label.column if name == label.source else None,
        )
        for name, source in workload.sources.items()
    )
