"""Month partitions in the Glue catalog, each a copy of the table's own storage description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_runtime.errors import StagedDataInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_glue import GlueClient
    from mypy_boto3_glue.type_defs import PartitionInputTypeDef

# BatchCreatePartition takes at most this many at once.
_BATCH = 100


def add_partitions(client: GlueClient, database: str, table: str, months: Sequence[str]) -> None:
    """Register month partitions; those that exist stay as they are.

    Raises:
        StagedDataInvalid: Glue refused a partition for another reason than its existence.
    """
    descriptor = client.get_table(DatabaseName=database, Name=table)["Table"]["StorageDescriptor"]
    location = str(descriptor["Location"]).rstrip("/")
    partitions: list[PartitionInputTypeDef] = [
        {"Values": [month], "StorageDescriptor": {**descriptor, "Location": f"{location}/month={month}/"}}
        for month in months
    ]
    for start in range(0, len(partitions), _BATCH):
        response = client.batch_create_partition(
            DatabaseName=database, TableName=table, PartitionInputList=partitions[start : start + _BATCH]
        )
        for error in response.get("Errors", []):
            detail = error.get("ErrorDetail", {})
            if detail.get("ErrorCode") != "AlreadyExistsException":
                raise StagedDataInvalid(f"partition {error.get('PartitionValues')} of {database}.{table}: {detail}")
