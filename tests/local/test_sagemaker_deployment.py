from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_local.awsjson import ServiceError, problems_of
from mlops_local.objects import DataError, download_manifest, download_prefix, join_uri, split_uri
from mlops_local.sagemaker.capture import Payload, capture_line
from mlops_local.sagemaker.deployment import WAIT_SCALE, Step, check, steps


def plan(kind: str, **routing: Any) -> dict[str, Any]:
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": 300, **routing}
        }
    }


def size(kind: str, value: int) -> dict[str, Any]:
    return {"Type": kind, "Value": value}


def test_traffic_shifts_as_configured() -> None:
    bake = 300 * WAIT_SCALE
    assert list(steps(None, 1)) == [Step(1.0, 0.0)]
    assert list(steps(plan("ALL_AT_ONCE"), 1)) == [Step(1.0, bake)]
    canary = plan("CANARY", CanarySize=size("CAPACITY_PERCENT", 10))
    assert list(steps(canary, 1)) == [Step(0.1, bake), Step(1.0, bake)]
    linear = plan("LINEAR", LinearStepSize=size("INSTANCE_COUNT", 1))
    assert [step.share for step in steps(linear, 4)] == [0.25, 0.5, 0.75, 1.0]


@given(st.sampled_from(["CAPACITY_PERCENT", "INSTANCE_COUNT"]), st.integers(1, 100), st.integers(1, 20))
def test_shares_grow_to_everything(kind: str, value: int, instances: int) -> None:
    shares = [step.share for step in steps(plan("LINEAR", LinearStepSize=size(kind, value)), instances)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(0 < share <= 1 for share in shares)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"RollingUpdatePolicy": {}}, "blue/green only"),
        (plan("CANARY"), "CanarySize"),
        (plan("LINEAR"), "LinearStepSize"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ServiceError, match=said):
        check(config)


def test_capture_takes_only_the_configured_direction() -> None:
    config = {
        "CaptureOptions": [{"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["a/json"]},
    }
    moment = datetime(2013, 4, 1, 12, tzinfo=UTC)
    line = capture_line(config, Payload("a/json", b"{}"), Payload("a/json; charset=utf-8", b"[1]"), "", "e", moment)
    assert line == {
        "captureData": {
            "endpointOutput": {
                "observedContentType": "a/json; charset=utf-8",
                "mode": "OUTPUT",
                "data": "[1]",
                "encoding": "JSON",
            }
        },
        "eventMetadata": {"eventId": "e", "inferenceTime": "2013-04-01T12:00:00Z"},
        "eventVersion": "0",
    }


def test_parameters_are_judged_by_the_model() -> None:
    model = botocore.session.get_session().get_service_model("application-autoscaling")
    shape = model.operation_model("RegisterScalableTarget").input_shape
    problems = problems_of(shape, {"ServiceNamespace": "moon", "ResourceId": "", "MinCapacity": "1", "What": 1}, "")
    assert len(problems) == 5
    assert any("'scalableDimension'" in problem and "must not be null" in problem for problem in problems)
    assert any("enum value set" in problem for problem in problems)
    assert any("'minCapacity'" in problem and "integer" in problem for problem in problems)
    assert any("Unknown parameter 'what'" in problem for problem in problems)


class Bucket:
    """As much of an S3 client as downloads use."""

    def __init__(self, **objects: bytes) -> None:
        self._objects = {key.replace("__", "/"): body for key, body in objects.items()}

    def get_paginator(self, _: str) -> Bucket:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        return [{"Contents": [{"Key": key} for key in sorted(self._objects) if key.startswith(Prefix)]}]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        import io

        return {"Body": io.BytesIO(self._objects[Key])}


@pytest.mark.parametrize(
    ("prefix", "files"),
    [
        ("in/", ["a", "deep/b"]),
        ("in", ["a", "deep/b", "inner"]),
        ("in/a", ["a"]),
        ("in/deep", ["b"]),
    ],
)
def test_objects_land_relative_to_their_prefix(tmp_path: Path, prefix: str, files: list[str]) -> None:
    bucket = Bucket(in__a=b"1", in__deep__b=b"2", inner=b"3")
    assert download_prefix(bucket, f"s3://bucket/{prefix}", tmp_path) == len(files)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()) == files


def test_a_manifest_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    manifest = json.dumps([{"prefix": "s3://bucket/x/"}, "../../evil"]).encode()
    with pytest.raises(DataError, match="leads out"):
        download_manifest(Bucket(manifest=manifest), "s3://bucket/manifest", tmp_path / "in")
    with pytest.raises(DataError, match="is not"):
        download_manifest(Bucket(manifest=b"{}"), "s3://bucket/manifest", tmp_path)


def test_uris() -> None:
    assert split_uri("s3://b/k/x") == ("b", "k/x")
    assert join_uri("s3://b/k/", "/x/", "y") == "s3://b/k/x/y"
    with pytest.raises(DataError):
        split_uri("https://b/k")
