"""An account in memory (moto), and handlers called as Lambda calls them."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import settings
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from mlops_runtime import aws

WORKLOAD = "flight-delays"
ENVIRONMENT = "local"
ZONES = ("landing", "raw", "curated", "quarantine", "artefacts", "capture")
SOURCES = {
    "flights": {
        "columns": [
            {"name": "flight_id", "type": "string", "required": True},
            {"name": "event_time", "type": "timestamp", "required": True},
            {"name": "distance", "type": "double", "required": True},
            {"name": "temp", "type": "double", "required": False},
        ],
        "key": "flight_id",
        "event_time": "event_time",
        "label": None,
    },
    "labels": {
        "columns": [
            {"name": "flight_id", "type": "string", "required": True},
            {"name": "event_time", "type": "timestamp", "required": True},
            {"name": "late", "type": "int", "required": True},
        ],
        "key": "flight_id",
        "event_time": "event_time",
        "label": "late",
    },
}

# No deadline: a busy machine is no defect of the code under test.
settings.register_profile("runtime", max_examples=50, deadline=None)
settings.load_profile("runtime")

Json = dict[str, object]
Sent = list[dict[str, str]]
Call = Callable[[str, Json], Json]


@dataclass(frozen=True)
class Context:
    """What a handler reads of the Lambda context."""

    aws_request_id: str = "request-1"
    function_name: str = "function"
    remaining_seconds: float = 60

    def get_remaining_time_in_millis(self) -> int:
        return int(self.remaining_seconds * 1000)


@dataclass(frozen=True)
class Account:
    """Buckets, tables and bus of one environment, as the assertions look at them."""

    def put(self, zone: str, key: str, body: bytes | str | Json | list[object]) -> str:
        data = (
            body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        )
        aws.s3().put_object(Bucket=zone, Key=key, Body=data)
        return f"s3://{zone}/{key}"

    def get(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return aws.s3().get_object(Bucket=bucket, Key=key)["Body"].read()

    def get_json(self, uri: str) -> object:
        return json.loads(self.get(uri))

    def keys(self, zone: str) -> list[str]:
        return [item["Key"] for item in aws.s3().list_objects_v2(Bucket=zone).get("Contents", [])]

    def gate_item(self) -> dict[str, int | str]:
        item = aws.dynamodb().get_item(TableName="gate", Key={"workload": {"S": WORKLOAD}}).get("Item", {})
        return {name: int(value["N"]) if "N" in value else value["S"] for name, value in item.items()}


def forget_settings() -> None:
    """Drop cached settings: each test has its own environment. Clients are kept, moto serves them all."""
    for name, module in list(sys.modules.items()):
        if name.endswith(".settings") and hasattr(module, "settings"):
            clear = getattr(module.settings, "cache_clear", None)
            if clear is not None:
                clear()


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Credentials of nobody, and the variables that several functions share."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    values = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "test",
        "ENVIRONMENT": ENVIRONMENT,
        "WORKLOAD": WORKLOAD,
        "EVENT_BUS_NAME": "mlops-local",
        "LEDGER_TABLE": "ledger",
        "GATE_TABLE": "gate",
        "GLUE_DATABASE": "mlops_local",
        "SOURCES": json.dumps(SOURCES),
        **{f"{zone.upper()}_BUCKET": zone for zone in ZONES},
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    forget_settings()
    return monkeypatch


@pytest.fixture
def account(environ: pytest.MonkeyPatch) -> Iterator[Account]:
    """A fresh account with buckets, tables and bus."""
    with mock_aws():
        # Straight into moto's memory: through the client this would be half of the suite's time.
        s3 = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        for zone in ZONES:
            s3.create_bucket(zone, "us-east-1")
            s3.put_bucket_versioning(zone, "Enabled")
        _tables()
        aws.events().create_event_bus(Name="mlops-local")
        yield Account()


def _tables() -> None:
    for name, keys in {"ledger": ["pk", "sk"], "gate": ["workload"]}.items():
        aws.dynamodb().create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[
                {"AttributeName": key, "KeyType": "RANGE" if number else "HASH"} for number, key in enumerate(keys)
            ],
        )


@pytest.fixture
def sent(account: Account) -> Iterator[Sent]:
    """Entries that were put on the bus: checked by botocore, then taken at the door."""
    entries: Sent = []

    def record(params: dict[str, Sent], **_: object) -> None:
        entries.extend(params["Entries"])

    def accept(**_: object) -> tuple[object, Json]:
        return Accepted, {"FailedEntryCount": 0, "Entries": [{"EventId": f"event-{len(entries)}"}]}

    emitter = aws.events().meta.events
    handlers: dict[str, Callable[..., None]] = {"before-parameter-build": record, "before-call": accept}  # type: ignore[dict-item]
    for moment, handler in handlers.items():
        emitter.register(f"{moment}.events.PutEvents", handler)
    yield entries
    for moment, handler in handlers.items():
        emitter.unregister(f"{moment}.events.PutEvents", handler)


class Accepted:
    """The HTTP side of an answer that never travelled."""

    status_code = 200


@pytest.fixture
def call() -> Call:
    """Invoke a function's handler by its folder, as Lambda does: JSON in, JSON out."""

    def invoke(folder: str, event: Json) -> Json:
        handler = importlib.import_module(f"{folder}.handler").handler
        result: Json = handler(json.loads(json.dumps(event)), Context())
        return json.loads(json.dumps(result))  # type: ignore[no-any-return]

    return invoke
