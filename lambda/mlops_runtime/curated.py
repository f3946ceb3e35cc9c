"""Removal of curated rows that no ledger row speaks of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_runtime import layout

if TYPE_CHECKING:
    from collections.abc import Collection

    from mypy_boto3_s3 import S3Client


def remove_parts(
    client: S3Client, bucket: str, workload: str, source: str, sha256: str, *, keep: Collection[str] = ()
) -> None:
    """Delete what one file left in the curated zone.

    Args:
        client: For S3.
        bucket: The curated zone.
        workload: Name of the workload.
        source: Name of the source.
        sha256: Content of the file.
        keep: Months whose part stays.
    """
    kept = {layout.curated(workload, source, month, sha256) for month in keep}
    pages = client.get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=layout.curated_prefix(workload, source)):
        for item in page.get("Contents", []):
            if item["Key"].endswith(f"/{sha256}.parquet") and item["Key"] not in kept:
                client.delete_object(Bucket=bucket, Key=item["Key"])
