"""Curation: the Glue job that turns a file into staged rows, and the role that judges their quality."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from mlops_constructs.datalake.lake import Lake
from mlops_constructs.datalake.tables import DatasetTables
from mlops_constructs.governance.grants import (
    allow,
    allow_objects,
    allow_wildcard,
    read_objects,
    use_key,
    write_objects,
)
from mlops_constructs.governance.known import place_of, service
from mlops_constructs.governance.network import Network
from mlops_constructs.governance.wildcards import (
    DATA_QUALITY,
    GLUE_ASSETS,
    GLUE_LOGS,
    GLUE_SECURITY,
    METRICS,
    TAG_INTERFACES,
)

SCRIPT = Path(__file__).parent / "scripts" / "curate.py"
JOB_TIMEOUT_MINUTES = 60
PYTHON_SHELL_CAPACITY = 1.0  # data processing units: 16 GB of memory; the smaller 0.0625 has 1 GB
MAX_CONCURRENT_RUNS = 20


class Curation(Construct):
    """A Glue python shell job with encrypted output, logs and bookmarks, on the network when there is one.

    Args:
        workload: Name of the workload; permissions are limited to its prefixes.
        sources: The sources' schemas as JSON (`sources_json`).
        lake: The zones.
        tables: Catalog tables of the workload's datasets.
        ledger_table: Says which files are published.
        encryption_key: Key of job bookmarks and of the ledger.
        log_key: Key of the job's logs; the encryption key by default.
        network: Where the job runs, behind a Glue connection; outside any VPC by default.
        job_role: Role of yours that the job runs in, which `glue.amazonaws.com` assumes; one is created by default.
        quality_role: Likewise, that data quality runs read with.

    Attributes:
        job: The `glue.CfnJob`.
        role: Role of the job.
        quality_role: Role of data quality runs: reads staged rows, writes nothing.
        security: The `glue.CfnSecurityConfiguration`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workload: str,
        sources: str,
        lake: Lake,
        tables: Sequence[DatasetTables],
        ledger_table: dynamodb.ITable,
        encryption_key: kms.IKey,
        log_key: kms.IKey | None = None,
        network: Network | None = None,
        job_role: iam.IRole | None = None,
        quality_role: iam.IRole | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._prefix = f"{workload}/"
        self._tables = tables
        self._arns = list(dict.fromkeys(arn for table in tables for arn in table.arns()))
        self.script = assets.Asset(self, "Script", path=str(SCRIPT))
        self.security = self._security(lake, encryption_key, log_key or encryption_key)
        glue_service = service("glue.amazonaws.com")
        self.role = job_role or iam.Role(self, "JobRole", assumed_by=glue_service)
        self.quality_role = quality_role or iam.Role(self, "QualityRole", assumed_by=glue_service)
        self._grant_job(lake, encryption_key, log_key or encryption_key)
        allow(self.role, "dynamodb:Query", on=[ledger_table.table_arn])
        self._grant_quality(lake)
        connections = self._connections(network) if network else None
        self.job = glue.CfnJob(
            self,
            "Job",
            role=self.role.role_arn,
            description=f"Curates one landed file of {workload}: types, duplicates, contradictions",
            command=glue.CfnJob.JobCommandProperty(
                name="pythonshell", python_version="3.9", script_location=self.script.s3_object_url
            ),
            default_arguments={
                "library-set": "analytics",
                "--sources": sources,
                "--workload": workload,
                "--ledger_table": ledger_table.table_name,
                "--database": lake.database_name,
                "--enable-job-insights": "false",
            },
            connections=connections,
            security_configuration=self.security.ref,
            max_capacity=PYTHON_SHELL_CAPACITY,
            max_retries=0,  # the workflow decides what is worth a retry
            timeout=JOB_TIMEOUT_MINUTES,
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=MAX_CONCURRENT_RUNS),
        )
        self.job.node.add_dependency(self.role)

    def grant_run(self, role: iam.IRole) -> None:
        """Let a role run the job and wait for it, and run the workload's quality rules and read their results."""
        job = self._arn(f"job/{self.job.ref}")
        allow(role, "glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun", on=[job])
        rulesets = [self._arn(f"dataQualityRuleset/{table.table_name}") for table in self._tables]
        allow(role, "glue:StartDataQualityRulesetEvaluationRun", on=rulesets)
        allow(role, "glue:GetTable", on=self._arns)
        allow_wildcard(role, DATA_QUALITY, on=self._arn("dataQualityRuleset/*"))
        allow(
            role,
            "iam:PassRole",
            on=[self.quality_role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}},
        )

    def _arn(self, resource: str) -> str:
        return place_of(self).arn("glue", resource)

    def _security(self, lake: Lake, key: kms.IKey, log_key: kms.IKey) -> glue.CfnSecurityConfiguration:
        settings = glue.CfnSecurityConfiguration
        return settings(
            self,
            "Security",
            name=f"{lake.database_name}-{self.node.addr[-10:]}",  # must be named; the suffix tells workloads apart
            encryption_configuration=settings.EncryptionConfigurationProperty(
                s3_encryptions=[
                    settings.S3EncryptionProperty(s3_encryption_mode="SSE-KMS", kms_key_arn=lake.encryption_key.key_arn)
                ],
                cloud_watch_encryption=settings.CloudWatchEncryptionProperty(
                    cloud_watch_encryption_mode="SSE-KMS", kms_key_arn=log_key.key_arn
                ),
                job_bookmarks_encryption=settings.JobBookmarksEncryptionProperty(
                    job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key.key_arn
                ),
            ),
        )

    def _connections(self, network: Network) -> glue.CfnJob.ConnectionsListProperty:
        """One connection per subnet: Glue runs the job behind the first whose zone is healthy and has addresses left.

        See https://docs.aws.amazon.com/glue/latest/dg/glue-troubleshooting-errors.html, failover between VPCs.
        """
        network.allow_job_interfaces(self.role)
        here = place_of(self)
        allow_wildcard(
            self.role,
            TAG_INTERFACES,
            on=here.arn("ec2", "network-interface/*"),
            conditions={"ForAllValues:StringEquals": {"aws:TagKeys": ["aws-glue-service-resource"]}},
        )
        group = network.job_security_group.security_group_id
        names = [
            glue.CfnConnection(
                self,
                f"Connection{number}" if number else "Connection",
                catalog_id=here.account,
                connection_input=glue.CfnConnection.ConnectionInputProperty(
                    connection_type="NETWORK",
                    description="Puts the curating job behind the platform's endpoints",
                    physical_connection_requirements=glue.CfnConnection.PhysicalConnectionRequirementsProperty(
                        availability_zone=subnet.availability_zone,
                        subnet_id=network.subnet_ids[number],
                        security_group_id_list=[group],
                    ),
                ),
            ).ref
            for number, subnet in enumerate(network.subnets)
        ]
        allow(
            self.role,
            "glue:GetConnection",
            on=[self._arn("catalog"), *(self._arn(f"connection/{name}") for name in names)],
        )
        return glue.CfnJob.ConnectionsListProperty(connections=names)

    def _grant_job(self, lake: Lake, key: kms.IKey, log_key: kms.IKey) -> None:
        role, staged = self.role, f"staged/{self._prefix}"
        allow(role, "s3:GetObject", on=[self.script.bucket.arn_for_objects(self.script.s3_object_key)])
        meta = f"staged-meta/{self._prefix}"
        read_objects(lake.raw, role, self._prefix, staged, meta)
        write_objects(lake.raw, role, staged, meta)
        allow_objects(lake.raw, role, "s3:DeleteObject", prefixes=[staged])
        read_objects(lake.curated, role, self._prefix)
        write_objects(lake.quarantine, role, self._prefix)
        use_key(key, role)
        allow(role, "glue:GetTable", "glue:BatchCreatePartition", on=self._arns)
        self._grant_logs(role)
        allow_wildcard(role, GLUE_SECURITY)
        use_key(log_key, role)

    def _grant_quality(self, lake: Lake) -> None:
        role = self.quality_role
        read_objects(lake.raw, role, f"staged/{self._prefix}")
        allow(role, "glue:GetDatabase", "glue:GetTable", "glue:GetPartitions", "glue:GetPartition", on=self._arns)
        rulesets = [self._arn(f"dataQualityRuleset/{table.table_name}") for table in self._tables]
        allow(role, "glue:GetDataQualityRuleset", "glue:PublishDataQuality", on=rulesets)
        self._grant_logs(role)
        namespace = {"StringEquals": {"cloudwatch:namespace": "Glue Data Quality"}}
        allow_wildcard(role, METRICS, conditions=namespace)
        here = place_of(self)
        library = f"arn:{here.partition}:s3:::aws-glue-ml-data-quality-assets-{here.region}/*"
        allow_wildcard(role, GLUE_ASSETS, on=library)

    def _grant_logs(self, role: iam.IRole) -> None:
        allow_wildcard(role, GLUE_LOGS, on=place_of(self).arn("logs", "log-group:/aws-glue/*"))
