"""ModelMonitor: data drift and model quality of captured traffic, on a schedule and on request."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from mlops_constructs.governance.grants import allow, allow_wildcard, list_objects, read_objects, write_objects
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.wildcards import METRICS
from mlops_constructs.monitoring.definition import START_AT, MonitorContext, MonitorFunctions, definition
from mlops_constructs.monitoring.metrics import MonitorMetrics
from mlops_constructs.monitoring.plan import MonitorData, MonitorPlan
from mlops_constructs.monitoring.roles import MonitorRoles
from mlops_constructs.monitoring.schedule import WorkflowSchedule
from mlops_constructs.names import own_name
from mlops_constructs.orchestration.alarms import threshold_alarm
from mlops_constructs.orchestration.function import PlatformFunction
from mlops_constructs.orchestration.parameters import parameter_arn
from mlops_constructs.orchestration.workflow import Workflow
from mlops_constructs.serving.rollout import VARIANT
from mlops_constructs.training.access import allow_processing, sagemaker_role
from mlops_constructs.training.image import ContainerImage
from mlops_constructs.training.jobs import JobBoundary, cost_tags
from mlops_constructs.training.registry import ModelRegistry, champion_parameter_name


class ModelMonitor(Construct):
    """The monitor workflow of one endpoint, its schedule, metrics and alarms. Phase: Reliable.

    The workflow ends in exactly one of Monitoring Completed, Drift Detected, No Traffic, Monitoring Failed. "Run now"
    is to start it by hand, with `window_start` and `window_end` (ISO 8601) for another window than the last days.

    Args:
        workload: Name of the workload.
        environment_name: Name of the environment; the endpoint is `<workload>-<environment>`, at most 42 characters.
        registry: Where the champion's baseline is found.
        image: Image of `monitor.py`.
        data: Buckets of captures, labels and reports.
        plan: What is looked for, and when.
        emitter: Function that puts events on the platform's bus.
        network: Where jobs and functions run.
        encryption_key: Key of workflow, schedule, queue and functions' environment.
        models_key: Key of job volumes and reports; the encryption key by default.
        log_key: Key of log groups; the encryption key by default.
        alarm_topic: Where alarms go; alarms without action by default.
        roles: Roles of yours in place of those made here; all are made by default.

    Attributes:
        workflow: The monitor `Workflow`.
        schedule: Its `WorkflowSchedule`.
        job_role: Role of the monitoring job.
        metrics: `MonitorMetrics`, for dashboards.
        alarms: Alarms on violations and on quality.

    Raises:
        ValueError: `<workload>-<environment>` is too long for what SageMaker's names must hold besides.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workload: str,
        environment_name: str,
        registry: ModelRegistry,
        image: ContainerImage,
        data: MonitorData,
        plan: MonitorPlan,
        emitter: PlatformFunction,
        network: Network,
        encryption_key: kms.IKey,
        models_key: kms.IKey | None = None,
        log_key: kms.IKey | None = None,
        alarm_topic: sns.ITopic | None = None,
        roles: MonitorRoles = MonitorRoles(),  # noqa: B008  (frozen, so one default serves all)
    ) -> None:
        super().__init__(scope, id)
        self._workload, self._endpoint = workload, own_name(workload, environment_name)
        self.metrics = MonitorMetrics(workload=workload, environment_name=environment_name)
        volume_key = models_key or encryption_key
        self.job_role = self._job_role(data, image, network, volume_key, roles.job)

        def function(
            name: str, folder: str, environment: dict[str, str], minutes: int, role: iam.IRole | None
        ) -> PlatformFunction:
            return PlatformFunction(
                self,
                name,
                folder=folder,
                environment={"WORKLOAD": workload, "ENDPOINT": self._endpoint, **environment},
                encryption_key=encryption_key,
                log_key=log_key,
                network=network,
                timeout=Duration.minutes(minutes),
                role=role,
            )

        self.select_window = function(
            "SelectWindow", "select_window", _window_environment(data, plan), 10, roles.select_window
        )
        self.monitor_report = function(
            "MonitorReport", "monitor_report", {"ENVIRONMENT": environment_name}, 2, roles.monitor_report
        )
        context = MonitorContext(
            workload=workload,
            environment_name=environment_name,
            champion_parameter=champion_parameter_name(workload, environment_name),
            image=image,
            job_environment=plan.spec.environment,
            job_role_arn=self.job_role.role_arn,
            compute=plan.compute,
            boundary=JobBoundary.in_network(network, volume_key, cost_tags(workload, environment_name)),
            functions=MonitorFunctions(
                select_window=self.select_window.callee,
                monitor_report=self.monitor_report.callee,
                event_emitter=emitter.callee,
            ),
        )
        self.workflow = Workflow(
            self,
            "Monitor",
            states=definition(context),
            start_at=START_AT,
            encryption_key=encryption_key,
            log_key=log_key,
            alarm_topic=alarm_topic,
            role=roles.workflow,
        )
        self._grant(context, data, registry, emitter, volume_key)
        self.schedule = WorkflowSchedule(
            self,
            "Schedule",
            expression=plan.schedule,
            workflow=self.workflow,
            encryption_key=encryption_key,
            alarm_topic=alarm_topic,
            role=roles.schedule,
        )
        self.alarms = self._alarms(plan, alarm_topic)

    def _job_role(
        self,
        data: MonitorData,
        image: ContainerImage,
        network: Network,
        volume_key: kms.IKey,
        given: iam.IRole | None,
    ) -> iam.IRole:
        role = sagemaker_role(
            self,
            "JobRole",
            images=[image],
            network=network,
            volume_key=volume_key,
            log_groups=["/aws/sagemaker/ProcessingJobs"],
            given=given,
        )
        read_objects(data.capture, role, f"{self._workload}/{self._endpoint}/")
        read_objects(data.curated, role, f"{self._workload}/{data.label_source}/")
        read_objects(data.artefacts, role, f"{self._workload}/runs/", f"{self._workload}/monitoring/")
        write_objects(data.artefacts, role, f"{self._workload}/monitoring/")
        return role

    def _grant(
        self,
        context: MonitorContext,
        data: MonitorData,
        registry: ModelRegistry,
        emitter: PlatformFunction,
        volume_key: kms.IKey,
    ) -> None:
        role, reports = self.workflow.role, f"{self._workload}/monitoring/"
        self.workflow.allow_invoke(self.select_window.function, self.monitor_report.function, emitter.function)
        prefix = f"{context.workload}-{context.environment_name}"
        allow_processing(role, name_prefix=prefix, job_roles=[self.job_role], volume_key=volume_key)
        registry.grant_read(role)
        allow(role, "ssm:GetParameter", on=[parameter_arn(self, context.champion_parameter)])
        window = self.select_window.role
        list_objects(data.capture, window, f"{self._workload}/{self._endpoint}/")
        list_objects(data.curated, window, f"{self._workload}/{data.label_source}/")
        write_objects(data.artefacts, window, reports)
        read_objects(data.artefacts, self.monitor_report.role, reports)
        namespace = {"StringEquals": {"cloudwatch:namespace": self.metrics.namespace}}
        allow_wildcard(self.monitor_report.role, METRICS, conditions=namespace)

    def _alarms(self, plan: MonitorPlan, topic: sns.ITopic | None) -> list[cloudwatch.Alarm]:
        return [
            threshold_alarm(
                self,
                "Violations",
                metric=self.metrics.metric_violations(),
                threshold=1,
                description=f"{self._endpoint}: traffic breaks a constraint of the champion's baseline; see the report",
                topic=topic,
            ),
            threshold_alarm(
                self,
                "Quality",
                metric=self.metrics.metric_quality(plan.metric),
                threshold=plan.minimum_quality,
                below=True,
                description=f"{self._endpoint}: {plan.metric} on labelled traffic is below {plan.minimum_quality}",
                topic=topic,
            ),
        ]


def _window_environment(data: MonitorData, plan: MonitorPlan) -> dict[str, str]:
    return {
        "VARIANT": VARIANT,
        "CAPTURE_BUCKET": data.capture.bucket_name,
        "CURATED_BUCKET": data.curated.bucket_name,
        "ARTEFACTS_BUCKET": data.artefacts.bucket_name,
        "SOURCES": data.sources_json,
        "WINDOW_DAYS": str(plan.spec.window_days),
        "LABEL_DELAY_DAYS": str(plan.label_delay_days),
    }
