"""The kill switch: one command stops, one gives back, and each use leaves a record that nobody can change."""

from __future__ import annotations

import itertools
import json

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from mlops_runtime import aws
from mlops_runtime.errors import ControlIncomplete, EndpointBusy, EventNotDelivered, InvalidInput
from platform_control import endpoints, switches
from platform_control import handler as command
from platform_control.handler import handler
from retraining_gate.training import kill_switch
from tests.runtime.conftest import Account, Call, Context, Json, Sent
from tests.runtime.test_deployment_functions import make_endpoint

ENDPOINT, CONFIG = "flight-delays-local", "flight-delays-local-run-1"
VARIANT = f"endpoint/{ENDPOINT}/variant/main"
WHY = {"reason": "wrong predictions since noon", "requested_by": "ada@example.com"}
RECORDS = "artefacts"
TAGS = {"mlops:environment": "local", "mlops:workload": "flight-delays", "team": "delays"}


@pytest.fixture
def call() -> Call:
    """Invoke the function as Lambda does: every call has a request id of its own."""
    numbers = itertools.count(1)

    def invoke(folder: str, event: Json) -> Json:
        answer = handler(json.loads(json.dumps(event)), Context(aws_request_id=f"request-{next(numbers)}"))  # type: ignore[arg-type]
        return json.loads(json.dumps(answer))  # type: ignore[no-any-return]

    return invoke


@pytest.fixture(autouse=True)
def environment(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("RECORDS_BUCKET", RECORDS)
    environ.setattr(endpoints, "POLL_SECONDS", 0)


@pytest.fixture(autouse=True)
def parameters(account: Account) -> None:
    """Two workloads, of which one serves; a parameter that is no switch; another environment's switch."""
    values = {
        "local/flight-delays/kill-switch": "off",
        "local/flight-delays/promotion-freeze": "off",
        "local/flight-delays/detached-endpoint": "none",
        "local/churn/kill-switch": "off",
        "local/data-lake/database": "mlops_local",
        "dev/flight-delays/kill-switch": "off",
    }
    for name, value in values.items():
        aws.ssm().put_parameter(Name=f"/mlops/{name}", Value=value, Type="String")


def value(name: str) -> str:
    return aws.ssm().get_parameter(Name=f"/mlops/{name}")["Parameter"]["Value"]


def serving() -> None:
    make_endpoint(CONFIG)
    tags = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    aws.sagemaker().create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=CONFIG, Tags=tags)  # type: ignore[arg-type]
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": VARIANT,
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    client = aws.application_autoscaling()
    client.register_scalable_target(**target, MinCapacity=2, MaxCapacity=8)  # type: ignore[arg-type]
    client.put_scaling_policy(
        **target,  # type: ignore[arg-type]
        PolicyName=f"{ENDPOINT}-invocations",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 1000.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        },
    )


def tags_of(endpoint: str) -> dict[str, str]:
    client = aws.sagemaker()
    arn = client.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    return {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]}


def records(account: Account) -> dict[str, Json]:
    """The records by stage of the only command."""
    found = [account.get_json(f"s3://{RECORDS}/{key}") for key in account.keys(RECORDS)]
    return {str(record["stage"]): record for record in found}  # type: ignore[index,call-overload,misc]


def refusing(monkeypatch: pytest.MonkeyPatch, stage: str, code: str = "AccessDenied") -> None:
    """S3 refuses the record of a stage."""
    write = aws.s3().put_object

    def put(**given: object) -> object:
        if str(given["Key"]).endswith(f"-{stage}.json"):
            raise ClientError({"Error": {"Code": code, "Message": "refused by the test"}}, "PutObject")
        return write(**given)  # type: ignore[arg-type]

    monkeypatch.setattr(aws.s3(), "put_object", put)


def scaling() -> list[tuple[str, int, int, str, float]]:
    client = aws.application_autoscaling()
    policies = {
        policy["ResourceId"]: policy
        for policy in client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    }
    return [
        (
            target["ResourceId"],
            target["MinCapacity"],
            target["MaxCapacity"],
            policies[target["ResourceId"]]["PolicyName"],
            policies[target["ResourceId"]]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"],
        )
        for target in client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    ]


