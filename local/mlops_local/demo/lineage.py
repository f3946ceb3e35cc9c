"""Follows the champion back from the endpoint to the data it was trained on, through the account's own records."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mlops_local.demo.observer import Event, Observer
from mlops_local.demo.platform import Platform
from mlops_local.demo.result import LineageStep, Package


def packages(observer: Observer) -> list[Package]:
    """Every model package version the platform registered, with why and whether it came to serve."""
    deployed = {event.detail["version"] for event in observer.events("Deployment Succeeded")}
    return [_package(event, deployed) for event in observer.events("Model Registered")]


def _package(event: Event, deployed: set[int]) -> Package:
    detail = event.detail
    return Package(
        version=detail["version"],
        arn=detail["model_package_arn"],
        month=event.month,
        reason=detail["reason"],
        metrics=detail["metrics"],
        champion_metrics=detail["champion_metrics"],
        snapshot_id=detail["snapshot_id"],
        deployed=detail["version"] in deployed,
    )


def champion_lineage(platform: Platform) -> list[LineageStep]:
    """Data snapshot, training run, training job, model artefact, image, package and endpoint of what serves now."""
    sagemaker = platform.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=platform.endpoint)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    container = model.get("PrimaryContainer") or model["Containers"][0]
    arn = container["ModelPackageName"]
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    served = package["InferenceSpecification"]["Containers"][0]
    metadata: dict[str, str] = package.get("CustomerMetadataProperties", {})
    run_id = metadata.get("run_id", "")
    return [
        *_snapshot(platform, run_id, metadata),
        LineageStep(kind="training run", address=run_id, hash=""),
        *_job(sagemaker, metadata),
        LineageStep(
            kind="model artefact", address=served["ModelDataUrl"], hash=_sha256(platform, served["ModelDataUrl"])
        ),
        LineageStep(kind="image", address=served["Image"], hash=served.get("ImageDigest", "")),
        LineageStep(kind="model package", address=arn, hash=""),
        LineageStep(kind="endpoint", address=endpoint["EndpointArn"], hash=f"config {endpoint['EndpointConfigName']}"),
    ]


def _snapshot(platform: Platform, run_id: str, metadata: dict[str, str]) -> list[LineageStep]:
    uri = f"s3://{platform.bucket('artefacts')}/{platform.workload}/runs/{run_id}/snapshot/snapshot.json"
    # Reading it is the point: a lineage that names a document nobody can open is none.
    json.loads(platform.read(uri))
    return [LineageStep(kind="data snapshot", address=uri, hash=metadata.get("snapshot_id", ""))]


def _job(sagemaker: Any, metadata: dict[str, str]) -> list[LineageStep]:
    name = metadata.get("training_job", "")
    if not name:
        return []
    job = sagemaker.describe_training_job(TrainingJobName=name)
    return [LineageStep(kind="training job", address=job["TrainingJobArn"], hash="")]


def _sha256(platform: Platform, uri: str) -> str:
    return hashlib.sha256(platform.read(uri)).hexdigest()
