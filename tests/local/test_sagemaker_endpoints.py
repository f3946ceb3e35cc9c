from __future__ import annotations

import base64
import contextlib
import io
import itertools
import json
import re
import tarfile
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops_local.server import LocalAws
from tests.local.ml import (
    ACCOUNT,
    IMAGE,
    LOGS,
    PULL,
    allow,
    events_queue,
    eventually,
    log_text,
    make_role,
    push_image,
    received,
    until,
)

BUCKET = "ml-endpoints"
ALARM = "server-errors"
COUNTER = itertools.count()


@pytest.fixture(scope="module")
def role(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> str:
    push_image(aws, tmp_path_factory.mktemp("image"))
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        content = b"{}"
        entry = tarfile.TarInfo("weights.json")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=archive.getvalue())
    statements = [
        PULL,
        LOGS,
        allow("s3:GetObject", on=f"arn:aws:s3:::{BUCKET}/model.tar.gz"),
        allow("s3:PutObject", on=f"arn:aws:s3:::{BUCKET}/capture/*"),
        allow("kms:GenerateDataKey", "kms:Decrypt"),
        allow("cloudwatch:DescribeAlarms"),
    ]
    return make_role(aws, "ml-endpoints", "sagemaker.amazonaws.com", statements)


def make_config(aws: LocalAws, role: str, name: str, capture: dict[str, Any] | None = None, **env: str) -> str:
    """A model and an endpoint configuration of one name; `env` goes to the container."""
    client = aws.client("sagemaker")
    container = {
        "Image": IMAGE,
        "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz",
        "Environment": {"VERSION": name, **env},
    }
    client.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    extra = {"DataCaptureConfig": capture} if capture else {}
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **extra)
    return name


def settled(aws: LocalAws, name: str) -> dict[str, Any]:
    client = aws.client("sagemaker")
    return until(lambda: client.describe_endpoint(EndpointName=name), "EndpointStatus", "InService", "Failed")


def ask(aws: LocalAws, name: str, body: str = "row", **extra: str) -> dict[str, Any]:
    answer = aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, Body=body.encode(), ContentType="text/csv", **extra
    )
    found: dict[str, Any] = json.loads(answer["Body"].read())
    return {**found, "variant": answer["InvokedProductionVariant"], "type": answer["ContentType"]}


@pytest.fixture
def endpoint(aws: LocalAws, role: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """An endpoint in service, served by version `<name>-1`."""
    name = re.sub(r"\W+|_", "-", request.node.name.removeprefix("test_"))[:40].strip("-") + f"-{next(COUNTER)}"
    aws.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=make_config(aws, role, f"{name}-1"))
    assert settled(aws, name)["EndpointStatus"] == "InService"
    yield name
    settled(aws, name)
    aws.client("sagemaker").delete_endpoint(EndpointName=name)


def test_an_endpoint_serves_and_disappears(aws: LocalAws, role: str) -> None:
    client = aws.client("sagemaker")
    queue = events_queue(aws, "endpoint-events", "aws.sagemaker")
    client.create_endpoint(EndpointName="life", EndpointConfigName=make_config(aws, role, "life-1"))
    found = settled(aws, "life")
    assert found["ProductionVariants"][0]["DeployedImages"][0]["SpecifiedImage"] == IMAGE
    answer = ask(aws, "life", "a,b")
    expected = {
        "version": "life-1",
        "got": "a,b",
        "weights": True,
        "variant": "AllTraffic",
        "type": "application/jsonlines",
    }
    assert answer == expected
    assert ask(aws, "life", TargetVariant="AllTraffic")["version"] == "life-1"
    eventually(lambda: "serving life-1" in log_text(aws, "/aws/sagemaker/Endpoints/life", "AllTraffic/"))
    client.delete_endpoint(EndpointName="life")
    eventually(lambda: not client.list_endpoints(NameContains="life")["Endpoints"])
    with pytest.raises(ClientError, match="Could not find endpoint"):
        client.describe_endpoint(EndpointName="life")
    with pytest.raises(ClientError, match=f"Endpoint life of account {ACCOUNT} not found") as caught:
        ask(aws, "life")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    events = received(aws, queue, lambda f: any(e["detail"].get("EndpointStatus") == "DELETING" for e in f))
    mine = [e for e in events if e["detail-type"] == "SageMaker Endpoint State Change"]
    statuses = [e["detail"]["EndpointStatus"] for e in mine if e["detail"]["EndpointName"] == "life"]
    assert statuses == ["CREATING", "IN_SERVICE", "DELETING"]


