"""Deployments that meet each other, somebody else at the endpoint, or what they did themselves and heard nothing of."""

from collections.abc import Mapping
from typing import Any

import pytest
from ministack.services import stepfunctions

from tests.definitions import Definition
from tests.workflows.interpreter import Execution, Fault, run
from tests.workflows.scenarios import (
    FORMER,
    NOT_LIVE,
    OLDER_RUN,
    OWN_RUN,
    SERVING_ALREADY,
    WRONG,
    function,
    missing,
    refused,
)
from tests.workflows.test_outcomes import outcome, scenario

Json = dict[str, Any]
FORMER_CONFIG = FORMER["EndpointConfigName"]


def test_a_deployment_waits_for_the_one_that_began_before_it_and_reads_its_package_afterwards(
    workflows: Mapping[str, Definition],
) -> None:
    execution = outcome(workflows["serving"], scenario("serving", "updated"))
    assert execution.calls[:3] == ["AskForTurn", "AskForTurn", "DescribePackage"]


@pytest.mark.parametrize("running", [[], [OWN_RUN], [OLDER_RUN, OWN_RUN]], ids=["not listed yet", "alone", "oldest"])
def test_the_oldest_deployment_goes_first(workflows: Mapping[str, Definition], running: list[Json]) -> None:
    base = scenario("serving", "updated")
    execution = run(workflows["serving"].body, base.input, {**base.answers, "AskForTurn": {"Executions": running}})
    assert execution.calls[:2] == ["AskForTurn", "DescribePackage"]


def test_an_event_that_comes_twice_verifies_what_serves_and_changes_nothing(
    workflows: Mapping[str, Definition],
) -> None:
    execution = outcome(workflows["serving"], scenario("serving", "the event came twice"))
    changing = {"CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint", "RejectFailed"}
    assert not changing & set(execution.calls), execution
    assert "SmokeTest" in execution.calls
    ((_, detail),) = execution.events
    assert detail["endpoint_config"] == SERVING_ALREADY["EndpointConfigName"]


@pytest.mark.parametrize(
    ("event", "answers", "fault", "ending"),
    [
        (True, {"SmokeTest": function(WRONG)}, None, "Deployment Failed"),
        (True, {"LiveConfigCheck": function(NOT_LIVE)}, None, "Deployment Rolled Back"),
        (False, {"SmokeTest": function(WRONG)}, None, "Deployment Rolled Back"),
        (False, {}, Fault("UpdateEndpoint", "States.Timeout"), "Deployment Failed"),
        *(
            (event, {}, Fault(state, error, lasting=True), "Deployment Failed")
            for event in (True, False)
            for state, error in (
                ("AskForTurn", "Sfn.SfnException"),
                ("DescribePackage", "SageMaker.SageMakerException"),
                ("InspectEndpoint", "SageMaker.SageMakerException"),
                ("InspectEndpoint", "States.Timeout"),
            )
        ),
        (True, {"InspectEndpoint": {**SERVING_ALREADY, "EndpointStatus": "Failed"}}, None, "Deployment Failed"),
        (True, {"AskForTurn": {"Executions": [OWN_RUN, OLDER_RUN]}}, None, "Deployment Failed"),
    ],
)
def test_a_version_that_serves_stays_approved_whatever_fails(
    workflows: Mapping[str, Definition], event: bool, answers: Json, fault: Fault | None, ending: str
) -> None:
    """Its event came twice, or a person deploys it anew; what the endpoint served before stays or is restored."""
    base = scenario("serving", "the event came twice" if event else "by hand")
    serving = {"InspectEndpoint": SERVING_ALREADY, "LookAtRestore": SERVING_ALREADY}
    execution = run(workflows["serving"].body, base.input, {**base.answers, **serving, **answers}, fault)
    assert [name for name, _ in execution.events] == [ending], execution
    assert not [call for call in execution.calls if call.startswith("Reject")], execution


def test_by_hand_a_version_that_serves_is_deployed_anew(workflows: Mapping[str, Definition]) -> None:
    base = scenario("serving", "by hand")
    answers = {**base.answers, "InspectEndpoint": SERVING_ALREADY}
    assert "UpdateEndpoint" in run(workflows["serving"].body, base.input, answers).calls


