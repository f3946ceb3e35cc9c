"""Lake: the six zones of a data lake and its catalog database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from aws_cdk import RemovalPolicy
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlops_constructs.datalake.zone import BucketEmptier, Zone
from mlops_constructs.governance.known import place_of
from mlops_constructs.governance.waivers import Waiver, waive
from mlops_constructs.governance.wildcards import OWNER, REVIEW

ZoneName = Literal["landing", "raw", "curated", "quarantine", "artefacts", "capture"]
ZONES: tuple[ZoneName, ...] = get_args(ZoneName)
STAGED_DAYS = 30
ATHENA_SCAN_LIMIT_BYTES = 100 * 1024**3
_BY_IAM = Waiver(
    finding="MLOps::ML-11.database-default",
    reason="Access to tables is granted by IAM, table by table; Lake Formation takes over when an account adopts it.",
    owner=OWNER,
    review=REVIEW,
    compensating_control="No role has a wildcard on Glue tables, and the zones' buckets and key are granted by name.",
)


class Lake(Construct):
    """Zones landing, raw, curated, quarantine, artefacts and capture; a Glue database; an Athena workgroup.

    Args:
        database_name: Name of the Glue database.
        encryption_key: Key of the data zones and of query results. Must allow CloudWatch Logs when `retain` is False.
        models_key: Key of artefacts and captured predictions; the encryption key by default.
        access_log_bucket: Where S3 logs each request to the zones made here. Needed unless all zones are given.
        zones: Buckets of yours in place of those made here, by name of the zone; all are made by default. Import one
            with the key of its objects (`Bucket.from_bucket_attributes(..., encryption_key=key)`): roles are let use
            the keys that are known. The bucket itself stays as it is: policy, versions, expiry, access logs and, for
            `landing`, the events to EventBridge are yours to set.
        log_key: Key of log groups; the encryption key by default.
        retain: Keep all data when the stack is deleted. True by default. False deletes the data with the stack, but
            never those in given buckets.
        noncurrent_days: Days until an overwritten or deleted version is gone.
        capture_days: Days until captured predictions are deleted.

    Attributes:
        landing: What producers write. Object events go to the account's default event bus.
        raw: Accepted files untouched, and their staged rows (deleted after 30 days).
        curated: Published rows, partitioned by month.
        quarantine: Refused files and rows, with the reason.
        artefacts: Features, models, evaluations, reports.
        capture: Requests and responses of endpoints.
        database: The `glue.CfnDatabase`.
        workgroup: The `athena.CfnWorkGroup`; its settings override the client's.

    Raises:
        ValueError: A bucket is given for a zone there is not, or zones are made and nothing takes their access logs.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        database_name: str,
        encryption_key: kms.IKey,
        access_log_bucket: s3.IBucket | None = None,
        zones: Mapping[ZoneName, s3.IBucket] | None = None,
        models_key: kms.IKey | None = None,
        log_key: kms.IKey | None = None,
        retain: bool = True,
        noncurrent_days: int = 90,
        capture_days: int = 365,
    ) -> None:
        super().__init__(scope, id)
        given = dict(zones or {})
        if unknown := sorted(set(given) - set(ZONES)):
            raise ValueError(f"zones: got {', '.join(unknown)}; a zone is one of {', '.join(ZONES)}")
        made: list[Zone] = []
        self.encryption_key = encryption_key
        self.models_key = models_key or encryption_key

        def zone(name: ZoneName, key: kms.IKey, expire: dict[str, int] | None = None) -> s3.IBucket:
            if bucket := given.get(name):
                return bucket
            if access_log_bucket is None:
                raise ValueError(f"access_log_bucket must be given: S3 logs each request to the zone {name} there")
            made.append(
                Zone(
                    self,
                    name.title(),
                    encryption_key=key,
                    access_log_bucket=access_log_bucket,
                    event_bridge=name == "landing",
                    retain=retain,
                    noncurrent_days=noncurrent_days,
                    expire=expire,
                )
            )
            return made[-1]

        self.landing = zone("landing", encryption_key)
        self.raw = zone("raw", encryption_key, {"staged/": STAGED_DAYS})
        self.curated = zone("curated", encryption_key)
        self.quarantine = zone("quarantine", encryption_key)
        self.artefacts = zone("artefacts", self.models_key, {"athena/": STAGED_DAYS})
        self.capture = zone("capture", self.models_key, {"": capture_days})
        self.database_name = database_name
        self.database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=place_of(self).account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=database_name, description="Curated and staged tables, two per source of a workload"
            ),
        )
        waive(self.database, _BY_IAM)
        if retain:  # its tables know where the retained partitions are
            self.database.apply_removal_policy(RemovalPolicy.RETAIN)
        self.workgroup = self._workgroup()
        if made and not retain:
            BucketEmptier(self, "Emptier", buckets=made, encryption_key=encryption_key, log_key=log_key)

    def _workgroup(self) -> athena.CfnWorkGroup:
        name = f"{self.database_name}-{self.node.addr[-6:]}"  # a workgroup must be named; the suffix tells copies apart
        return athena.CfnWorkGroup(
            self,
            "Queries",
            name=name,
            description="Queries on the data lake: encrypted results, bounded scans",
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=ATHENA_SCAN_LIMIT_BYTES,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=self.artefacts.s3_url_for_object("athena/"),
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=self.models_key.key_arn
                    ),
                ),
            ),
        )
