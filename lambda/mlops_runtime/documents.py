"""Objects in S3, by URI: most are JSON documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlops_runtime import aws
from mlops_runtime.layout import S3Uri

if TYPE_CHECKING:
    from collections.abc import Iterable

    from botocore.response import StreamingBody

    from mlops_runtime.errors import PlatformError


def read_json(uri: S3Uri, error: type[PlatformError]) -> object:
    """Read and parse a document.

    Raises:
        PlatformError: Of the given class, when the document is not there or is not JSON. Throttling and denied
            access keep their AWS names, so that a workflow retries the one and reports the other.
    """
    try:
        body = open_object(uri).read()
    except FileNotFoundError:
        raise error(f"{uri} does not exist") from None
    try:
        return json.loads(body, parse_constant=_refuse)
    except ValueError as problem:
        raise error(f"{uri} is not valid JSON: {problem}") from None


def open_object(uri: S3Uri) -> StreamingBody:
    """Body of an object, to be read and closed.

    S3 says that there is no such object only to who may list the whole bucket. A role that may list some prefixes is
    refused, as if it lacked the permission to read; the list then tells the one from the other.

    Raises:
        FileNotFoundError: There is no such object.
    """
    client = aws.s3()
    try:
        return client.get_object(Bucket=uri.bucket, Key=uri.key)["Body"]
    except client.exceptions.NoSuchKey:
        raise FileNotFoundError(uri) from None
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "AccessDenied" and not _is_listed(uri):
            raise FileNotFoundError(uri) from None
        raise


def _is_listed(uri: S3Uri) -> bool:
    first = aws.s3().list_objects_v2(Bucket=uri.bucket, Prefix=uri.key, MaxKeys=1).get("Contents", [])
    return [item["Key"] for item in first] == [uri.key]


def write_json(uri: S3Uri, document: object) -> None:
    """Write a document; the bucket's own key encrypts it."""
    body = json.dumps(document, indent=1, sort_keys=True).encode()
    aws.s3().put_object(Bucket=uri.bucket, Key=uri.key, Body=body, ContentType="application/json")


def manifest(prefix: S3Uri, keys: Iterable[str]) -> list[dict[str, str] | str]:
    """SageMaker's ManifestFile: the common prefix, then the rest of each key.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    return [{"prefix": str(prefix)}, *(key.removeprefix(prefix.key) for key in keys)]


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number")
