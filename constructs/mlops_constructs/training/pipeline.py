"""TrainingPipeline: the train workflow with its roles and functions."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from mlops_constructs.governance.grants import allow, read_objects, write_objects
from mlops_constructs.governance.network import Network
from mlops_constructs.orchestration.function import PlatformFunction
from mlops_constructs.orchestration.parameters import parameter_arn
from mlops_constructs.orchestration.workflow import Workflow
from mlops_constructs.training.access import allow_processing, allow_training, sagemaker_role
from mlops_constructs.training.definition import START_AT, definition
from mlops_constructs.training.functions import PromotionPolicy, TrainingData, TrainingFunctionSet
from mlops_constructs.training.jobs import JobBoundary, cost_tags
from mlops_constructs.training.recipe import TrainingContext, TrainingFunctions, TrainingRecipe
from mlops_constructs.training.registry import ModelRegistry, champion_parameter_name
from mlops_constructs.training.roles import TrainingRoles


class TrainingPipeline(Construct):
    """From a pinned dataset snapshot to a registered model version, or to the reason why not. Phase: Repeatable.

    The workflow ends in exactly one of the events Model Registered, Model Rejected, Training Failed. The challenger
    meets what serves: the version that the parameter `champion` of `RealTimeServing` names, or the newest approved one
    where nothing serves.

    Args:
        workload: Name of the workload; begins S3 prefixes and job names.
        environment_name: Name of the environment; `<workload>-<environment>` has at most 42 characters.
        registry: Where versions are registered, and former champions are found.
        data: Buckets and ledger.
        recipe: Images, compute, days and hyperparameters.
        policy: When a challenger is promoted, and who approves it.
        emitter: Function that puts events on the platform's bus.
        network: Where jobs and functions run.
        encryption_key: Key of the workflow and of the functions' environment.
        models_key: Key of job volumes and outputs; the encryption key by default.
        log_key: Key of log groups; the encryption key by default.
        alarm_topic: Where the failure alarm goes; an alarm without action by default.
        roles: Roles of yours in place of those made here; all are made by default.

    Attributes:
        workflow: The train `Workflow`.
        functions: The `TrainingFunctionSet`.
        processing_role: Role of the feature, baseline and evaluation jobs.
        training_role: Role of the training jobs.

    Raises:
        ValueError: `<workload>-<environment>` is too long for what SageMaker's names must hold besides.

    Example:
        >>> TrainingPipeline(self, "Training", workload="churn", environment_name="dev", registry=registry, data=data,
        ...                  recipe=recipe, policy=policy, emitter=emitter, network=network, encryption_key=key)
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workload: str,
        environment_name: str,
        registry: ModelRegistry,
        data: TrainingData,
        recipe: TrainingRecipe,
        policy: PromotionPolicy,
        emitter: PlatformFunction,
        network: Network,
        encryption_key: kms.IKey,
        models_key: kms.IKey | None = None,
        log_key: kms.IKey | None = None,
        alarm_topic: sns.ITopic | None = None,
        roles: TrainingRoles = TrainingRoles(),  # noqa: B008  (frozen, so one default serves all)
    ) -> None:
        super().__init__(scope, id)
        volume_key = models_key or encryption_key
        self.processing_role = self._processing_role(workload, data, recipe, network, volume_key, roles.processing_jobs)
        self.training_role = self._training_role(workload, data, recipe, network, volume_key, roles.training_jobs)
        self.functions = TrainingFunctionSet(
            self,
            "Functions",
            workload=workload,
            environment_name=environment_name,
            data=data,
            recipe=recipe,
            policy=policy,
            registry=registry,
            encryption_key=encryption_key,
            log_key=log_key,
            network=network,
            roles=roles,
        )
        context = TrainingContext(
            workload=workload,
            environment_name=environment_name,
            runs_uri=f"s3://{data.artefacts.bucket_name}/{workload}/runs",
            group_name=registry.name,
            champion_parameter=champion_parameter_name(workload, environment_name),
            processing_role_arn=self.processing_role.role_arn,
            training_role_arn=self.training_role.role_arn,
            boundary=JobBoundary.in_network(network, volume_key, cost_tags(workload, environment_name)),
            functions=TrainingFunctions(
                pin_snapshot=self.functions.pin_snapshot.callee,
                champion_challenge=self.functions.champion_challenge.callee,
                register_model=self.functions.register_model.callee,
                event_emitter=emitter.callee,
            ),
        )
        self.workflow = Workflow(
            self,
            "Train",
            states=definition(context, recipe),
            start_at=START_AT,
            encryption_key=encryption_key,
            log_key=log_key,
            alarm_topic=alarm_topic,
            role=roles.workflow,
        )
        self._grant(context, registry, emitter, volume_key)

    def _processing_role(
        self,
        workload: str,
        data: TrainingData,
        recipe: TrainingRecipe,
        network: Network,
        key: kms.IKey,
        given: iam.IRole | None,
    ) -> iam.IRole:
        role = sagemaker_role(
            self,
            "ProcessingRole",
            images=[recipe.image, recipe.monitor_image],
            network=network,
            volume_key=key,
            log_groups=["/aws/sagemaker/ProcessingJobs"],
            given=given,
        )
        read_objects(data.curated, role, *(f"{workload}/{source}/" for source in recipe.sources))
        read_objects(data.artefacts, role, f"{workload}/runs/")
        write_objects(data.artefacts, role, f"{workload}/runs/")
        return role

    def _training_role(
        self,
        workload: str,
        data: TrainingData,
        recipe: TrainingRecipe,
        network: Network,
        key: kms.IKey,
        given: iam.IRole | None,
    ) -> iam.IRole:
        role = sagemaker_role(
            self,
            "TrainingRole",
            images=[recipe.image],
            network=network,
            volume_key=key,
            log_groups=["/aws/sagemaker/TrainingJobs"],
            given=given,
        )
        # Prepared rows in, model out: a training job never sees the curated zone.
        read_objects(data.artefacts, role, f"{workload}/runs/")
        write_objects(data.artefacts, role, f"{workload}/runs/")
        return role

    def _grant(
        self, context: TrainingContext, registry: ModelRegistry, emitter: PlatformFunction, volume_key: kms.IKey
    ) -> None:
        role, job_prefix = self.workflow.role, context.job_prefix
        own = self.functions
        called = (own.pin_snapshot, own.champion_challenge, own.register_model, emitter)
        self.workflow.allow_invoke(*(function.function for function in called))
        allow_processing(role, name_prefix=job_prefix, job_roles=[self.processing_role], volume_key=volume_key)
        allow_training(role, name_prefix=job_prefix, job_roles=[self.training_role], volume_key=volume_key)
        allow(role, "ssm:GetParameters", on=[parameter_arn(self, context.champion_parameter)])
        registry.grant_list(role)
