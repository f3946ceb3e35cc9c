"""The functions of the train workflow: snapshot, challenge, registration, each with a role of its own."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlops_constructs.governance.grants import allow, read_objects, use_key, write_objects
from mlops_constructs.governance.network import Network
from mlops_constructs.orchestration.function import PlatformFunction
from mlops_constructs.training.metrics import RANGES, check_value
from mlops_constructs.training.recipe import TrainingRecipe
from mlops_constructs.training.registry import ModelRegistry
from mlops_constructs.training.roles import TrainingRoles


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Where training reads and writes.

    Args:
        curated: Bucket of published rows; `<workload>/<source>/` is read.
        artefacts: Bucket of runs; `<workload>/runs/` is read and written.
        ledger: Table of published files.
        ledger_key: Key of the table; none when the table uses a key of AWS.
        sources_json: The sources' schemas (`datalake.dataset.sources_json`).
    """

    curated: s3.IBucket
    artefacts: s3.IBucket
    ledger: dynamodb.ITable
    ledger_key: kms.IKey | None = None
    sources_json: str


@dataclass(frozen=True, kw_only=True)
class PromotionPolicy:
    """When a challenger becomes a version, and what its model card says.

    Args:
        metric: What is compared, one of `metrics.RANGES`.
        minimum: Worst value that is good enough, even without a champion: the least one, or the greatest of a metric
            that is an error (`log_loss`, `brier`, `rmse`, `mse`, `mae`, `mape`).
        min_improvement: Lead over the champion a challenger needs, in units of the metric, at least 0; any lead by
            default, a tie keeps the champion.
        automatic_approval: Approve versions at once. False by default: a person does.
        owner: Who answers for the model.
        intended_use: What the model is for.
        instance_types: Real-time instance types the model may be served on.

    Raises:
        ValueError: The metric is unknown, the minimum no value that it can have, or the lead negative.
    """

    metric: str
    minimum: float
    min_improvement: float = 0.0
    automatic_approval: bool = False
    owner: str
    intended_use: str
    instance_types: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.metric not in RANGES:
            raise ValueError(f"metric must be one of {', '.join(RANGES)}, got {self.metric!r}")
        check_value("minimum", self.metric, self.minimum)
        if not (math.isfinite(self.min_improvement) and self.min_improvement >= 0):
            raise ValueError(f"min_improvement must be at least 0, got {self.min_improvement}")


class TrainingFunctionSet(Construct):
    """The three functions of the train workflow.

    Attributes:
        pin_snapshot: Lists the published objects a run learns from.
        champion_challenge: Compares two evaluations.
        register_model: Makes a version of the winner.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workload: str,
        environment_name: str,
        data: TrainingData,
        recipe: TrainingRecipe,
        policy: PromotionPolicy,
        registry: ModelRegistry,
        encryption_key: kms.IKey,
        log_key: kms.IKey | None,
        network: Network | None,
        roles: TrainingRoles = TrainingRoles(),  # noqa: B008  (frozen, so one default serves all)
    ) -> None:
        super().__init__(scope, id)

        def function(
            name: str, folder: str, environment: dict[str, str], timeout: Duration, role: iam.IRole | None
        ) -> PlatformFunction:
            return PlatformFunction(
                self,
                name,
                folder=folder,
                environment=environment,
                encryption_key=encryption_key,
                log_key=log_key,
                network=network,
                timeout=timeout,
                role=role,
            )

        snapshot_days = recipe.train_days + recipe.holdout_days
        self.pin_snapshot = function(
            "PinSnapshot",
            "pin_snapshot",
            {
                "WORKLOAD": workload,
                "CURATED_BUCKET": data.curated.bucket_name,
                "ARTEFACTS_BUCKET": data.artefacts.bucket_name,
                "LEDGER_TABLE": data.ledger.table_name,
                "SOURCES": data.sources_json,
                "SNAPSHOT_DAYS": str(snapshot_days),
            },
            Duration.minutes(5),
            roles.pin_snapshot,
        )
        self.champion_challenge = function(
            "ChampionChallenge",
            "champion_challenge",
            {
                "METRIC": policy.metric,
                "MINIMUM": str(policy.minimum),
                "MIN_IMPROVEMENT": str(policy.min_improvement),
            },
            Duration.minutes(1),
            roles.champion_challenge,
        )
        self.register_model = function(
            "RegisterModel",
            "register_model",
            {
                "ENVIRONMENT": environment_name,
                "WORKLOAD": workload,
                "MODEL_PACKAGE_GROUP": registry.name,
                "APPROVAL_STATUS": "Approved" if policy.automatic_approval else "PendingManualApproval",
                "METRIC": policy.metric,
                "OWNER": policy.owner,
                "INTENDED_USE": policy.intended_use,
                "INSTANCE_TYPES": json.dumps(policy.instance_types),
            },
            Duration.minutes(1),
            roles.register_model,
        )
        self._grant(workload, data, registry)

    def _grant(self, workload: str, data: TrainingData, registry: ModelRegistry) -> None:
        runs = f"{workload}/runs/"
        pin = self.pin_snapshot.role
        allow(
            pin,
            "s3:ListBucketVersions",
            on=[data.curated.bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{workload}/*"}},
        )
        read_objects(data.artefacts, pin, runs)
        write_objects(data.artefacts, pin, runs)
        allow(pin, "dynamodb:Query", on=[data.ledger.table_arn])
        use_key(data.ledger_key, pin, "kms:Decrypt")
        read_objects(data.artefacts, self.champion_challenge.role, runs)
        registry.grant_register(self.register_model.role)