def test_retraining_of_all_workloads_stops_and_is_given_back(call: Call, sent: Sent) -> None:
    answer = call("platform_control", {"action": "stop-retraining", "workload": "all", **WHY})
    assert [value(f"local/{name}/kill-switch") for name in ("flight-delays", "churn")] == ["on", "on"]
    assert value("dev/flight-delays/kill-switch") == "off", "another environment is none of its business"
    assert {item["workload"] for item in answer["outcomes"]} == {"flight-delays", "churn"}  # type: ignore[attr-defined,union-attr]
    call("platform_control", {"action": "resume-retraining", "workload": "flight-delays", **WHY})
    assert (value("local/flight-delays/kill-switch"), value("local/churn/kill-switch")) == ("off", "on")
    assert [entry["DetailType"] for entry in sent] == ["Control Changed"] * 3


def test_the_retraining_gate_obeys_the_switch_that_the_command_turned(call: Call, sent: Sent) -> None:
    from retraining_gate.settings import Settings

    config = Settings.model_construct(kill_switch_parameter="/mlops/local/flight-delays/kill-switch")
    assert kill_switch(config) == ""
    call("platform_control", {"action": "stop-retraining", "workload": "flight-delays", **WHY})
    assert kill_switch(config).endswith("is on")


def test_promotion_is_frozen_only_where_something_serves(call: Call, sent: Sent) -> None:
    answer = call("platform_control", {"action": "freeze-promotion", "workload": "all", **WHY})
    assert value("local/flight-delays/promotion-freeze") == "on"
    assert [item["workload"] for item in answer["outcomes"]] == ["flight-delays"]  # type: ignore[attr-defined,union-attr,index]
    with pytest.raises(InvalidInput, match="no workload 'churn' that could; there are: flight-delays"):
        call("platform_control", {"action": "freeze-promotion", "workload": "churn", **WHY})


def test_a_detached_endpoint_is_gone_and_comes_back_as_it_was(call: Call, sent: Sent) -> None:
    serving()
    was = scaling()
    call("platform_control", {"action": "detach-endpoint", "workload": "flight-delays", **WHY})
    assert endpoints.status_of(ENDPOINT) == ("", "")
    assert scaling_targets() == []
    assert value("local/flight-delays/promotion-freeze") == "on", "a deployment would make the endpoint anew"
    assert CONFIG in value("local/flight-delays/detached-endpoint")
    assert aws.sagemaker().describe_endpoint_config(EndpointConfigName=CONFIG)

    call("platform_control", {"action": "attach-endpoint", "workload": "flight-delays", **WHY})
    assert endpoints.status_of(ENDPOINT) == ("InService", CONFIG)
    assert scaling() == was == [(VARIANT, 2, 8, f"{ENDPOINT}-invocations", 1000.0)]
    assert tags_of(ENDPOINT) == TAGS, "its cost is counted by them"
    assert value("local/flight-delays/promotion-freeze") == "off"
    assert value("local/flight-delays/detached-endpoint") == "none"


def scaling_targets() -> list[object]:
    targets = aws.application_autoscaling().describe_scalable_targets(ServiceNamespace="sagemaker")
    return list(targets["ScalableTargets"])


def test_a_freeze_that_was_there_before_stays_after(call: Call, sent: Sent) -> None:
    serving()
    for action in ("freeze-promotion", "detach-endpoint", "attach-endpoint"):
        call("platform_control", {"action": action, "workload": "flight-delays", **WHY})
    assert value("local/flight-delays/promotion-freeze") == "on"


