"""Reads back from S3 what was served: the endpoint's capture, joined with the curated labels."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import pandas as pd

from mlops_local.demo.months import Month
from mlops_local.demo.platform import Platform
from mlops_local.demo.scoring import INFERENCE_PREFIX

COLUMNS = ("flight_id", "month", "model_package_version", "score", "label")


class CaptureError(RuntimeError):
    """Capture or labels in S3 are not what the platform promises."""


def parse_capture(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Prediction rows of the replay's requests in SageMaker data capture lines.

    Requests of others (the deployment's smoke test) carry another inference id and are left out; a line that was
    written twice counts once.
    """
    seen: set[str] = set()
    for line in lines:
        record = json.loads(line)
        inference_id = record["eventMetadata"].get("inferenceId", "")
        if not inference_id.startswith(INFERENCE_PREFIX) or inference_id in seen:
            continue
        seen.add(inference_id)
        month = inference_id.removeprefix(INFERENCE_PREFIX)[: len("2013-04")]
        for answer in _output_lines(record["captureData"]["endpointOutput"]):
            yield {
                "flight_id": answer["record_id"],
                "month": month,
                "model_package_version": int(answer["model_package_version"]),
                "score": float(answer["score"]),
            }


def _output_lines(output: dict[str, Any]) -> list[dict[str, Any]]:
    data = output["data"]
    if output["encoding"] == "BASE64":
        data = base64.b64decode(data).decode()
    return [json.loads(line) for line in data.splitlines() if line.strip()]


def capture_keys(platform: Platform) -> list[str]:
    """Every capture object of the endpoint."""
    return platform.list_keys(platform.bucket("capture"), f"{platform.workload}/{platform.endpoint}/")


def capture_lines(platform: Platform, keys: Iterable[str]) -> Iterator[str]:
    """Every line of some capture objects."""
    bucket = platform.bucket("capture")
    for key in keys:
        yield from platform.read(f"s3://{bucket}/{key}").decode().splitlines()


def await_capture(
    platform: Platform, month: Month, requests: int, earlier: Collection[str], timeout: float = 60
) -> None:
    """Wait until the capture of a month's requests has reached S3: SageMaker writes it a little later.

    Args:
        platform: whose capture.
        month: the requests' month.
        requests: how many were sent.
        earlier: objects that were there before the first of them was sent; an object is written once.
        timeout: seconds to wait.

    Raises:
        CaptureError: it is not complete in time.
    """
    deadline, prefix = time.monotonic() + timeout, f"{INFERENCE_PREFIX}{month}-"
    read, ids = set(earlier), set[str]()
    while True:
        new = [key for key in capture_keys(platform) if key not in read]
        read.update(new)
        ids |= {json.loads(line)["eventMetadata"].get("inferenceId", "") for line in capture_lines(platform, new)}
        arrived = sum(one.startswith(prefix) for one in ids)
        if arrived >= requests:
            return
        if time.monotonic() > deadline:
            raise CaptureError(f"{arrived} of {requests} requests of {month} are in the capture after {timeout:.0f} s")
        time.sleep(0.2)


def curated_labels(platform: Platform) -> pd.Series[int]:
    """The label of every flight in the curated zone, indexed by flight_id.

    Raises:
        CaptureError: a flight has two labels: the platform must have kept contradictions out.
    """
    bucket = platform.bucket("curated")
    keys = [key for key in platform.list_keys(bucket, f"{platform.workload}/labels/") if key.endswith(".parquet")]
    frames = [pd.read_parquet(io.BytesIO(platform.read(f"s3://{bucket}/{key}"))) for key in keys]
    labels = pd.concat(frames, ignore_index=True)
    if labels["flight_id"].duplicated().any():
        raise CaptureError(f"{int(labels['flight_id'].duplicated().sum())} flights have more than one curated label")
    return labels.set_index("flight_id")["late"].astype("Int64")


def predictions(platform: Platform) -> pd.DataFrame:
    """One row per served prediction: flight_id, month, model_package_version, score, label (null: not known yet)."""
    frame = pd.DataFrame(parse_capture(capture_lines(platform, capture_keys(platform))))
    if frame.empty:
        raise CaptureError(f"no prediction of the replay is in the capture bucket {platform.bucket('capture')}")
    frame["label"] = frame["flight_id"].map(curated_labels(platform)).astype("Int64")
    return frame.sort_values(["month", "flight_id"], ignore_index=True)[list(COLUMNS)]
