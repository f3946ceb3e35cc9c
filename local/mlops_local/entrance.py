"""What is served without a signature: whether the server is up, and the answers of custom resources. Nothing else.

The emulator underneath would reset the account, hand out the code of functions and list buckets for anybody.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

_HEALTH = "/_ministack/health"
# CloudFormation hands these addresses out, like its presigned ones: who knows the token may answer.
_ANSWERS = ("/_ministack/cfn-response/", "/_ministack/cfn-signal/")
_CONTROL = ("/_ministack", "/_localstack")  # no bucket can have such a name
_SIGNED = ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "AWS ")
_SIGNED_QUERY = ("X-Amz-Algorithm", "AWSAccessKeyId")


def guard(application: Any) -> Any:
    """The application behind the check; the emulator itself checks the signature and what it allows."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":  # of services that nobody vouches for
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = _refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await application(scope, receive, send)
            return
        status, kind, body = refusal
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return guarded


def _refusal(scope: Any) -> tuple[int, bytes, bytes] | None:
    path = scope["path"]
    if path == _HEALTH or (scope["method"] == "PUT" and path.startswith(_ANSWERS)):
        return None
    if path == "/health" or path.startswith(_CONTROL):
        return 404, b"application/json", json.dumps({"message": f"the local AWS serves {_HEALTH} only"}).encode()
    headers = dict(scope["headers"])
    if headers.get(b"authorization", b"").decode("latin-1").startswith(_SIGNED):
        return None
    if any(name in parse_qs(scope["query_string"].decode("latin-1")) for name in _SIGNED_QUERY):
        return None
    code, message = "MissingAuthenticationToken", "Missing Authentication Token: the local AWS serves signed requests"
    if b"x-amz-target" in headers:
        return 403, b"application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
    error = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return 403, b"application/xml", error.encode()