def test_a_detachment_that_broke_half_way_goes_on_when_it_is_repeated(
    call: Call, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving()

    def breaks(*_: object) -> None:
        raise EndpointBusy("out of time")

    with monkeypatch.context() as patch:
        patch.setattr(endpoints, "remove", breaks)
        with pytest.raises(ControlIncomplete, match="out of time"):
            call("platform_control", {"action": "detach-endpoint", "workload": "flight-delays", **WHY})
    assert endpoints.status_of(ENDPOINT)[0] == "InService"
    call("platform_control", {"action": "detach-endpoint", "workload": "flight-delays", **WHY})
    assert endpoints.status_of(ENDPOINT) == ("", "")
    call("platform_control", {"action": "attach-endpoint", "workload": "flight-delays", **WHY})
    assert value("local/flight-delays/promotion-freeze") == "off", "the freeze of the first attempt is not the state"


def test_one_workload_that_fails_does_not_keep_the_others_running(call: Call, sent: Sent, account: Account) -> None:
    serving()
    for name, text in (("kill-switch", "off"), ("promotion-freeze", "off"), ("detached-endpoint", "none")):
        aws.ssm().put_parameter(Name=f"/mlops/local/a-first/{name}", Value=text, Type="String")
    with pytest.raises(ControlIncomplete, match="a-first: InvalidInput: there is no endpoint a-first-local"):
        call("platform_control", {"action": "detach-endpoint", "workload": "all", **WHY})
    assert endpoints.status_of(ENDPOINT) == ("", "")
    record = records(account)["outcome"]
    assert [bool(item["error"]) for item in record["outcomes"]] == [True, False]  # type: ignore[attr-defined]


def test_whatever_breaks_for_one_workload_is_told_and_does_not_keep_the_others_running(
    call: Call, sent: Sent, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = switches.turn

    def breaks(environment: str, workload: str, switch: str, value: str) -> None:
        if workload == "churn":
            raise ReadTimeoutError(endpoint_url="https://ssm")
        turn(environment, workload, switch, value)

    monkeypatch.setattr(switches, "turn", breaks)
    with pytest.raises(ControlIncomplete, match="churn: ReadTimeoutError"):
        call("platform_control", {"action": "stop-retraining", "workload": "all", **WHY})
    assert value("local/flight-delays/kill-switch") == "on"
    (churn, flights) = records(account)["outcome"]["outcomes"]  # type: ignore[misc]
    assert (churn["after"], bool(churn["error"])) == ("off", True)
    assert (flights["after"], flights["error"]) == ("on", "")


def test_an_endpoint_that_serves_something_else_by_now_is_left_alone(call: Call, sent: Sent) -> None:
    serving()
    detached = endpoints.look(ENDPOINT, "off", 0)
    with pytest.raises(EndpointBusy, match="by now"):
        endpoints.remove(ENDPOINT, detached.model_copy(update={"endpoint_config": "other"}), 0)
    assert endpoints.status_of(ENDPOINT)[0] == "InService"


def test_each_use_is_recorded_once_with_who_why_and_the_request(call: Call, sent: Sent, account: Account) -> None:
    answer = call("platform_control", {"action": "stop-retraining", "workload": "churn", **WHY})
    intent, outcome = records(account)["intent"], records(account)["outcome"]
    assert len(account.keys(RECORDS)) == 2
    for record in (intent, outcome):
        assert (record["request_id"], record["environment"]) == ("request-1", "local")
        assert record["request"] == {"action": "stop-retraining", "workload": "churn", **WHY}
    churn = {"kill_switch": "off", "promotion_freeze": None, "detached_endpoint": None}
    assert intent["switches"] == {"churn": churn}
    assert outcome["switches"] == {"churn": {**churn, "kill_switch": "on"}}
    assert outcome["outcomes"] == [{"workload": "churn", "before": "off", "after": "on", "error": ""}]
    assert account.get_json(str(outcome["intent_uri"])) == intent
    assert account.get_json(str(answer["record_uri"])) == outcome
    (entry,) = sent
    detail = json.loads(entry["Detail"])
    assert (entry["Source"], detail["request_id"]) == ("mlops.control", "request-1")
    assert detail["record_uri"] == answer["record_uri"]


def test_nothing_is_turned_that_is_not_on_record(
    call: Call, sent: Sent, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, "intent")
    with pytest.raises(ClientError, match="refused by the test"):
        call("platform_control", {"action": "stop-retraining", "workload": "all", **WHY})
    assert value("local/churn/kill-switch") == "off"
    assert (sent, account.keys(RECORDS)) == ([], [])


def test_the_intent_is_on_record_before_the_first_switch_is_turned(
    call: Call, sent: Sent, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    turn = switches.turn

    def look(*given: str) -> None:
        seen.append(set(records(account)))
        turn(*given)

    monkeypatch.setattr(switches, "turn", look)
    call("platform_control", {"action": "stop-retraining", "workload": "churn", **WHY})
    assert seen == [{"intent"}]


def test_an_outcome_that_cannot_be_recorded_is_told_and_the_repeated_command_records_it(
    call: Call, sent: Sent, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = {"action": "stop-retraining", "workload": "churn", **WHY}
    with monkeypatch.context() as patch:
        refusing(patch, "outcome")
        with pytest.raises(ControlIncomplete, match="the outcome is not on record: ClientError"):
            call("platform_control", stop)
    assert value("local/churn/kill-switch") == "on"
    assert set(records(account)) == {"intent"}, "an intent without an outcome asks for a look"
    detail = json.loads(sent[0]["Detail"])
    assert detail["record_uri"].endswith("-request-1-intent.json")
    call("platform_control", stop)
    assert records(account)["outcome"]["request_id"] == "request-2"
    assert records(account)["outcome"]["outcomes"] == [
        {"workload": "churn", "before": "on", "after": "on", "error": ""}
    ]


def test_a_record_that_was_sent_twice_is_written_once(
    call: Call, sent: Sent, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3's answer to the first attempt was lost: the second meets the record itself."""
    write = aws.s3().put_object

    def twice(**given: object) -> object:
        write(**given)  # type: ignore[arg-type]
        return write(**given)  # type: ignore[arg-type]

    monkeypatch.setattr(aws.s3(), "put_object", twice)
    call("platform_control", {"action": "stop-retraining", "workload": "churn", **WHY})
    assert value("local/churn/kill-switch") == "on"
    assert len(account.keys(RECORDS)) == 2


def test_a_bus_that_does_not_answer_is_told_when_all_else_is_done(
    call: Call, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise EventNotDelivered("no such bus")

    monkeypatch.setattr(command.bus, "publish", breaks)
    with pytest.raises(ControlIncomplete, match="churn: the bus was not told: EventNotDelivered"):
        call("platform_control", {"action": "stop-retraining", "workload": "churn", **WHY})
    assert value("local/churn/kill-switch") == "on"
    assert set(records(account)) == {"intent", "outcome"}


def test_the_record_of_a_detachment_that_broke_half_way_says_how_it_was_left(
    call: Call, sent: Sent, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving()

    def breaks(*_: object) -> None:
        raise EndpointBusy("out of time")

    monkeypatch.setattr(endpoints, "remove", breaks)
    with pytest.raises(ControlIncomplete, match="out of time"):
        call("platform_control", {"action": "detach-endpoint", "workload": "flight-delays", **WHY})
    record = records(account)["outcome"]
    (outcome,) = record["outcomes"]  # type: ignore[misc]
    assert (outcome["before"], outcome["after"]) == ("none", value("local/flight-delays/detached-endpoint"))
    assert json.loads(outcome["after"])["tags"] == TAGS
    left = record["switches"]["flight-delays"]  # type: ignore[call-overload,index]
    assert left["promotion_freeze"] == value("local/flight-delays/promotion-freeze") == "on"


def test_an_endpoint_detached_before_tags_were_remembered_comes_back(call: Call, sent: Sent) -> None:
    serving()
    call("platform_control", {"action": "detach-endpoint", "workload": "flight-delays", **WHY})
    saved = json.loads(value("local/flight-delays/detached-endpoint"))
    del saved["tags"]
    aws.ssm().put_parameter(
        Name="/mlops/local/flight-delays/detached-endpoint", Value=json.dumps(saved), Type="String", Overwrite=True
    )
    call("platform_control", {"action": "attach-endpoint", "workload": "flight-delays", **WHY})
    assert endpoints.status_of(ENDPOINT) == ("InService", CONFIG)


def test_looking_changes_and_records_nothing(call: Call, sent: Sent, account: Account) -> None:
    answer = call("platform_control", {"action": "status", "workload": "all"})
    assert answer["switches"] == {
        "churn": {"kill_switch": "off", "promotion_freeze": None, "detached_endpoint": None},
        "flight-delays": {"kill_switch": "off", "promotion_freeze": "off", "detached_endpoint": "none"},
    }
    assert (sent, account.keys(RECORDS)) == ([], [])


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"action": "stop-everything", "workload": "all", **WHY}, "action"),
        ({"action": "stop-retraining", "workload": "all", "reason": "short", "requested_by": "a"}, "needs `reason`"),
        ({"action": "stop-retraining", "workload": "all", "reason": WHY["reason"]}, "requested_by"),
        ({"action": "stop-retraining", "workload": "nobody", **WHY}, "there are: churn, flight-delays"),
    ],
)
def test_a_command_that_makes_no_sense_changes_nothing(call: Call, sent: Sent, event: Json, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        call("platform_control", event)
    assert value("local/churn/kill-switch") == "off"
    assert sent == []
