"""A parameter that people and workflows write: made once, never written again, removed with its stack."""

from __future__ import annotations

import json

import pytest

from mlops_runtime import aws
from tests.runtime.conftest import Account, Context, Json

NAME = "/mlops/local/churn/kill-switch"
Answers = list[Json]


@pytest.fixture
def answers(account: Account, environ: pytest.MonkeyPatch) -> Answers:
    """What CloudFormation was told, in an account without the parameter."""
    told: Answers = []
    environ.setattr("live_parameter.handler.send", lambda _, body: told.append(json.loads(body)))
    return told


def ask(answers: Answers, request: str, physical_id: str = NAME, **properties: str) -> Json:
    """Send a request as CloudFormation does, and return its answer."""
    from live_parameter.handler import handler

    event: Json = {
        "RequestType": request,
        "ResponseURL": "https://answer",
        "StackId": "stack",
        "RequestId": "r",
        "LogicalResourceId": "KillSwitch",
        "ResourceProperties": {"Name": NAME, "FirstValue": "off", "Description": "stops", **properties},
    }
    handler(event if request == "Create" else {**event, "PhysicalResourceId": physical_id}, Context())  # type: ignore[arg-type]
    return answers[-1]


def turn(value: str) -> None:
    """Write the parameter as a person does."""
    aws.ssm().put_parameter(Name=NAME, Value=value, Type="String", Overwrite=True)


def found() -> list[tuple[str, str, int]]:
    """Name, value and version of every parameter."""
    items = aws.ssm().get_parameters_by_path(Path="/mlops/", Recursive=True)["Parameters"]
    return [(item["Name"], item["Value"], item["Version"]) for item in items]


def test_it_is_made_with_its_first_value(answers: Answers) -> None:
    answer = ask(answers, "Create")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", NAME)
    assert found() == [(NAME, "off", 1)]


def test_a_value_that_is_there_stays_whatever_comes_of_the_stack(answers: Answers) -> None:
    """A deployment that fails is rolled back, which deletes what it created: not the switch that a person turned on."""
    turn("on")
    for _ in range(2):
        answer = ask(answers, "Create")
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", f"found:{NAME}")
        adopted = str(answer["PhysicalResourceId"])
        assert ask(answers, "Update", adopted)["Status"] == "SUCCESS"
        assert ask(answers, "Delete", adopted)["Status"] == "SUCCESS"
        assert found() == [(NAME, "on", 1)]


def test_the_rollback_of_a_creation_that_failed_deletes_nothing(answers: Answers) -> None:
    def refused() -> None:
        raise PermissionError("ssm:PutParameter")

    turn("on")
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("live_parameter.handler.aws.ssm", refused)
        failed = ask(answers, "Create")
    assert (failed["Status"], failed["PhysicalResourceId"]) == ("FAILED", "KillSwitch")
    assert ask(answers, "Delete", str(failed["PhysicalResourceId"]))["Status"] == "SUCCESS"
    assert found() == [(NAME, "on", 1)]


@pytest.mark.parametrize("changed", [{}, {"Description": "another"}, {"FirstValue": "none"}])
def test_an_update_of_the_stack_never_writes_it(answers: Answers, changed: dict[str, str]) -> None:
    ask(answers, "Create")
    turn("on")
    assert ask(answers, "Update", **changed)["Status"] == "SUCCESS"
    assert found() == [(NAME, "on", 2)]


def test_an_update_does_not_bring_back_a_switch_that_somebody_removed(answers: Answers) -> None:
    """A missing switch counts as on: made anew it would be off."""
    assert ask(answers, "Update")["Status"] == "SUCCESS"
    assert found() == []


def test_it_goes_with_its_stack(answers: Answers) -> None:
    ask(answers, "Create")
    turn("on")
    for _ in range(2):
        answer = ask(answers, "Delete")
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", NAME)
    assert found() == []


def test_another_name_is_refused_and_the_value_stays(answers: Answers) -> None:
    ask(answers, "Create")
    turn("on")
    answer = ask(answers, "Update", Name="/mlops/local/sales/kill-switch")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", NAME)
    assert "cannot become /mlops/local/sales/kill-switch" in str(answer["Reason"])
    assert ask(answers, "Update")["Status"] == "SUCCESS", "the rollback"
    assert found() == [(NAME, "on", 2)]


@pytest.mark.parametrize("physical_id", [NAME, f"found:{NAME}"])
def test_another_name_is_refused_whoever_made_it(answers: Answers, physical_id: str) -> None:
    answer = ask(answers, "Update", physical_id, Name="/mlops/local/sales/kill-switch")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", physical_id)
    assert f": {NAME} cannot become /mlops/local/sales/kill-switch" in str(answer["Reason"])


def test_what_goes_wrong_is_told_to_cloudformation_and_can_be_rolled_back(answers: Answers) -> None:
    answer = ask(answers, "Create", Name="kill-switch")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "KillSwitch")
    assert "Name" in str(answer["Reason"])
    assert found() == []
    assert ask(answers, "Delete", "KillSwitch", Name="kill-switch")["Status"] == "SUCCESS"
