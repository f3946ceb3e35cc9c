"""Ingestion: files of a workload's sources, from the landing zone to the curated table or to quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from mlops_constructs.datalake.curation import Curation
from mlops_constructs.datalake.dataset import Dataset, sources_json
from mlops_constructs.datalake.functions import IngestFunctions
from mlops_constructs.datalake.ingest import START, IngestTargets, ingest_states
from mlops_constructs.datalake.lake import Lake
from mlops_constructs.datalake.roles import IngestionRoles
from mlops_constructs.datalake.tables import DatasetTables
from mlops_constructs.governance.grants import allow_objects, use_key
from mlops_constructs.governance.known import key_of
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import OWNER, REVIEW
from mlops_constructs.orchestration.bus import PlatformBus, connect
from mlops_constructs.orchestration.workflow import Workflow


class Ingestion(Construct):
    """Tables, quality rules, ledger, curating job and the `ingest` workflow that ties them together.

    Every object landed under `<workload>/` starts one execution, which ends in `Dataset Ready` or `Dataset Rejected`.

    Args:
        workload: Name of the workload.
        environment_name: Name of the environment, part of every event.
        datasets: The sources.
        lake: Where files land and rows end.
        bus: Where the events go.
        encryption_key: Key of tables and executions; must allow CloudWatch Logs when it is also the `log_key`.
        log_key: Key of log groups; the encryption key by default.
        network: Where job and functions run; outside any VPC by default.
        alarm_topic: Where the alarm on failed executions goes; nowhere by default.
        retain: Keep ledger, gate and curated tables when the stack is deleted. True by default.
        roles: Roles of yours in place of those made here; all are made by default.

    Attributes:
        tables: A `DatasetTables` by dataset name.
        ledger_table: One item per landed content.
        gate_table: One item per workload: what training could learn from, and what the retraining gate remembers.
        functions: The workflow's functions; `emitter` puts events on the bus for other workflows of the workload too.
        curation: The Glue job and the role of the quality runs.
        workflow: The `Workflow`.
        rule: The `events.Rule` that starts it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workload: str,
        environment_name: str,
        datasets: Sequence[Dataset],
        lake: Lake,
        bus: PlatformBus,
        encryption_key: kms.IKey,
        log_key: kms.IKey | None = None,
        network: Network | None = None,
        alarm_topic: sns.ITopic | None = None,
        retain: bool = True,
        roles: IngestionRoles = IngestionRoles(),  # noqa: B008  (frozen, so one default serves all)
    ) -> None:
        super().__init__(scope, id)
        if not datasets:
            raise ValueError(f"workload {workload} needs at least one dataset to ingest")
        self.workload, self.lake = workload, lake
        self.ledger_table = self._table("Ledger", encryption_key, retain, key="pk", sort="sk")
        self.gate_table = self._table("Gate", encryption_key, retain, key="workload")
        self.tables: Mapping[str, DatasetTables] = {
            dataset.name: DatasetTables(
                self,
                f"Tables{dataset.name.title().replace('_', '')}",
                workload=workload,
                dataset=dataset,
                database_name=lake.database_name,
                curated=lake.curated,
                raw=lake.raw,
                retain=retain,
            )
            for dataset in datasets
        }
        sources = sources_json(datasets)
        self.functions = IngestFunctions(
            self,
            "Functions",
            workload=workload,
            environment_name=environment_name,
            sources=sources,
            lake=lake,
            bus=bus,
            ledger_table=self.ledger_table,
            gate_table=self.gate_table,
            tables=list(self.tables.values()),
            encryption_key=encryption_key,
            log_key=log_key,
            network=network,
            roles=roles,
        )
        self.emitter = self.functions.emitter
        self.curation = Curation(
            self,
            "Curation",
            workload=workload,
            sources=sources,
            lake=lake,
            tables=list(self.tables.values()),
            ledger_table=self.ledger_table,
            encryption_key=encryption_key,
            log_key=log_key,
            network=network,
            job_role=roles.curation_job,
            quality_role=roles.quality_run,
        )
        self.workflow = Workflow(
            self,
            "Ingest",
            states=ingest_states(self._targets(environment_name)),
            start_at=START,
            encryption_key=encryption_key,
            log_key=log_key,
            alarm_topic=alarm_topic,
            role=roles.workflow,
        )
        self._grant()
        self.rule = connect(
            self,
            "Landed",
            pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [lake.landing.bucket_name]},
                    "object": {"key": [{"prefix": f"{workload}/"}]},
                },
            ),
            target=self.workflow,
            encryption_key=encryption_key,
            role=roles.start,
        )

    def _targets(self, environment_name: str) -> IngestTargets:
        functions, lake = self.functions, self.lake
        return IngestTargets(
            workload=self.workload,
            environment_name=environment_name,
            schema_guard=functions.schema_guard.callee,
            quarantine=functions.quarantine.callee,
            quality_gate=functions.quality_gate.callee,
            publish_snapshot=functions.publish_snapshot.callee,
            event_emitter=functions.emitter.callee,
            job_name=self.curation.job.ref,
            quality_role=self.curation.quality_role.role_arn,
            database=lake.database_name,
            staged_tables={name: tables.staged_name for name, tables in self.tables.items()},
            rulesets={name: tables.ruleset.ref for name, tables in self.tables.items()},
            raw_bucket=lake.raw.bucket_name,
            curated_bucket=lake.curated.bucket_name,
            quarantine_bucket=lake.quarantine.bucket_name,
        )

    def _grant(self) -> None:
        role, lake = self.workflow.role, self.lake
        self.workflow.allow_invoke(*(function.function for function in self.functions.all))
        prefix = f"{self.workload}/"
        allow_objects(
            lake.landing, role, "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", prefixes=[prefix]
        )
        allow_objects(lake.raw, role, "s3:PutObject", "s3:PutObjectTagging", prefixes=[prefix])
        allow_objects(lake.raw, role, "s3:GetObject", prefixes=[f"staged-meta/{prefix}"])
        for zone in (lake.landing, lake.raw):
            use_key(key_of(zone), role)
        self.curation.grant_run(role)

    def _table(
        self, id: str, encryption_key: kms.IKey, retain: bool, *, key: str, sort: str | None = None
    ) -> dynamodb.Table:
        text = dynamodb.AttributeType.STRING
        table = dynamodb.Table(
            self,
            id,
            partition_key=dynamodb.Attribute(name=key, type=text),
            sort_key=dynamodb.Attribute(name=sort, type=text) if sort else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=encryption_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=retain,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        )
        waive(table, *_NO_BACKUP_PLAN)
        return table


_NO_BACKUP_PLAN = tuple(
    Waiver(
        finding=f"{pack}::{pack}-DynamoDBInBackupPlan",
        reason="Point in time recovery covers every second of the last 35 days; older states are of no use.",
        owner=OWNER,
        review=REVIEW,
    )
    for pack in ("NIST.800.53.R5", "HIPAA.Security")
)
