"""The functions of the `ingest` workflow, each with exactly the permissions its code uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlops_constructs.datalake.lake import Lake
from mlops_constructs.datalake.roles import IngestionRoles
from mlops_constructs.datalake.tables import DatasetTables
from mlops_constructs.governance.grants import (
    allow,
    allow_objects,
    list_objects,
    read_objects,
    read_versions,
    use_table_key,
    write_objects,
)
from mlops_constructs.governance.network import Network
from mlops_constructs.orchestration.bus import PlatformBus
from mlops_constructs.orchestration.function import PlatformFunction

COPY_TIMEOUT = Duration.minutes(10)


class IngestFunctions(Construct):
    """Schema guard, quarantine, quality gate, publisher and event emitter of one workload.

    Args:
        workload: Name of the workload; permissions are limited to its prefixes.
        environment_name: Name of the environment.
        sources: The sources' schemas as JSON (`sources_json`).
        lake: The zones.
        bus: Where the emitter puts events.
        ledger_table: One item per landed content.
        gate_table: One item per workload.
        tables: Catalog tables that the publisher adds partitions to.
        encryption_key: Key of the functions' environments and of both tables.
        log_key: Key of log groups; the encryption key by default.
        network: Where the functions run; outside any VPC by default.
        roles: Roles of yours in place of those made here; all are made by default.

    Attributes:
        all: All of them, for the workflow's permission.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workload: str,
        environment_name: str,
        sources: str,
        lake: Lake,
        bus: PlatformBus,
        ledger_table: dynamodb.ITable,
        gate_table: dynamodb.ITable,
        tables: Sequence[DatasetTables],
        encryption_key: kms.IKey,
        log_key: kms.IKey | None = None,
        network: Network | None = None,
        roles: IngestionRoles = IngestionRoles(),  # noqa: B008  (frozen, so one default serves all)
    ) -> None:
        super().__init__(scope, id)
        self._prefix = f"{workload}/"
        both = {"LEDGER_TABLE": ledger_table.table_name, "GATE_TABLE": gate_table.table_name}

        def function(
            name: str,
            folder: str,
            environment: Mapping[str, str],
            role: iam.IRole | None,
            *,
            timeout: Duration | None = None,
            memory: int = 256,
        ) -> PlatformFunction:
            return PlatformFunction(
                self,
                name,
                folder=folder,
                environment={"WORKLOAD": workload, **environment},
                encryption_key=encryption_key,
                log_key=log_key,
                network=network,
                timeout=timeout,
                memory_mb=memory,
                role=role,
            )

        self.schema_guard = function(
            "SchemaGuard",
            "schema_guard",
            {"LEDGER_TABLE": ledger_table.table_name, "SOURCES": sources},
            roles.schema_guard,
            timeout=COPY_TIMEOUT,
            memory=1024,
        )
        self.quarantine = function(
            "Quarantine",
            "quarantine",
            {
                **both,
                "QUARANTINE_BUCKET": lake.quarantine.bucket_name,
                "CURATED_BUCKET": lake.curated.bucket_name,
            },
            roles.quarantine,
            timeout=COPY_TIMEOUT,
        )
        self.quality_gate = function("QualityGate", "quality_gate", {}, roles.quality_gate)
        self.publish_snapshot = function(
            "PublishSnapshot",
            "publish_snapshot",
            {
                **both,
                "RAW_BUCKET": lake.raw.bucket_name,
                "CURATED_BUCKET": lake.curated.bucket_name,
                "GLUE_DATABASE": lake.database_name,
                "SOURCES": sources,
            },
            roles.publish_snapshot,
            timeout=COPY_TIMEOUT,
        )
        self.emitter = function(
            "EventEmitter",
            "event_emitter",
            {"ENVIRONMENT": environment_name, "EVENT_BUS_NAME": bus.bus.event_bus_name},
            roles.event_emitter,
        )
        self.all = (self.schema_guard, self.quarantine, self.quality_gate, self.publish_snapshot, self.emitter)
        bus.grant_put_events(self.emitter.role)
        self._grant_guard(lake, ledger_table)
        self._grant_quarantine(lake, ledger_table, gate_table)
        self._grant_publish(lake, ledger_table, gate_table, tables)
        for table_user in (self.schema_guard, self.quarantine, self.publish_snapshot):
            use_table_key(encryption_key, table_user.role)

    def _grant_guard(self, lake: Lake, ledger: dynamodb.ITable) -> None:
        role = self.schema_guard.role
        read_versions(lake.landing, role, self._prefix)
        allow(role, "dynamodb:PutItem", "dynamodb:GetItem", on=[ledger.table_arn])

    def _grant_quarantine(self, lake: Lake, ledger: dynamodb.ITable, gate: dynamodb.ITable) -> None:
        role = self.quarantine.role
        read_versions(lake.landing, role, self._prefix)
        allow_objects(lake.landing, role, "s3:GetObjectTagging", prefixes=[self._prefix])
        write_objects(lake.quarantine, role, self._prefix)
        allow_objects(lake.quarantine, role, "s3:PutObjectTagging", prefixes=[self._prefix])
        _allow_removal(lake, role, self._prefix)
        row = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
        _allow_transaction(role, ledger, gate, *row)

    def _grant_publish(
        self, lake: Lake, ledger: dynamodb.ITable, gate: dynamodb.ITable, tables: Sequence[DatasetTables]
    ) -> None:
        role = self.publish_snapshot.role
        read_objects(lake.raw, role, self._prefix, f"staged/{self._prefix}", f"staged-meta/{self._prefix}")
        allow_objects(lake.raw, role, "s3:GetObjectTagging", prefixes=[f"staged/{self._prefix}"])
        write_objects(lake.curated, role, self._prefix)
        allow_objects(lake.curated, role, "s3:PutObjectTagging", prefixes=[self._prefix])
        _allow_removal(lake, role, self._prefix)
        row = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
        _allow_transaction(role, ledger, gate, "dynamodb:Query", *row)
        arns = list(dict.fromkeys(arn for table in tables for arn in table.arns()))
        allow(role, "glue:GetTable", "glue:BatchCreatePartition", on=arns)


def _allow_removal(lake: Lake, role: iam.IRole, prefix: str) -> None:
    """Find and delete what a file left in the curated zone without being published; the versions stay for a while."""
    allow_objects(lake.curated, role, "s3:DeleteObject", prefixes=[prefix])
    list_objects(lake.curated, role, prefix)


def _allow_transaction(role: iam.IRole, ledger: dynamodb.ITable, gate: dynamodb.ITable, *actions: str) -> None:
    """Change entries of the ledger together with the counters of the gate: each write needs its own action."""
    allow(role, *actions, on=[ledger.table_arn])
    allow(role, "dynamodb:UpdateItem", on=[gate.table_arn])
