"""How one workload is watched, and when it is trained again."""

from constructs import Construct

from mlops_constructs.monitoring import ModelMonitor, MonitorData, MonitorPlan, WorkloadDashboard
from mlops_constructs.retraining import RetrainingGate, RetrainingLimits
from mlops_constructs.serving.metrics import EndpointMetrics
from mlops_constructs.training import JobCompute
from stacks.base import PlatformStack
from stacks.config import Environment, Monitoring, Retraining, Workload
from stacks.contract import publish
from stacks.data_lake import DataLakeStack
from stacks.foundation import FoundationStack
from stacks.training import TrainingStack, monitor_spec
from stacks.workload_data import WorkloadDataStack


class MonitoringStack(PlatformStack):
    """Monitor, dashboard and retraining gate of a workload; a section it has not makes nothing.

    Args:
        scope: the app, or the stage of the environment.
        id: frozen identifier.
        environment: where it is deployed.
        workload: its monitoring and retraining sections.
        foundation: keys, network, bus, alerts.
        lake: captures, labels, artefacts.
        data: gate table and event emitter.
        training: registry, monitor image and train workflow.

    Attributes:
        monitor: the `ModelMonitor`, None without a monitoring section.
        gate: the `RetrainingGate`, None without a retraining section.
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
        data: WorkloadDataStack,
        training: TrainingStack,
    ) -> None:
        super().__init__(scope, id, environment=environment)
        self.monitor: ModelMonitor | None = None
        self.gate: RetrainingGate | None = None
        contract: dict[str, str] = {}
        if workload.monitoring:
            self.monitor = self._monitor(workload, workload.monitoring, foundation, lake, data, training)
            self._dashboard(workload, workload.monitoring, self.monitor, training)
            contract["monitor-state-machine"] = self.monitor.workflow.state_machine.state_machine_arn
        if workload.retraining:
            self.gate = self._gate(workload, workload.retraining, foundation, data, training)
            contract["retraining-gate"] = self.gate.function.function_arn
        publish(self, environment, workload.name, contract)

    def _monitor(
        self,
        workload: Workload,
        monitoring: Monitoring,
        foundation: FoundationStack,
        lake: DataLakeStack,
        data: WorkloadDataStack,
        training: TrainingStack,
    ) -> ModelMonitor:
        return ModelMonitor(
            self,
            "Monitor",
            workload=workload.name,
            environment_name=self.environment_config.name,
            registry=training.registry,
            image=training.monitor_image,
            data=MonitorData(
                capture=lake.lake.capture,
                curated=lake.lake.curated,
                artefacts=lake.lake.artefacts,
                label_source=workload.label.source,
                sources_json=training.sources,
            ),
            plan=MonitorPlan(
                spec=monitor_spec(workload),
                compute=JobCompute(
                    instance_type=monitoring.instance_type,
                    max_runtime_seconds=monitoring.max_runtime_minutes * 60,
                ),
                schedule=monitoring.schedule,
                metric=workload.metric.name,
                minimum_quality=monitoring.minimum_quality,
                label_delay_days=workload.label.delay_days,
            ),
            emitter=data.ingestion.functions.emitter,
            network=foundation.network,
            encryption_key=foundation.keys.data,
            models_key=foundation.keys.models,
            log_key=foundation.keys.logs,
            alarm_topic=foundation.alerts,
        )

    def _dashboard(
        self, workload: Workload, monitoring: Monitoring, monitor: ModelMonitor, training: TrainingStack
    ) -> WorkloadDashboard:
        name = f"{workload.name}-{self.environment_config.name}"
        return WorkloadDashboard(
            self,
            "Dashboard",
            name=name,
            endpoint=EndpointMetrics(endpoint_name=name),
            monitor=monitor.metrics,
            metric=workload.metric.name,
            minimum_quality=monitoring.minimum_quality,
            drift_threshold=monitoring.drift_threshold,
            workflows={"train": training.pipeline.workflow, "monitor": monitor.workflow},
        )

    def _gate(
        self,
        workload: Workload,
        retraining: Retraining,
        foundation: FoundationStack,
        data: WorkloadDataStack,
        training: TrainingStack,
    ) -> RetrainingGate:
        return RetrainingGate(
            self,
            "Retraining",
            workload=workload.name,
            environment_name=self.environment_config.name,
            train=training.pipeline.workflow,
            bus=foundation.bus,
            limits=RetrainingLimits(
                cool_down_seconds=retraining.cool_down_minutes * 60,
                daily_cap=retraining.daily_cap,
                min_new_rows=retraining.min_new_rows,
                lease_seconds=retraining.lease_minutes * 60,
            ),
            triggers=retraining.triggers,
            encryption_key=foundation.keys.data,
            log_key=foundation.keys.logs,
            table=data.ingestion.gate_table,
            table_key=foundation.keys.data,
            network=foundation.network,
            alarm_topic=foundation.alerts,
        )
