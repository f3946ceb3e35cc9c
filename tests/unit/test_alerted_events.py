"""Which events of the platform reach a person: failures, and what waits for a decision."""

import datetime as dt
import json
from typing import Any

import pytest
from ministack.services.eventbridge import _matches_pattern

from event_emitter.logic import complete
from mlops_runtime.events import EVENTS
from tests.assembly import Assembly

Json = dict[str, Any]
REGISTERED: Json = {
    "execution": "arn:e",
    "model_package_arn": "arn:m/4",
    "version": 4,
    "metrics": {"auc": 0.7},
    "champion_metrics": {"auc": 0.6},
    "snapshot_id": "s",
    "reason": "better",
}


def alerting(assembly: Assembly, environment: str) -> list[Json]:
    """Patterns of the rules from the platform's bus to the alert topic; each keeps what it could not deliver."""
    resources = assembly.templates[environment]["foundation"]["Resources"]
    (topic,) = [n for n, r in resources.items() if r["Type"] == "AWS::SNS::Topic" and n.startswith("Alerts")]
    rules = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::Events::Rule"]
    found = [
        (rule["EventPattern"], target)
        for rule in rules
        for target in rule["Targets"]
        if "EventBusName" in rule and target["Arn"] == {"Ref": topic}
    ]
    assert all("DeadLetterConfig" in target for _, target in found)
    return [pattern for pattern, _ in found]


def heard(patterns: list[Json], source: str, detail_type: str, detail: Json) -> bool:
    event = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
    return any(_matches_pattern(json.dumps(pattern), event) for pattern in patterns)


@pytest.mark.parametrize(("status", "told"), [("PendingManualApproval", True), ("Approved", False)])
def test_a_person_hears_of_a_version_that_waits_for_approval(assembly: Assembly, status: str, told: bool) -> None:
    detail = complete(
        "mlops.training",
        "Model Registered",
        {**REGISTERED, "approval_status": status},
        workload="flight-delays",
        environment="prod",
        now=dt.datetime.now(dt.UTC),
    )
    for environment in assembly.templates:
        patterns = alerting(assembly, environment)
        assert heard(patterns, "mlops.training", "Model Registered", detail.model_dump(mode="json")) is told


def test_a_person_hears_of_failures_and_of_nothing_that_went_well(assembly: Assembly) -> None:
    patterns = alerting(assembly, "prod")
    told = {name for source, name in EVENTS if heard(patterns, source, name, {})}
    assert told == {"Training Failed", "Deployment Failed", "Deployment Rolled Back", "Monitoring Failed"}