def test_a_server_that_does_not_come_up_fails_the_endpoint(aws: LocalAws, role: str) -> None:
    client = aws.client("sagemaker")
    client.create_endpoint(EndpointName="dead", EndpointConfigName=make_config(aws, role, "dead-1", HEALTH="exit"))
    found = settled(aws, "dead")
    assert found["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in found["FailureReason"]
    assert "can't load the model" in log_text(aws, "/aws/sagemaker/Endpoints/dead", "AllTraffic/")


@pytest.mark.parametrize("status", [400, 500])
def test_errors_of_the_container_are_model_errors(aws: LocalAws, endpoint: str, status: int) -> None:
    with pytest.raises(ClientError) as caught:
        ask(aws, endpoint, f"break {status}")
    response = caught.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (response["OriginalStatusCode"], response["OriginalMessage"]) == (status, "told to break")


def test_a_container_that_ends_is_started_again(aws: LocalAws, endpoint: str) -> None:
    with pytest.raises(ClientError) as caught:
        ask(aws, endpoint, "die")
    assert caught.value.response["OriginalStatusCode"] == 500

    def answers() -> bool:
        with contextlib.suppress(ClientError):
            return bool(ask(aws, endpoint)["weights"])
        return False

    eventually(answers)


def test_an_unknown_variant_is_refused(aws: LocalAws, endpoint: str) -> None:
    with pytest.raises(ClientError, match="Variant other not found"):
        ask(aws, endpoint, TargetVariant="other")


def test_capture_is_sagemakers_format_at_sagemakers_path(aws: LocalAws, role: str) -> None:
    client, s3 = aws.client("sagemaker"), aws.client("s3")
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/capture",
        "KmsKeyId": key,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    client.create_endpoint(EndpointName="cap", EndpointConfigName=make_config(aws, role, "cap-1", capture))
    assert settled(aws, "cap")["DataCaptureConfig"]["CaptureStatus"] == "Started"
    for number in range(5):
        ask(aws, "cap", f"row,{number}", InferenceId=f"id-{number}")

    def lines() -> list[dict[str, Any]]:
        objects = s3.list_objects_v2(Bucket=BUCKET, Prefix="capture/cap/AllTraffic/20").get("Contents", [])
        bodies = [s3.get_object(Bucket=BUCKET, Key=o["Key"])["Body"].read().decode() for o in objects]
        return [json.loads(line) for body in bodies for line in body.splitlines()]

    captured = eventually(lambda: lines() if len(lines()) == 5 else None)
    first = next(line for line in captured if line["eventMetadata"]["inferenceId"] == "id-0")
    given = first["captureData"]["endpointInput"]
    assert given == {"observedContentType": "text/csv", "mode": "INPUT", "data": "row,0", "encoding": "CSV"}
    output = first["captureData"]["endpointOutput"]
    assert (output["mode"], output["encoding"]) == ("OUTPUT", "BASE64")
    assert json.loads(base64.b64decode(output["data"]))["got"] == "row,0"
    assert first["eventVersion"] == "0"
    assert first["eventMetadata"]["inferenceTime"].endswith("Z")
    name = s3.list_objects_v2(Bucket=BUCKET, Prefix="capture/cap/")["Contents"][0]["Key"]
    assert name.endswith(".jsonl") and name.count("/") == 7
    head = s3.head_object(Bucket=BUCKET, Key=name)
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def blue_green(alarms: list[str], wait: int = 300, kind: str = "CANARY") -> dict[str, Any]:
    routing: dict[str, Any] = {"Type": kind, "WaitIntervalInSeconds": wait}
    if kind == "CANARY":
        routing["CanarySize"] = {"Type": "CAPACITY_PERCENT", "Value": 50}
    if kind == "LINEAR":
        routing["LinearStepSize"] = {"Type": "CAPACITY_PERCENT", "Value": 50}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}
    rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}
    return {"BlueGreenUpdatePolicy": policy, **rollback}


@pytest.mark.parametrize("kind", ["ALL_AT_ONCE", "CANARY", "LINEAR"])
def test_an_update_moves_to_the_new_version_without_a_gap(aws: LocalAws, role: str, endpoint: str, kind: str) -> None:
    client = aws.client("sagemaker")
    config = make_config(aws, role, f"{endpoint}-2")
    client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, DeploymentConfig=blue_green([], kind=kind))
    seen = set()
    while client.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "Updating":
        seen.add(ask(aws, endpoint)["version"])
    found = settled(aws, endpoint)
    assert found["EndpointConfigName"] == config
    assert "PendingDeploymentSummary" not in found
    assert ask(aws, endpoint)["version"] == config
    assert seen <= {f"{endpoint}-1", config}


def test_a_version_that_does_not_start_is_rolled_back(aws: LocalAws, role: str, endpoint: str) -> None:
    client = aws.client("sagemaker")
    client.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=make_config(aws, role, "wont-start", HEALTH="exit")
    )
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        client.update_endpoint(EndpointName=endpoint, EndpointConfigName="wont-start")
    found = settled(aws, endpoint)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", f"{endpoint}-1")
    assert "did not pass the ping health check" in found["FailureReason"]
    assert ask(aws, endpoint)["version"] == f"{endpoint}-1"


