"""Removing every version and delete marker of a bucket. Doing it twice is no error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from mlops_runtime import aws
from mlops_runtime.errors import TeardownFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef


def remove_all_versions(client: S3Client, bucket: str, *, deadline: float) -> int:
    """Delete everything in a bucket and return the number of versions; a bucket that is gone holds none.

    Args:
        client: S3.
        bucket: Its name.
        deadline: `time.monotonic()` value at which to give up.

    Raises:
        TeardownFailed: An object could not be deleted, or the deadline passed.
    """
    removed = 0
    try:
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if found and time.monotonic() > deadline:
                raise TeardownFailed(f"{bucket} is not empty yet: {removed} versions deleted; delete the stack again")
            objects: list[ObjectIdentifierTypeDef] = [
                {"Key": item["Key"], "VersionId": item["VersionId"]} for item in found
            ]
            if objects:
                _delete(client, bucket, objects)
                removed += len(objects)
    except ClientError as error:
        if aws.error_code(error) != "NoSuchBucket":
            raise
    return removed


def _delete(client: S3Client, bucket: str, objects: list[ObjectIdentifierTypeDef]) -> None:
    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    for error in answer.get("Errors", []):
        raise TeardownFailed(f"s3://{bucket}/{error.get('Key')}: {error.get('Code')}: {error.get('Message')}")