class Endpoint:
    """An endpoint that takes no update while it changes, as SageMaker's does.

    Args:
        config: What it serves; nothing before it is made.
        busy: Looks that show somebody else's change, which begins after the first one.
        lost: Calls whose answer does not arrive although they were carried out.
    """

    def __init__(self, config: str = "", *, busy: int = 0, lost: int = 0) -> None:
        self.config, self._busy, self._lost, self._seen = config, busy, lost, False

    def look(self, arguments: Json) -> Json:
        """DescribeEndpoint."""
        if not self.config:
            return missing(arguments)
        changing = self._seen and self._busy > 0
        self._busy -= changing
        self._seen = True
        return {"EndpointStatus": "Updating" if changing else "InService", "EndpointConfigName": self.config}

    def create(self, arguments: Json) -> Json:
        """CreateEndpoint."""
        if self.config:
            raise refused('Cannot create already existing endpoint "arn".')
        return self._serve(arguments)

    def update(self, arguments: Json) -> Json:
        """UpdateEndpoint."""
        if self._busy:
            raise refused('Cannot update in-progress endpoint "arn".')
        return self._serve(arguments)

    def _serve(self, arguments: Json) -> Json:
        self.config = arguments["EndpointConfigName"]
        if self._lost:
            self._lost, self._busy = self._lost - 1, 1
            raise stepfunctions._ExecutionError("SageMaker.SdkClientException", "no answer")
        return {"EndpointArn": "arn"}


def deploy_to(endpoint: Endpoint, workflow: Definition, **answers: Any) -> Execution:
    base = scenario("serving", "updated")
    looks = dict.fromkeys(("InspectEndpoint", "LookAtEndpoint", "LookBeforeRemoval", "LookAtRestore"), endpoint.look)
    updates = dict.fromkeys(("UpdateEndpoint", "RestorePrevious"), endpoint.update)
    calls = {**base.answers, **looks, **updates, "CreateEndpoint": endpoint.create}
    return run(workflow.body, base.input, {**calls, **answers})


def test_an_update_that_comes_too_early_waits_instead_of_rejecting_its_package(
    workflows: Mapping[str, Definition],
) -> None:
    """Another approval, a person or the scaling of instances changed the endpoint between the look and the update."""
    endpoint = Endpoint(FORMER_CONFIG, busy=2)
    execution = deploy_to(endpoint, workflows["serving"])
    assert [name for name, _ in execution.events] == ["Deployment Succeeded"], execution
    assert "RejectFailed" not in execution.calls
    assert endpoint.config == "flight-delays-local-v3-run-1"


def test_a_promotion_frozen_before_the_second_attempt_leaves_the_endpoint_alone(
    workflows: Mapping[str, Definition],
) -> None:
    endpoint = Endpoint(FORMER_CONFIG, busy=2)
    freeze = [{"Parameter": {"Value": "off"}}, {"Parameter": {"Value": "on"}}]
    execution = deploy_to(endpoint, workflows["serving"], ReadFreeze=freeze)
    assert [detail["error"] for _, detail in execution.events] == ["PromotionFrozen"], execution
    assert endpoint.config == FORMER_CONFIG


def test_an_endpoint_that_never_stops_changing_ends_the_deployment(workflows: Mapping[str, Definition]) -> None:
    def busy(arguments: Json) -> Json:
        raise refused('Cannot update in-progress endpoint "arn".')

    execution = deploy_to(Endpoint(FORMER_CONFIG), workflows["serving"], UpdateEndpoint=busy)
    assert [name for name, _ in execution.events] == ["Deployment Failed"], execution


@pytest.mark.parametrize("state", ["CreateModel", "CreateEndpointConfig"])
def test_what_this_execution_made_already_is_taken_as_made(workflows: Mapping[str, Definition], state: str) -> None:
    def existing(arguments: Json) -> Json:
        raise refused('Cannot create already existing model "arn".')

    execution = deploy_to(Endpoint(FORMER_CONFIG), workflows["serving"], **{state: existing})
    assert [name for name, _ in execution.events] == ["Deployment Succeeded"], execution


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ("", "CreateEndpoint", "RemoveEndpoint"),
        (FORMER_CONFIG, "UpdateEndpoint", "RestorePrevious"),
    ],
)
def test_a_change_whose_answer_was_lost_is_verified_and_can_be_taken_back(
    workflows: Mapping[str, Definition], before: str, change: str, after: str
) -> None:
    endpoint = Endpoint(before, lost=1)
    execution = deploy_to(endpoint, workflows["serving"])
    assert [name for name, _ in execution.events] == ["Deployment Succeeded"], execution
    assert execution.calls.count(change) > 1

    endpoint = Endpoint(before, lost=1)
    execution = deploy_to(endpoint, workflows["serving"], SmokeTest=function(WRONG))
    assert after in execution.calls, execution
    assert not before or endpoint.config == before
