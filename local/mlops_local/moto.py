"""moto, mounted in this process, for control planes the emulator lacks."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from .runtime import Handler, Response, Runtime

_HOP_BY_HOP = {"content-length", "connection", "server", "date", "transfer-encoding"}
_lock = threading.Lock()
_client: Any = None


def warm() -> None:
    """Imports moto in the background: the first use costs seconds otherwise."""
    threading.Thread(target=_load, name="moto-warm-up", daemon=True).start()


def call(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
    """One request to moto; blocks, so call it from a worker thread."""
    client = _load()
    sent = {key: value for key, value in headers.items() if key.lower() not in _HOP_BY_HOP}
    with _lock:  # moto's backends are plain dictionaries
        answer = client.open(path, method=method, headers=sent, data=body, query_string=urlencode(query, doseq=True))
    kept = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP_BY_HOP}
    return answer.status_code, kept, answer.get_data()


def moto_handler(runtime: Runtime, name: str) -> Handler:
    """A service handler that authorizes `<name>:<Operation>` on `*` and lets moto answer."""

    async def handler(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        runtime.authorize(headers, f"{name}:{_operation(name, method, path, headers, query)}", "*")
        return await asyncio.to_thread(call, method, path, headers, body, query)

    return handler


def _operation(name: str, method: str, path: str, headers: dict[str, str], query: dict[str, Any]) -> str:
    target = headers.get("x-amz-target", "")
    if target:
        return target.rsplit(".", 1)[-1]
    if "Action" in query:
        return str(query["Action"][0])
    return _rest_operation(name, method, path)


def _rest_operation(name: str, method: str, path: str) -> str:
    import botocore.session

    model = botocore.session.get_session().get_service_model(name)
    for operation in model.operation_names:
        http = model.operation_model(operation).http
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(http["requestUri"].partition("?")[0]))
        if http["method"] == method and re.fullmatch(pattern, path):
            return str(operation)
    return "Unknown"


def _load() -> Any:
    global _client
    with _lock:
        if _client is None:
            from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
            from werkzeug.test import Client

            _client = Client(DomainDispatcherApplication(create_backend_app))
    return _client
