"""S3 objects encrypted with a KMS key need that key: Decrypt to read, GenerateDataKey to write, by the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ..errors import AccessDenied
from ..patches import replace

if TYPE_CHECKING:
    from ..runtime import Runtime

_ALGORITHM = "x-amz-server-side-encryption"
AWS_MANAGED = "alias/aws/s3"
_KEY_ID = "x-amz-server-side-encryption-aws-kms-key-id"


def register(runtime: Runtime) -> None:
    """Puts the key checks in front of the emulator's S3."""

    def checking(original: Any) -> Any:
        async def handle_request(
            method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any], **options: Any
        ) -> Any:
            if headers.get(_ALGORITHM) == "aws:kms" and not headers.get(_KEY_ID):
                headers = {**headers, _KEY_ID: AWS_MANAGED}
            try:
                for action, key_id in needed_keys(method, path, headers, query_params):
                    _authorize(runtime, headers, query_params, action, key_id, path)
            except AccessDenied as denied:
                return _denied(denied)
            return await original(method, path, headers, body, query_params, **options)

        return handle_request

    replace("ministack.services.s3", "handle_request", checking)


def needed_keys(method: str, path: str, headers: dict[str, str], query: dict[str, Any]) -> list[tuple[str, str]]:
    """The (KMS action, key id) pairs an S3 request needs; empty when no customer key is involved."""
    bucket, _, key = path.lstrip("/").partition("/")
    if not key:
        return []
    needs: list[tuple[str, str]] = []
    multipart = "uploadId" in query or "uploads" in query
    if method == "GET" and not _subresource(query):
        needs.append(("kms:Decrypt", _object_key(bucket, key, query)))
    if (method == "PUT" and not _subresource(query) and "uploadId" not in query) or (method == "POST" and multipart):
        needs.append(("kms:GenerateDataKey", _write_key(bucket, headers)))
    if multipart and method in ("PUT", "POST"):
        needs.append(("kms:Decrypt", _write_key(bucket, headers)))
    source = headers.get("x-amz-copy-source", "")
    if method == "PUT" and source:
        name, _, version = unquote(source).lstrip("/").partition("?versionId=")
        source_bucket, _, source_key = name.partition("/")
        needs.append(
            ("kms:Decrypt", _object_key(source_bucket, source_key, {"versionId": [version]} if version else {}))
        )
    # The key of the account for S3 may be used by whoever may use the bucket.
    return [(action, key_id) for action, key_id in needs if key_id and key_id != AWS_MANAGED]


def _subresource(query: dict[str, Any]) -> bool:
    plain = {"versionId", "partNumber", "uploadId", "x-id", "response-content-type", "response-content-disposition"}
    return any(name not in plain and not name.lower().startswith("x-amz-") for name in query)


def _object_key(bucket: str, key: str, query: dict[str, Any]) -> str:
    from ministack.services import s3

    version = (query.get("versionId") or [""])[0]
    record: dict[str, Any] | None = None
    if version:
        record = next((v for v in s3._object_versions.get((bucket, key), []) if v.get("version_id") == version), None)
        record = s3._object_record_from_version(record) if record else None
    else:
        record = s3._buckets.get(bucket, {}).get("objects", {}).get(key)
    return str((record or {}).get("preserved_headers", {}).get(_KEY_ID, ""))


def _write_key(bucket: str, headers: dict[str, str]) -> str:
    from ministack.services import s3

    if headers.get(_ALGORITHM) == "AES256":
        return ""
    return str(headers.get(_KEY_ID) or s3._bucket_default_sse_headers(bucket).get(_KEY_ID, ""))


def _authorize(
    runtime: Runtime, headers: dict[str, str], query: dict[str, Any], action: str, key_id: str, path: str
) -> None:
    arn = key_arn(key_id)
    if arn is None:
        raise AccessDenied("the caller", action, key_id, message=f"The KMS key {key_id} does not exist")
    bucket = path.lstrip("/").partition("/")[0]
    context = {
        "kms:ViaService": f"s3.{runtime.region}.amazonaws.com",
        "kms:CallerAccount": runtime.account,
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}",
    }
    runtime.authorize(headers, action, arn, context, query)


def key_arn(key_id: str) -> str | None:
    """The ARN of a key given by id, ARN or alias; None when there is no such key."""
    from ministack.services import kms

    record = kms._resolve_key(key_id)
    return str(record["Arn"]) if record else None


def _denied(denied: AccessDenied) -> tuple[int, dict[str, str], bytes]:
    from xml.sax.saxutils import escape

    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
        f"<Message>{escape(denied.message)}</Message></Error>"
    )
    return 403, {"Content-Type": "application/xml"}, body.encode()
