"""RealTimeServing: an endpoint that only a verified deployment can change."""

from __future__ import annotations

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from mlops_constructs.governance.network import Network
from mlops_constructs.governance.waivers import waive
from mlops_constructs.names import own_name
from mlops_constructs.orchestration.alarms import threshold_alarm
from mlops_constructs.orchestration.bus import connect
from mlops_constructs.orchestration.function import PlatformFunction
from mlops_constructs.orchestration.parameters import LiveParameter, ParameterMaker
from mlops_constructs.orchestration.workflow import Workflow
from mlops_constructs.serving.access import (
    allow_deploy,
    allow_live_check,
    allow_scaling,
    allow_smoke_test,
    allow_teardown,
    model_role,
)
from mlops_constructs.serving.context import DeployContext, ServingFunctions
from mlops_constructs.serving.definition import START_AT, definition
from mlops_constructs.serving.endings import RESTORE_WAIVERS
from mlops_constructs.serving.freeze import ALLOWED, ATTACHED, detached_parameter_name, freeze_parameter_name
from mlops_constructs.serving.metrics import EndpointMetrics
from mlops_constructs.serving.plan import ServingData, ServingPlan
from mlops_constructs.serving.roles import ServingRoles
from mlops_constructs.training.image import ContainerImage
from mlops_constructs.training.jobs import JobBoundary, cost_tags
from mlops_constructs.training.registry import NO_CHAMPION, ModelRegistry, champion_parameter_name


