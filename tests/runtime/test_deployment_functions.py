"""A deployment is believed only when the live endpoint says so, and its removal leaves nothing."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from mlops_runtime import aws
from mlops_runtime.errors import InvalidInput
from smoke_test.logic import complaint
from tests.runtime.conftest import Account, Call, Context, Json

ENDPOINT = "flight-delays-local"
PAYLOAD = "smoke-1,515,1,UA\nsmoke-2,600,2,AA\n"


def make_endpoint(config: str = f"{ENDPOINT}-run-1") -> None:
    client = aws.sagemaker()
    client.create_model(
        ModelName=config,
        ExecutionRoleArn="arn:aws:iam::123456789012:role/model",
        PrimaryContainer={"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1"},
    )
    variant = {"VariantName": "main", "ModelName": config, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    client.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])  # type: ignore[list-item]


# -- live_config_check --------------------------------------------------------------------------------------------


def test_the_expected_config_in_service_is_live(account: Account, call: Call) -> None:
    make_endpoint()
    aws.sagemaker().create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=f"{ENDPOINT}-run-1")
    live = call("live_config_check", {"endpoint": ENDPOINT, "expected_endpoint_config": f"{ENDPOINT}-run-1"})
    assert (live["live"], live["endpoint_status"]) == (True, "InService")


def test_a_rolled_back_endpoint_is_in_service_and_not_live(account: Account, call: Call) -> None:
    make_endpoint()
    aws.sagemaker().create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=f"{ENDPOINT}-run-1")
    live = call("live_config_check", {"endpoint": ENDPOINT, "expected_endpoint_config": f"{ENDPOINT}-run-2"})
    assert live["live"] is False
    assert live["reason"] == f"{ENDPOINT} serves {ENDPOINT}-run-1, not {ENDPOINT}-run-2"


@pytest.mark.parametrize(
    ("status", "pending", "words"),
    [("Failed", False, "is Failed, not InService: no capacity"), ("InService", True, "deployment on its way")],
)
def test_other_states_are_not_live(status: str, pending: bool, words: str) -> None:
    from live_config_check.logic import compare

    live = compare(endpoint="e", expected="c", status=status, actual="c", failure="no capacity", pending=pending)
    assert not live.live
    assert words in live.reason


# -- smoke_test ---------------------------------------------------------------------------------------------------


def answers(**change: object) -> bytes:
    lines = [
        {"record_id": f"smoke-{number}", "score": 0.3, "model_package_version": "7", **change} for number in (1, 2)
    ]
    return "\n".join(json.dumps(line) for line in lines).encode()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (answers(), ""),
        (b"<html>", "not JSON lines"),
        (answers().splitlines()[0], "sent 2 rows, got 1"),
        (answers(record_id="smoke-1"), "answer 2: record_id must be 'smoke-2'"),
        (answers(score=1.01), "score must lie in [0, 1]"),
        (answers(score="0.3"), "score must be a number"),
        (answers(score=True), "score must be a number"),
        (answers(score=float("nan")), "score must be a number"),
        (answers(model_package_version="6"), "model_package_version must be 7, got '6'"),
        (b"1\n2", "expected an object"),
    ],
)
def test_an_answer_that_breaks_the_serving_contract_is_noticed(body: bytes, words: str) -> None:
    problem = complaint(PAYLOAD, body, version="7", minimum=0, maximum=1)
    assert words in problem
    assert bool(problem) == bool(words)


@pytest.fixture
def runtime(account: Account, environ: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """moto answers every endpoint with the same canned body, so the runtime API is stubbed."""
    environ.setenv("SMOKE_PAYLOAD", PAYLOAD)
    with Stubber(aws.sagemaker_runtime()) as stub:
        yield stub


def test_a_smoke_test_is_marked_for_the_monitor_and_timed(runtime: Stubber, call: Call) -> None:
    body = answers()
    sent: list[dict[str, str]] = []
    emitter = aws.sagemaker_runtime().meta.events
    emitter.register("before-parameter-build.sagemaker-runtime.InvokeEndpoint", lambda params, **_: sent.append(params))
    runtime.add_response(
        "invoke_endpoint",
        {"Body": StreamingBody(io.BytesIO(body), len(body))},
        {
            "EndpointName": ENDPOINT,
            "ContentType": "text/csv",
            "Accept": "application/jsonlines",
            "InferenceId": ANY,
            "Body": PAYLOAD.encode(),
        },
    )
    result = call("smoke_test", {"endpoint": ENDPOINT, "version": "7"})
    assert result["passed"] is True
    assert isinstance(result["latency_ms"], float)
    assert sent[0]["InferenceId"].startswith("smoke-")


def test_a_failing_model_is_an_answer_not_a_crash(runtime: Stubber, call: Call) -> None:
    runtime.add_client_error("invoke_endpoint", "ModelError", "Received 500 from primary")
    result = call("smoke_test", {"endpoint": ENDPOINT, "version": 7})
    assert result["passed"] is False
    assert "Received 500" in str(result["reason"])


# -- endpoint_teardown --------------------------------------------------------------------------------------------


class CloudFormation(HTTPServer):
    """Takes the answer to a custom resource."""

    answers: list[Json]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.answers = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/answer?signature=1"


class _Taker(BaseHTTPRequestHandler):
    server: CloudFormation

    def do_PUT(self) -> None:
        assert not self.headers["Content-Type"]
        self.server.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    server = CloudFormation()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


FOREIGN = {f"{ENDPOINT}-eu-v1-run-1", f"other-{ENDPOINT}-v1-run-1", "other-local-v1-run-1"}


@pytest.fixture
def serving(account: Account, environ: pytest.MonkeyPatch) -> Account:
    values = {
        "ENDPOINT": ENDPOINT,
        "MODEL_PACKAGE_GROUP": ENDPOINT,
        "RETAIN_MODELS": "true",
    }
    for name, value in values.items():
        environ.setenv(name, value)
    environ.setattr("endpoint_teardown.removal.POLL_SECONDS", 0.01)
    for config in (f"{ENDPOINT}-v1-run-1", f"{ENDPOINT}-v12-run-2", *FOREIGN):
        make_endpoint(config)
    aws.sagemaker().create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=f"{ENDPOINT}-v12-run-2")
    aws.sagemaker().create_model_package_group(ModelPackageGroupName=ENDPOINT)
    aws.sagemaker().create_model_package(ModelPackageGroupName=ENDPOINT)
    aws.application_autoscaling().register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId=f"endpoint/{ENDPOINT}/variant/main",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=2,
    )
    return account


def resource(cloudformation: CloudFormation, request: str) -> Json:
    head: Json = {"RequestType": request, "ResponseURL": cloudformation.url, "StackId": "stack", "RequestId": "r"}
    return {**head, "LogicalResourceId": "Teardown", "ResourceProperties": {"ServiceToken": "arn"}}


def teardown(cloudformation: CloudFormation, request: str, seconds: float = 60) -> Json:
    from endpoint_teardown.handler import handler

    handler(resource(cloudformation, request), Context(remaining_seconds=seconds))  # type: ignore[arg-type]
    return cloudformation.answers[-1]


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_create_and_update_touch_nothing(serving: Account, cloudformation: CloudFormation, request_type: str) -> None:
    answer = teardown(cloudformation, request_type)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", f"{ENDPOINT}-teardown")
    assert len(aws.sagemaker().list_endpoints()["Endpoints"]) == 1


def test_delete_leaves_only_what_is_not_ours(serving: Account, cloudformation: CloudFormation) -> None:
    for _ in range(2):
        assert teardown(cloudformation, "Delete")["Status"] == "SUCCESS"
    client = aws.sagemaker()
    assert client.list_endpoints()["Endpoints"] == []
    configs = client.list_endpoint_configs()["EndpointConfigs"]
    assert {item["EndpointConfigName"] for item in configs} == FOREIGN
    assert {item["ModelName"] for item in client.list_models()["Models"]} == FOREIGN
    targets = aws.application_autoscaling().describe_scalable_targets(ServiceNamespace="sagemaker")
    assert targets["ScalableTargets"] == []


@pytest.mark.parametrize(("retain", "removed"), [("true", 0), ("false", 1)])
def test_registered_versions_go_only_when_they_need_not_be_retained(
    serving: Account, environ: pytest.MonkeyPatch, cloudformation: CloudFormation, retain: str, removed: int
) -> None:
    deleted: list[str] = []
    # moto cannot delete model packages.
    environ.setattr(aws.sagemaker(), "delete_model_package", lambda ModelPackageName: deleted.append(ModelPackageName))  # noqa: N803
    environ.setenv("RETAIN_MODELS", retain)
    assert teardown(cloudformation, "Delete")["Status"] == "SUCCESS"
    assert len(deleted) == removed
    assert all(arn.endswith(f"{ENDPOINT}/1") for arn in deleted)


def test_an_endpoint_that_stays_fails_the_deletion_with_a_remedy(
    serving: Account, environ: pytest.MonkeyPatch, cloudformation: CloudFormation
) -> None:
    environ.setattr("endpoint_teardown.removal._exists", lambda _: True)
    answer = teardown(cloudformation, "Delete", seconds=15.05)
    assert answer["Status"] == "FAILED"
    assert "delete the stack again" in str(answer["Reason"])


def test_a_missing_variable_is_told_to_cloudformation(
    serving: Account, environ: pytest.MonkeyPatch, cloudformation: CloudFormation
) -> None:
    environ.delenv("ENDPOINT")
    answer = teardown(cloudformation, "Delete")
    assert answer["Status"] == "FAILED"
    assert "ENDPOINT: missing" in str(answer["Reason"])


def test_a_wrong_input_names_every_field(account: Account, call: Call) -> None:
    with pytest.raises(InvalidInput, match=r"expected_endpoint_config: Field required; config: Extra inputs"):
        call("live_config_check", {"endpoint": "e", "config": "c"})
