"""S3 objects in and out of folders, as the managed services move them: with a role's own session."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError


class DataError(Exception):
    """Data could not be read or written; the message is what a job reports as its reason."""


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/key` as (bucket, key).

    Raises:
        DataError: not an S3 URI.
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in ("s3", "s3a") or not bucket:
        raise DataError(f'"{uri}" is not an S3 URI')
    return bucket, key


def join_uri(uri: str, *parts: str) -> str:
    """An S3 URI with path parts added, whether or not it ends with a slash."""
    return "/".join([uri.rstrip("/"), *(part.strip("/") for part in parts)])


def list_keys(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    """Keys under a prefix, without the empty objects that stand for folders."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            if not found["Key"].endswith("/"):
                yield found["Key"]


def download_prefix(s3: Any, uri: str, folder: Path) -> int:
    """Downloads every object under a prefix, or the one object it names; returns how many.

    Raises:
        DataError: nothing there, or no permission.
    """
    bucket, prefix = split_uri(uri)
    base = prefix if prefix.endswith("/") else prefix.rpartition("/")[0] + "/" if "/" in prefix else ""
    count = 0
    try:
        for key in list_keys(s3, bucket, prefix):
            relative = key[len(prefix) :].lstrip("/") if key.startswith(prefix.rstrip("/") + "/") else key[len(base) :]
            _fetch(s3, bucket, key, _inside(folder, relative or Path(key).name))
            count += 1
    except ClientError as error:
        raise DataError(_reason(error, uri)) from error
    if not count:
        raise DataError(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
            "exists in the selected region, that objects exist under that S3 prefix, and that the role has "
            f'"s3:ListBucket" permissions on bucket "{bucket}".'
        )
    return count


def download_manifest(s3: Any, uri: str, folder: Path) -> int:
    """Downloads the objects a SageMaker manifest names, at their relative paths; returns how many."""
    bucket, key = split_uri(uri)
    try:
        entries = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        source, prefix = split_uri(entries[0]["prefix"])
        for relative in entries[1:]:
            _fetch(s3, source, prefix + relative, _inside(folder, relative))
    except ClientError as error:
        raise DataError(_reason(error, uri)) from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise DataError(f'the manifest "{uri}" is not [{{"prefix": "s3://..."}}, "key", ...]: {error!r}') from error
    return len(entries) - 1


def upload_folder(s3: Any, folder: Path, uri: str, kms_key: str | None) -> int:
    """Uploads every file of a folder under a prefix; returns how many."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:
        upload_file(s3, path, join_uri(uri, path.relative_to(folder).as_posix()), kms_key)
    return len(files)


def upload_file(s3: Any, path: Path, uri: str, kms_key: str | None) -> None:
    """Uploads one file, encrypted with a KMS key when one is given."""
    with path.open("rb") as body:
        put_object(s3, uri, body, kms_key)


def put_object(s3: Any, uri: str, body: Any, kms_key: str | None) -> None:
    """Writes one object.

    Raises:
        DataError: no permission on the bucket or the key.
    """
    bucket, key = split_uri(uri)
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, **encryption)
    except ClientError as error:
        raise DataError(_reason(error, uri)) from error


def _fetch(s3: Any, bucket: str, key: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    with target.open("wb") as file:
        shutil.copyfileobj(body, file, 1 << 20)


def _inside(folder: Path, relative: str) -> Path:
    target = (folder / relative).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise DataError(f'the object path "{relative}" leads out of the input folder')
    return target


def _reason(error: ClientError, uri: str) -> str:
    details = error.response["Error"]
    return f"{error.operation_name} of {uri} failed: {details.get('Code')}: {details.get('Message')}"
