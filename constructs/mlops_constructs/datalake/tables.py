"""DatasetTables: what the catalog knows of one dataset, and the rules its files must keep."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlops_constructs.datalake.dataset import CURATED_PARTITION, STAGED_PARTITION, Column, Dataset
from mlops_constructs.governance.known import place_of

_PARQUET = "org.apache.hadoop.hive.ql.io.parquet."


class DatasetTables(Construct):
    """The curated table (partitioned by month), the staged table (by file) and the data quality ruleset of a dataset.

    Args:
        workload: Name of the workload; tables are `<workload>_<dataset>` and `..._staged`, hyphens as underscores.
        dataset: Columns and rules.
        database_name: Glue database of the tables; it must exist before them.
        curated: Bucket of the curated rows, below `<workload>/<dataset>/`.
        raw: Bucket of the staged rows, below `staged/<workload>/<dataset>/`.
        retain: Keep both tables (the curated one knows all partitions) when the stack is deleted. True by default.

    Attributes:
        curated_table: The `glue.CfnTable` of published rows.
        staged_table: The `glue.CfnTable` of rows whose quality is not known yet.
        ruleset: The `glue.CfnDataQualityRuleset`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workload: str,
        dataset: Dataset,
        database_name: str,
        curated: s3.IBucket,
        raw: s3.IBucket,
        retain: bool = True,
    ) -> None:
        super().__init__(scope, id)
        self.dataset = dataset
        self.database_name = database_name
        self.table_name = f"{workload}_{dataset.name}".replace("-", "_")
        self.staged_name = f"{self.table_name}_staged"
        place = f"{workload}/{dataset.name}/"
        self.curated_table = self._table(
            "Curated", self.table_name, curated.s3_url_for_object(place), CURATED_PARTITION
        )
        self.staged_table = self._table(
            "Staged", self.staged_name, raw.s3_url_for_object(f"staged/{place}"), STAGED_PARTITION
        )
        if retain:
            for table in (self.curated_table, self.staged_table):
                table.apply_removal_policy(RemovalPolicy.RETAIN)
        self.ruleset = glue.CfnDataQualityRuleset(
            self,
            "Rules",
            name=self.table_name,
            description=f"Rules every file of {workload}/{dataset.name} must keep before it is published",
            ruleset=dataset.dqdl,
            target_table=glue.CfnDataQualityRuleset.DataQualityTargetTableProperty(
                database_name=database_name, table_name=self.staged_name
            ),
        )
        self.ruleset.node.add_dependency(self.staged_table)

    def arns(self) -> list[str]:
        """Catalog, database and both tables: Glue checks a permission on a table against all three levels."""
        tables = [f"table/{self.database_name}/{name}" for name in (self.table_name, self.staged_name)]
        levels = ["catalog", f"database/{self.database_name}", *tables]
        return [place_of(self).arn("glue", level) for level in levels]

    def _table(self, id: str, name: str, location: str, partition: str) -> glue.CfnTable:
        return glue.CfnTable(
            self,
            id,
            catalog_id=place_of(self).account,
            database_name=self.database_name,
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "parquet", "EXTERNAL": "TRUE"},
                partition_keys=[glue.CfnTable.ColumnProperty(name=partition, type="string")],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=location,
                    columns=_columns(self.dataset.columns),
                    input_format=f"{_PARQUET}MapredParquetInputFormat",
                    output_format=f"{_PARQUET}MapredParquetOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library=f"{_PARQUET}serde.ParquetHiveSerDe",
                        parameters={"serialization.format": "1"},
                    ),
                ),
            ),
        )


def _columns(columns: Sequence[Column]) -> list[glue.CfnTable.ColumnProperty]:
    return [glue.CfnTable.ColumnProperty(name=column.name, type=column.type) for column in columns]