class RealTimeServing(Construct):
    """The deploy workflow of one endpoint, its alarms, its champion parameter and its teardown. Phase: Reliable.

    Nothing serves until a version is approved: the approval's event starts the workflow, which makes or updates the
    endpoint `<workload>-<environment>`, verifies it and ends in exactly one of Deployment Succeeded, Deployment Rolled
    Back, Deployment Failed.

    Args:
        workload: Name of the workload.
        environment_name: Name of the environment; `<workload>-<environment>` has at most 42 characters.
        registry: Whose approved versions are deployed.
        image: Image the versions run; the model's role may pull from its repository.
        data: Buckets of models and captures.
        plan: Fleet, rollout, autoscaling and smoke test.
        emitter: Function that puts events on the platform's bus.
        network: Where models and functions run.
        encryption_key: Key of workflow, queue and functions' environment. Must allow EventBridge (`Keys.data` does).
        models_key: Key of endpoint volumes; the encryption key by default.
        log_key: Key of log groups; the encryption key by default.
        alarm_topic: Where alarms go; alarms without action by default.
        retain_models: Keep registered versions when the stack is deleted. True by default; the endpoint never stays.
        roles: Roles of yours in place of those made here; all are made by default.

    Attributes:
        endpoint_name: Name of the endpoint.
        workflow: The deploy `Workflow`.
        model_role: Role the model serves with.
        champion: The `LiveParameter` that names the version in service; `none` at first.
        promotion_freeze: The `LiveParameter` that keeps versions from traffic; `off` at first.
        detached_endpoint: The `LiveParameter` that remembers a detached endpoint; `none` at first.
        alarms: Alarms that roll an update back: server errors and latency.
        approved: The `events.Rule` on the default bus.
        teardown: The `CustomResource` that removes the endpoint with the stack.

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
        data: ServingData,
        plan: ServingPlan,
        emitter: PlatformFunction,
        network: Network,
        encryption_key: kms.IKey,
        models_key: kms.IKey | None = None,
        log_key: kms.IKey | None = None,
        alarm_topic: sns.ITopic | None = None,
        retain_models: bool = True,
        roles: ServingRoles = ServingRoles(),  # noqa: B008  (frozen, so one default serves all)
    ) -> None:
        super().__init__(scope, id)
        self.endpoint_name = own_name(workload, environment_name)
        self._keys = (encryption_key, log_key)
        volume_key = models_key or encryption_key
        self.alarms = self._alarms(plan, alarm_topic)
        maker = ParameterMaker(
            self, "Parameters", encryption_key=encryption_key, log_key=log_key, role=roles.live_parameter
        )
        self.champion = LiveParameter(
            self,
            "Champion",
            maker=maker,
            name=champion_parameter_name(workload, environment_name),
            first_value=NO_CHAMPION,
            description="Model package in service; written by the deploy workflow",
        )
        self.promotion_freeze = LiveParameter(
            self,
            "PromotionFreeze",
            maker=maker,
            name=freeze_parameter_name(workload, environment_name),
            first_value=ALLOWED,
            description="on: no version takes traffic, whoever approved it",
        )
        self.detached_endpoint = LiveParameter(
            self,
            "DetachedEndpoint",
            maker=maker,
            name=detached_parameter_name(workload, environment_name),
            first_value=ATTACHED,
            description="What the endpoint was when it was taken from traffic; written by the control function",
        )
        self.model_role = model_role(
            self,
            "ModelRole",
            workload=workload,
            endpoint_name=self.endpoint_name,
            image=image,
            data=data,
            network=network,
            volume_key=volume_key,
            alarms=self.alarms,
            given=roles.model,
        )
        payload = {"SMOKE_PAYLOAD": plan.smoke_payload}
        self.live_config_check = self._function(
            "LiveConfigCheck", "live_config_check", {}, network, roles.live_config_check
        )
        self.smoke_test = self._function("SmokeTest", "smoke_test", payload, network, roles.smoke_test)
        context = DeployContext(
            workload=workload,
            environment_name=environment_name,
            endpoint_name=self.endpoint_name,
            model_role_arn=self.model_role.role_arn,
            boundary=JobBoundary.in_network(network, volume_key, cost_tags(workload, environment_name)),
            capture_uri=f"s3://{data.capture.bucket_name}/{workload}",
            capture_key_arn=(data.capture.encryption_key or volume_key).key_arn,
            champion_parameter=self.champion.name,
            alarm_names=[alarm.alarm_name for alarm in self.alarms],
            fleet=plan.fleet,
            rollout=plan.rollout,
            autoscaling=plan.autoscaling,
            functions=ServingFunctions(
                live_config_check=self.live_config_check.callee,
                smoke_test=self.smoke_test.callee,
                event_emitter=emitter.callee,
            ),
        )
        self.workflow = Workflow(
            self,
            "Deploy",
            states=definition(context),
            start_at=START_AT,
            encryption_key=encryption_key,
            log_key=log_key,
            alarm_topic=alarm_topic,
            role=roles.workflow,
        )
        waive(self.workflow.state_machine, *RESTORE_WAIVERS)
        # The workflow goes first: a deployment that ends meanwhile would write a parameter that is gone.
        self.workflow.state_machine.node.add_dependency(self.champion, self.promotion_freeze)
        self._grant(registry, emitter, volume_key, scaled=plan.autoscaling is not None)
        self.approved = self._on_model_approved(registry, roles.start)
        self.teardown = self._teardown(registry, retain_models, roles.endpoint_teardown)

    def _function(
        self,
        name: str,
        folder: str,
        environment: dict[str, str],
        network: Network | None,
        role: iam.IRole | None,
        minutes: int = 2,
    ) -> PlatformFunction:
        encryption_key, log_key = self._keys
        return PlatformFunction(
            self,
            name,
            folder=folder,
            environment=environment,
            encryption_key=encryption_key,
            log_key=log_key,
            network=network,
            timeout=Duration.minutes(minutes),
            role=role,
        )

    def _alarms(self, plan: ServingPlan, topic: sns.ITopic | None) -> list[cloudwatch.Alarm]:
        metrics, minute = EndpointMetrics(endpoint_name=self.endpoint_name), Duration.minutes(1)
        return [
            threshold_alarm(
                self,
                "ServerErrors",
                metric=metrics.metric_server_errors(minute),
                threshold=1,
                description=f"Endpoint {self.endpoint_name} answers with errors of its own: look at its log group",
                topic=topic,
            ),
            threshold_alarm(
                self,
                "Latency",
                metric=metrics.metric_latency(minute),
                threshold=plan.latency_ms * 1000,
                periods=3,
                description=f"Endpoint {self.endpoint_name} is slower than {plan.latency_ms} ms for one request in 100",
                topic=topic,
            ),
        ]

    def _grant(self, registry: ModelRegistry, emitter: PlatformFunction, volume_key: kms.IKey, *, scaled: bool) -> None:
        role, name = self.workflow.role, self.endpoint_name
        own = (self.live_config_check, self.smoke_test, emitter)
        self.workflow.allow_invoke(*(function.function for function in own))
        self.workflow.allow_list_executions()
        registry.grant_read(role)
        registry.grant_reject(role)
        allow_deploy(role, endpoint_name=name, served_by=self.model_role, volume_key=volume_key)
        if scaled:
            allow_scaling(role, endpoint_name=name)
        self.champion.grant_write(role)
        self.promotion_freeze.grant_read(role)
        allow_live_check(self.live_config_check.role, endpoint_name=name)
        allow_smoke_test(self.smoke_test.role, endpoint_name=name)

    def _on_model_approved(self, registry: ModelRegistry, role: iam.IRole | None) -> events.Rule:
        encryption_key, _ = self._keys
        pattern = events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Model Package State Change"],
            detail={"ModelPackageGroupName": [registry.name], "ModelApprovalStatus": ["Approved"]},
        )
        return connect(
            self, "ModelApproved", pattern=pattern, target=self.workflow, encryption_key=encryption_key, role=role
        )

    def _teardown(self, registry: ModelRegistry, retain_models: bool, role: iam.IRole | None) -> CustomResource:
        # Outside the VPC: the answer goes to a bucket of CloudFormation, and Auto Scaling has no endpoint inside.
        remover = self._function(
            "EndpointTeardown",
            "endpoint_teardown",
            {
                "ENDPOINT": self.endpoint_name,
                "MODEL_PACKAGE_GROUP": registry.name,
                "RETAIN_MODELS": "true" if retain_models else "false",
            },
            network=None,
            role=role,
            minutes=15,
        )
        allow_teardown(
            remover.role,
            endpoint_name=self.endpoint_name,
            registry=registry,
            delete_models=not retain_models,
        )
        resource = CustomResource(
            self, "Teardown", service_token=remover.function_arn, resource_type="Custom::EndpointTeardown"
        )
        # Deleted first, while the roles and alarms that the endpoint uses are still there.
        resource.node.add_dependency(remover, self.model_role, self.workflow, *self.alarms)
        return resource
