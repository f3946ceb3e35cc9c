"""The endpoint's HTTP server: `GET /ping`, `POST /invocations` with CSV rows in and JSON lines out.

The port opens only after the model is loaded, so a ping that is answered means rows can be scored.
"""

import csv
import io
import json
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

import job
from model import Model
from schema import CATEGORICAL, FEATURES, KEY

MAX_BYTES = 6 * 1024 * 1024  # SageMaker's own limit for a real-time request
MAX_ROWS = 50_000


class BadRequestError(ValueError):
    """The client's input is wrong; the message is one line."""


def parse(body: bytes) -> tuple[list[str], dict[str, Any]]:
    """Reads CSV rows without header: the flight's key, then the features in schema order.

    Returns:
        The keys, and the columns by feature name.

    Raises:
        BadRequestError: Naming the first wrong row and column.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(body.decode("utf-8")), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequestError(f"the body is not UTF-8 CSV: {error}") from error
    if not rows or len(rows) > MAX_ROWS:
        raise BadRequestError(f"send 1 to {MAX_ROWS} rows, got {len(rows)}")
    width = 1 + len(FEATURES)
    for number, row in enumerate(rows, 1):
        if len(row) != width or not row[0]:
            raise BadRequestError(
                f"row {number}: expected {width} values ({KEY}, {', '.join(FEATURES)}), got {len(row)}"
                + ("" if row[0] else f" with an empty {KEY}")
            )
    keys, *values = zip(*rows, strict=True)
    columns = {
        name: column if name in CATEGORICAL else _numbers(name, column)
        for name, column in zip(FEATURES, values, strict=True)
    }
    return list(keys), columns


def _numbers(name: str, texts: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    numbers = np.empty(len(texts), dtype=np.float32)
    for position, text in enumerate(texts):
        try:
            numbers[position] = float(text) if text else np.nan
        except ValueError as error:
            raise BadRequestError(f"row {position + 1}: {name} must be a number or empty, got {text[:40]!r}") from error
    return numbers


class Handler(BaseHTTPRequestHandler):
    """One connection; the server gives each its own thread."""

    protocol_version = "HTTP/1.1"
    timeout = 65  # seconds; SageMaker gives up on a request after 60
    server: "Server"

    def do_GET(self) -> None:
        """Answers the health check."""
        if self.path == "/ping":
            self._answer(200, "application/json", b"{}")
        else:
            self._answer(404, "text/plain", b"only GET /ping and POST /invocations exist\n")

    def do_POST(self) -> None:
        """Scores the rows of one request."""
        body = self._body()
        if body is None:
            return
        if self.path != "/invocations":
            self._answer(404, "text/plain", b"only GET /ping and POST /invocations exist\n")
            return
        content_type = (self.headers.get("Content-Type") or "text/csv").partition(";")[0].strip()
        if content_type != "text/csv":
            self._answer(415, "text/plain", f"send text/csv, got {content_type}\n".encode())
            return
        try:
            answer = "".join(self.server.score(body)).encode()
        except BadRequestError as error:
            self._answer(400, "text/plain", f"{error}\n".encode())
            return
        self._answer(200, "application/jsonlines", answer)

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BYTES:
            self.close_connection = True
            self._answer(400, "text/plain", f"Content-Length must be 0 to {MAX_BYTES}, got {length!r}\n".encode())
            return None
        return self.rfile.read(int(length))

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs only what went wrong: a line per health check would drown the log."""
        if str(code) != "200":
            super().log_request(code, size)


class Server(ThreadingHTTPServer):
    """Holds the loaded model."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], model: Model, version: str) -> None:
        self.model = model
        self.version = version
        super().__init__(address, Handler)

    def score(self, body: bytes) -> Iterator[str]:
        """Yields one JSON line per CSV row, in the same order."""
        keys, columns = parse(body)
        for key, score in zip(keys, self.model.predict(columns).tolist(), strict=True):
            yield json.dumps({"record_id": key, "score": score, "model_package_version": self.version}) + "\n"


def main() -> None:
    """Loads the model, then serves until SIGTERM."""
    model = Model.load(job.opt_ml() / "model")
    model.predict({name: [""] if name in CATEGORICAL else [np.nan] for name in FEATURES})  # first call warms up
    # All interfaces: SageMaker calls the container from outside. The container's network is the endpoint's own.
    host = os.environ.get("BIND_HOST", "0.0.0.0")  # noqa: S104
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    server = Server((host, port), model, os.environ.get("MODEL_PACKAGE_VERSION", ""))
    # As process 1 of a container, Python would ignore SIGTERM; shutdown() must not run in the serving thread.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"serving model package version {server.version or 'unknown'} on {host}:{port}", flush=True)
    server.serve_forever(poll_interval=0.2)
    server.server_close()


if __name__ == "__main__":
    job.run(main)