def put_alarm(aws: LocalAws, endpoint: str) -> None:
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=ALARM,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )


def test_an_alarm_while_baking_rolls_back_and_the_old_version_serves(aws: LocalAws, role: str, endpoint: str) -> None:
    client = aws.client("sagemaker")
    put_alarm(aws, endpoint)
    plan = blue_green([ALARM], wait=3000)
    config = make_config(aws, role, "broken", BROKEN="yes")
    client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, DeploymentConfig=plan)
    stop = threading.Event()

    def traffic() -> None:
        while not stop.is_set():
            with contextlib.suppress(ClientError):
                ask(aws, endpoint)

    thread = threading.Thread(target=traffic)
    thread.start()
    found = settled(aws, endpoint)
    stop.set()
    thread.join()
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", f"{endpoint}-1")
    assert ALARM in found["FailureReason"]
    assert {ask(aws, endpoint)["version"] for _ in range(10)} == {f"{endpoint}-1"}


def test_retained_properties_survive_an_update(aws: LocalAws, role: str, endpoint: str) -> None:
    client = aws.client("sagemaker")
    change = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 3, "DesiredWeight": 2.0}]
    client.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=change)
    assert settled(aws, endpoint)["ProductionVariants"][0]["CurrentInstanceCount"] == 3
    config = make_config(aws, role, "retaining")
    client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, RetainAllVariantProperties=True)
    variant = settled(aws, endpoint)["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (3, 2.0)
    client.update_endpoint(EndpointName=endpoint, EndpointConfigName=make_config(aws, role, "forgetting"))
    variant = settled(aws, endpoint)["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (1, 1.0)


def test_what_names_something_missing_is_refused(aws: LocalAws, role: str) -> None:
    client = aws.client("sagemaker")
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        client.create_endpoint(EndpointName="x", EndpointConfigName="none")
    variant = {"VariantName": "v", "ModelName": "none", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    with pytest.raises(ClientError, match="Could not find model"):
        client.create_endpoint_config(EndpointConfigName="x", ProductionVariants=[variant])
    with pytest.raises(ClientError, match="Could not find endpoint"):
        client.delete_endpoint(EndpointName="none")


def test_scaling_targets_need_an_endpoint_that_exists(aws: LocalAws, endpoint: str) -> None:
    client = aws.client("application-autoscaling")
    names = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
    with pytest.raises(ClientError, match="does not exist"):
        client.register_scalable_target(**names, ResourceId="endpoint/none/variant/v", MinCapacity=1, MaxCapacity=2)
    names["ResourceId"] = f"endpoint/{endpoint}/variant/AllTraffic"
    with pytest.raises(ClientError, match="No scalable target registered"):
        client.deregister_scalable_target(**names)
    client.register_scalable_target(**names, MinCapacity=1, MaxCapacity=2)
    tracking = {
        "TargetValue": 100.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    client.put_scaling_policy(
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking,
        **names,
    )
    targets = client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[names["ResourceId"]])
    assert [(t["MinCapacity"], t["MaxCapacity"]) for t in targets["ScalableTargets"]] == [(1, 2)]
    policies = client.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=names["ResourceId"])
    assert policies["ScalingPolicies"][0]["TargetTrackingScalingPolicyConfiguration"] == tracking
    client.deregister_scalable_target(**names)
    assert not client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]


def test_an_endpoint_whose_model_is_gone_is_not_begun(aws: LocalAws, role: str, endpoint: str) -> None:
    client = aws.client("sagemaker")
    gone = make_config(aws, role, "gone")
    client.delete_model(ModelName=gone)
    with pytest.raises(ClientError, match="Could not find model"):
        client.create_endpoint(EndpointName="never", EndpointConfigName=gone)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        client.describe_endpoint(EndpointName="never")
    before = client.describe_endpoint(EndpointName=endpoint)
    with pytest.raises(ClientError, match="Could not find model"):
        client.update_endpoint(EndpointName=endpoint, EndpointConfigName=gone)
    after = client.describe_endpoint(EndpointName=endpoint)
    for found in (before, after):
        del found["ResponseMetadata"]
    assert after == before


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("invoke_endpoint_with_response_stream", {"Body": b"a,b"}),
        ("invoke_endpoint_async", {"InputLocation": "s3://b/k"}),
    ],
)
def test_other_ways_to_invoke_are_refused_by_name(aws: LocalAws, operation: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match=r"NotImplementedException.*does not run sagemaker-runtime InvokeEndpoint"):
        getattr(aws.client("sagemaker-runtime"), operation)(EndpointName="any", **arguments)
