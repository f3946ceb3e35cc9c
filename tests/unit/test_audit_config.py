"""The sections audit, budget and organisation: what they refuse, and that each thing has one owner."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.config import ConfigError, load_environment, load_platform

Edit = Callable[[str, dict[str, Any]], Path]


@pytest.fixture
def repository(root: Path, tmp_path: Path) -> Path:
    shutil.copytree(root / "environments", tmp_path / "environments")
    shutil.copytree(root / "workloads", tmp_path / "workloads", ignore=shutil.ignore_patterns("data", "__pycache__"))
    return tmp_path


@pytest.fixture
def edit(repository: Path) -> Edit:
    def apply(name: str, changes: dict[str, Any]) -> Path:
        path = repository / "environments" / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}, sort_keys=False))
        return path

    return apply


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as error:
        load_environment(path)
    return str(error.value).split(": ", 1)[1]


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ({"audit": {}}, "audit: got 'no part'; give at least one part, or remove the section"),
        (
            {"audit": {"security_hub": {}}},
            "audit.security_hub: got 'a hub without a recorder'; add audit.config: Security Hub judges what the "
            "recorder records",
        ),
        (
            {"audit": {"trail": {"object_lock": {"days": 30}, "keep_days": 7}}},
            "audit.trail.keep_days: got 7; give at least 30, the days of the lock",
        ),
        (
            {"audit": {"inspector": {"scans": ["LAMBDA_CODE"]}}},
            "audit.inspector.scans: got ['LAMBDA_CODE']; add LAMBDA: Inspector scans code only beside dependencies",
        ),
        (
            {"audit": {"config": {}, "security_hub": {"standards": ["nist-800-53"]}}},
            "audit.security_hub.standards: got ['nist-800-53']; add fsbp, AWS's own best practices: the hub measures "
            "against them at least",
        ),
        (
            {"audit": {"guardduty": {"features": ["RDS_LOGIN_EVENTS"]}}},
            "audit.guardduty.features: got ['RDS_LOGIN_EVENTS']; add S3_DATA_EVENTS: the data are what an attacker "
            "comes for",
        ),
        (
            {"audit": {"guardduty": {}, "alert_severities": ["CRITICAL"]}},
            "audit.alert_severities: got ['CRITICAL']; name CRITICAL and HIGH: serious findings of security_hub and "
            "guardduty must wake a person",
        ),
        (
            {"budget": {"monthly_usd": True}},
            "budget.monthly_usd: got true; give a number",
        ),
        (
            {"budget": {"monthly_usd": "500.5"}},
            "budget.monthly_usd: got '500.5'; remove the quotes: 500.5",
        ),
        (
            {"budget": {"monthly_usd": 1, "workloads": {"fraud": {"monthly_usd": 1}}}, "workloads": {}},
            "budget.workloads.fraud: got 'fraud'; remove it: none runs here",
        ),
        (
            {"organisation": {"id": "o-exampleorg01", "attach_to": ["r-abcd"], "regions": ["eu-west-1"] * 51}},
            "organisation.regions: got [" + "'eu-west-1', " * 5 + "'eu-west-1'...; give at most 50 entries",
        ),
        (
            {
                "workloads": {"flight-delays": {}},
                "budget": {"monthly_usd": 1, "workloads": {"fraud": {"monthly_usd": 1}}},
            },
            "budget.workloads.fraud: got 'fraud'; use one of flight-delays, the workloads of the environment",
        ),
    ],
)
def test_a_section_that_cannot_work_gets_one_line(edit: Edit, section: dict[str, Any], line: str) -> None:
    assert refused(edit("dev", section)) == line


def test_values_out_of_range_are_refused(edit: Edit) -> None:
    assert "budget.monthly_usd: got 0" in refused(edit("dev", {"budget": {"monthly_usd": 0}}))
    organisation = {"id": "o-exampleorg01", "attach_to": ["everything"], "regions": ["us-east-1"]}
    assert "organisation.attach_to.0: got 'everything'; must match" in refused(
        edit("staging", {"organisation": organisation})
    )


def test_every_part_can_be_left_out(edit: Edit) -> None:
    environment = load_environment(edit("staging", {"audit": None, "budget": None}))
    assert environment.audit is None and environment.budget is None
    only = load_environment(edit("staging", {"audit": {"access_analyzer": {}}}))
    assert only.audit and only.audit.parts == ("access_analyzer",)


def test_an_account_has_one_trail_and_one_budget_in_any_region(edit: Edit, repository: Path) -> None:
    edit("staging", {"account": "333333333333", "region": "eu-west-1", "network": eu_network()})
    with pytest.raises(ConfigError) as error:
        load_platform(repository, "staging")
    prod, staging = (repository / "environments" / f"{name}.yaml" for name in ("prod", "staging"))
    assert str(error.value).splitlines() == [
        f"{staging}: {field}: got one for account 333333333333, and {prod} has one too; remove it from one of both: "
        "there can be only one"
        for field in ("audit.trail", "budget")
    ]


def test_a_region_has_one_of_each_detector(edit: Edit, repository: Path) -> None:
    edit("staging", {"account": "333333333333"})
    with pytest.raises(ConfigError) as error:
        load_platform(repository, "prod")
    fields = [line.split(": ")[1] for line in str(error.value).splitlines()]
    assert fields == [
        "audit.config",
        "audit.security_hub",
        "audit.guardduty",
        "audit.access_analyzer",
        "audit.trail",
        "budget",
    ]


def test_one_environment_binds_the_organisation(edit: Edit, repository: Path) -> None:
    organisation = {"id": "o-exampleorg01", "attach_to": ["ou-abcd-12345678"], "regions": ["us-east-1"]}
    edit("prod", {"organisation": organisation})
    assert load_platform(repository, "prod").environment.organisation
    edit("staging", {"organisation": organisation})
    with pytest.raises(ConfigError, match="organisation: got one for organisation o-exampleorg01"):
        load_platform(repository, "prod")


def test_a_mistake_in_another_environment_stops_nobody_else(repository: Path) -> None:
    (repository / "environments" / "dev.yaml").write_text("name: dev\naudit: nothing\n")
    assert load_platform(repository, "prod").environment.name == "prod"


def eu_network() -> dict[str, Any]:
    return {"create": {"cidr": "10.30.0.0/16", "availability_zones": ["eu-west-1a", "eu-west-1b"]}}
