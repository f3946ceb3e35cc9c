"""Data capture of endpoints: SageMaker's JSON lines at SageMaker's paths, written as the model's role."""

from __future__ import annotations

import base64
import json
import logging
import random
import threading
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..children import write_log
from ..objects import DataError, join_uri, put_object
from ..runtime import Runtime
from .account import Record, now
from .servers import ModelServer

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.25


@dataclass(frozen=True)
class Payload:
    """One direction of an invocation: the bytes and their content type."""

    content_type: str
    body: bytes


@dataclass(frozen=True)
class _Target:
    uri: str
    kms_key: str | None
    server: ModelServer


class Capture:
    """Collects captured invocations and writes them in files of some lines, soon after they happened."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lines: dict[_Target, list[str]] = defaultdict(list)
        self._lock, self._writing, self._wake = threading.Lock(), threading.Lock(), threading.Event()
        threading.Thread(target=self._loop, name="endpoint-capture", daemon=True).start()

    def record(
        self,
        endpoint: str,
        server: ModelServer,
        config: Record | None,
        request: Payload,
        response: Payload,
        inference_id: str,
        event_id: str,
    ) -> None:
        """Captures one invocation, if the configuration's sample takes it.

        Args:
            endpoint: Name of the endpoint.
            server: The server that answered.
            config: `DataCaptureConfig` of the endpoint configuration, or None.
            request: What the client sent.
            response: What the container answered.
            inference_id: Given by the client, or "".
            event_id: Id of the invocation.
        """
        if not config or not config.get("EnableCapture", True):
            return
        if random.random() * 100 >= config["InitialSamplingPercentage"]:
            return
        moment = now()
        line = json.dumps(capture_line(config, request, response, inference_id, event_id, moment))
        uri = join_uri(
            config["DestinationS3Uri"], endpoint, server.variant["VariantName"], moment.strftime("%Y/%m/%d/%H")
        )
        with self._lock:
            self._lines[_Target(uri, config.get("KmsKeyId"), server)].append(line)
        self._wake.set()

    def flush(self) -> None:
        """Writes what was captured so far; returns when it is in S3."""
        with self._writing:
            with self._lock:
                lines, self._lines = self._lines, defaultdict(list)
            for target, captured in lines.items():
                self._write(target, captured)

    def _write(self, target: _Target, lines: list[str]) -> None:
        name = f"{now():%M-%S-%f}"[:9] + f"-{uuid.uuid4()}.jsonl"
        body = ("\n".join(lines) + "\n").encode()
        server = target.server
        try:
            put_object(self._runtime.client("s3", server.session), join_uri(target.uri, name), body, target.kms_key)
        except DataError as error:  # as in SageMaker, serving goes on; the endpoint's log says what was lost
            message = f"data capture lost {len(lines)} records: {error}"
            logger.error(message)
            write_log(self._runtime, server.session, server.log_group, server.log_stream, message)

    def _loop(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            threading.Event().wait(FLUSH_SECONDS)
            try:
                self.flush()
            except Exception:  # one failed write must not end capture for good
                logger.exception("data capture failed")


def capture_line(
    config: Record, request: Payload, response: Payload, inference_id: str, event_id: str, moment: datetime
) -> dict[str, Any]:
    """One record of SageMaker's data capture format.

    Args:
        config: `DataCaptureConfig`: which directions, and which content types are written as text.
        request: What the client sent.
        response: What the container answered.
        inference_id: Left out when "".
        event_id: Id of the invocation.
        moment: Time of the invocation, with zone.
    """
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    both = "InputAndOutput" in modes
    data = {}
    if both or "Input" in modes:
        data["endpointInput"] = _direction("INPUT", request, config)
    if both or "Output" in modes:
        data["endpointOutput"] = _direction("OUTPUT", response, config)
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = {"eventId": event_id, **({"inferenceId": inference_id} if inference_id else {}), "inferenceTime": stamp}
    return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


def _direction(mode: str, payload: Payload, config: Record) -> dict[str, str]:
    kind = payload.content_type.partition(";")[0].strip()
    headers = config.get("CaptureContentTypeHeader", {})
    if kind in headers.get("CsvContentTypes", []):
        data, encoding = payload.body.decode("utf-8", errors="replace"), "CSV"
    elif kind in headers.get("JsonContentTypes", []):
        data, encoding = payload.body.decode("utf-8", errors="replace"), "JSON"
    else:
        data, encoding = base64.b64encode(payload.body).decode(), "BASE64"
    return {"observedContentType": payload.content_type, "mode": mode, "data": data, "encoding": encoding}
