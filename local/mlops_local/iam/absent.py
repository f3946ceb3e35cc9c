"""S3 says that an object is not there only to who may list the bucket; the others are refused.

A request for an object carries no `s3:prefix`: permission to list below a prefix alone does not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import AccessDenied
from ..patches import replace

if TYPE_CHECKING:
    from ..runtime import Runtime

_REFUSED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)


def register(runtime: Runtime) -> None:
    """Puts the question behind the emulator's S3, for what it did not find."""

    def hiding(original: Any) -> Any:
        async def handle_request(
            method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any], **options: Any
        ) -> Any:
            answer = await original(method, path, headers, body, query_params, **options)
            bucket, _, key = path.lstrip("/").partition("/")
            if answer[0] == 404 and key and method in ("GET", "HEAD") and _exists(bucket):
                try:
                    runtime.authorize(headers, "s3:ListBucket", f"arn:aws:s3:::{bucket}", query=query_params)
                except AccessDenied:
                    return 403, {"Content-Type": "application/xml"}, b"" if method == "HEAD" else _REFUSED
            return answer

        return handle_request

    replace("ministack.services.s3", "handle_request", hiding)


def _exists(bucket: str) -> bool:
    from ministack.services import s3

    return bucket in s3._buckets
