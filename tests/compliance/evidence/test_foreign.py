"""The review works for a template nobody here wrote, and says its sins."""

from pathlib import Path
from typing import Any

import pytest

from mlops_constructs.compliance.evidence.review import Review


def open_controls(review: Review, logical_id: str) -> set[str]:
    return {
        control
        for check in review.document["checks"]
        if check["logical_id"] == logical_id and check["status"] == "FAIL"
        for control in check["controls"]
    }


@pytest.mark.parametrize(
    ("logical_id", "controls"),
    [
        ("TrainingData", {"PUB-2", "ENC-1"}),
        ("TrainingDataPolicy", {"PUB-1"}),
        ("Scientist", {"IAM-1", "IAM-4", "IAM-5"}),
        ("Notebook", {"ML-5"}),
        ("Config", {"ML-3"}),
        ("Logs", {"LOG-1"}),
        ("OpenDoor", {"PUB-3"}),
    ],
)
def test_each_sin_is_found_under_its_control(foreign: Review, logical_id: str, controls: set[str]) -> None:
    assert controls <= open_controls(foreign, logical_id)


def test_verdict_is_failed_and_says_which_tool_objects(foreign: Review) -> None:
    verdict = foreign.document["verdict"]
    assert verdict["status"] == "FAILED"
    tools = {reason.split(":")[0] for reason in verdict["reasons"]}
    assert {"mlops", "cdk-nag AwsSolutions", "cdk-nag NIST.800.53.R5"} <= tools


def test_unknown_stage_is_judged_as_production(foreign: Review) -> None:
    environment = foreign.document["environment"]
    assert environment["stage"] is None
    assert environment["guarded"]


def test_every_finding_leads_to_the_line_of_its_resource(foreign: Review) -> None:
    lines = (Path(__file__).parent / "foreign.yaml").read_text().splitlines()
    placed = [
        check for check in foreign.document["checks"] if check["logical_id"] and "cloudformation" not in check["tool"]
    ]
    assert placed
    for check in placed:
        assert check["template"] == "foreign.yaml"
        assert lines[check["line"] - 1].strip() == f"{check['logical_id']}:", check["finding"]


def test_parameters_are_listed_as_not_known(foreign: Review) -> None:
    unknown = {(row["logical_id"], row["property"]) for row in foreign.document["unknowns"]}
    assert ("Model", "PrimaryContainer.Image") in unknown
    assert ("Config", "KmsKeyId") in unknown


def rows(review: Review, inventory: str) -> dict[str, dict[str, Any]]:
    return {row["logical_id"]: row for row in review.document["inventories"][inventory]}


def test_inventories_hold_the_facts(foreign: Review) -> None:
    exposure = rows(foreign, "exposure")
    assert any("allows everyone" in fact for fact in exposure["TrainingDataPolicy"]["facts"])
    assert any("0.0.0.0/0" in fact for fact in exposure["OpenDoor"]["facts"])
    assert any("DirectInternetAccess" in fact for fact in exposure["Notebook"]["facts"])
    role = rows(foreign, "access")["Scientist"]
    assert role["trust"] == ["AWS: *"]
    assert role["actions"] == ["*"]
    assert role["boundary"] == ""
    assert rows(foreign, "retention")["TrainingData"]["deletion"] == "Delete (default)"
    assert rows(foreign, "encryption")["Config"]["keys"][0]["kind"] == "unknown before deployment"
    assert rows(foreign, "encryption")["TrainingData"]["keys"] == []


def test_every_tool_ran_but_the_one_left_out(foreign: Review) -> None:
    left_out = [tool["name"] for tool in foreign.document["tools"] if not tool["ran"]]
    assert left_out == ["checkov"]
    assert [each.split(":")[0] for each in foreign.document["verdict"]["left_out"]] == ["checkov"]
