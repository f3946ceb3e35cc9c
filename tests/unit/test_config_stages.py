"""What a stage asks for is said by the configuration, and is what the compliance pack asks of the templates."""

import json
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import pytest
from constructs import Construct

from mlops_constructs.compliance.estate import load
from mlops_constructs.compliance.pytest_helper import assert_compliant
from mlops_constructs.compliance.rules import logging, retention
from stacks.config import Stage, load_environment, load_platform
from stacks.config.environment import LONGEST_VERSION_DAYS
from stacks.config.stages import DATA_DAYS, LOG_DAYS, VERSION_DAYS
from stacks.stage import add_platform
from tests.unit.config_files import REMOVED, Change, Edit, only_line

WITHOUT_BREAK_GLASS = {"identity.identity_center.groups.break-glass": REMOVED}
CASES: dict[str, tuple[str, Change, str]] = {
    "logs of dev": ("dev", {"log_retention_days": 14}, "log_retention_days: got 14; give at least 30 in stage dev"),
    "logs of prod": (
        "prod",
        {"log_retention_days": 180},
        "log_retention_days: got 180; give at least 365 in stage prod",
    ),
    "versions": (
        "staging",
        {"data_retention.noncurrent_days": 29},
        "data_retention.noncurrent_days: got 29; give at least 30 in stage staging",
    ),
    "versions that stay": (
        "dev",
        {"data_retention.noncurrent_days": 401},
        "data_retention.noncurrent_days: got 401; gi",
    ),
    "captures": (
        "staging",
        {"data_retention.capture_days": 89},
        "data_retention.capture_days: got 89; give at least 90 in stage staging",
    ),
    "a lock that opens before the logs go": (
        "prod",
        {"audit.trail.object_lock.days": 364},
        "audit.trail.object_lock.days: got 364; give at least 365 in stage prod",
    ),
    "history of the configuration": (
        "staging",
        {"audit.config": {"keep_days": 30}},
        "audit.config.keep_days: got 30; give at least 90 in stage staging",
    ),
    "insights": (
        "prod",
        {"audit.trail.insights": []},
        "audit.trail.insights: got []; name ApiCallRateInsight, ApiErrorRateInsight or both: stage prod looks for",
    ),
    "nobody hears of alarms": (
        "staging",
        {"alerts": REMOVED, **WITHOUT_BREAK_GLASS},
        "alerts: got nothing; add alerts.email: in stage staging somebody must hear of alarms",
    ),
    "nobody hears of cost": (
        "prod",
        {"budget": REMOVED},
        "budget: got nothing; add it: in stage prod somebody must hear of what workloads cost",
    ),
    "region": (
        "dev",
        {"region": "cn-north-1", "network.create.availability_zones": ["cn-north-1a", "cn-north-1b"]},
        "region: got 'cn-north-1'; use a region outside of China: the layer of our functions is not published there",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_stage_does_not_allow_gives_one_line(edit: Edit, case: str) -> None:
    name, changes, expected = CASES[case]
    path = edit(f"environments/{name}.yaml", changes)
    assert only_line(lambda: load_environment(path)).startswith(f"{path}: {expected}")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("local", {"log_retention_days": 1}),
        ("dev", {"audit.trail.object_lock.days": 1, "audit.trail.keep_days": 1, "audit.config.keep_days": 1}),
        ("dev", {"audit.alert_severities": ["LOW"]}),
        ("staging", {"audit.trail.insights": [], "budget": REMOVED}),
    ],
)
def test_what_the_pack_lets_pass_is_taken(edit: Edit, name: str, changes: Change) -> None:
    assert load_environment(edit(f"environments/{name}.yaml", changes)).name == name


def test_the_terms_are_those_of_the_pack() -> None:
    ours = {stage.value: days for stage, days in LOG_DAYS.items()}
    assert ours == {**logging._LEAST_DAYS, "prod": logging._LEAST_DAYS_ELSE}
    assert (VERSION_DAYS, LONGEST_VERSION_DAYS) == (retention._LEAST_VERSIONS, retention._MOST_VERSIONS)
    assert DATA_DAYS == retention._LEAST_DATA
    assert min(LOG_DAYS[stage] for stage in LOG_DAYS if stage.guarded) >= retention._LEAST_LOCK


@pytest.fixture
def judge(root: Path, repository: Path, tmp_path: Path) -> Callable[[str], None]:
    """Synthesize an environment of the copy and let the pack judge it."""

    def judged(name: str) -> None:
        flags = json.loads((root / "cdk.json").read_text())["context"]
        app = cdk.App(outdir=str(tmp_path / "out"), context=flags, analytics_reporting=False)
        add_platform(Construct(app, name), load_platform(repository, name))
        app.synth()
        estates = list(load(tmp_path / "out", stages=False))
        assert [estate for estate in estates if estate.resources], "nothing was judged"
        for estate in estates:
            assert_compliant(estate)

    return judged


def test_the_least_that_prod_takes_passes_the_pack(edit: Edit, judge: Callable[[str], None]) -> None:
    edit(
        "environments/prod.yaml",
        {
            "log_retention_days": LOG_DAYS[Stage.PROD],
            "data_retention.noncurrent_days": VERSION_DAYS,
            "data_retention.capture_days": DATA_DAYS,
            "audit.trail.object_lock": {"days": 365},
            "audit.trail.keep_days": 365,
            "audit.trail.insights": ["ApiErrorRateInsight"],
            "audit.config": {"keep_days": DATA_DAYS},
            "workloads.flight-delays.retraining": {"cool_down_minutes": 1, "min_new_rows": 1},
        },
    )
    judge("prod")


def test_the_most_that_dev_takes_passes_the_pack(edit: Edit, judge: Callable[[str], None]) -> None:
    edit(
        "environments/dev.yaml",
        {
            "data_retention.noncurrent_days": LONGEST_VERSION_DAYS,
            "workloads.flight-delays": {
                "training": {"max_runtime_minutes": 1440},
                "monitoring": {"max_runtime_minutes": 1440},
                "retraining": {"cool_down_minutes": 0, "min_new_rows": 0},
            },
            "organisation": {
                "id": "o-exampleorg01",
                "attach_to": ["r-abcd"],
                "regions": [f"ap-southeast-{number % 10}" for number in range(50)],
                "instance_types": ["ml.m5.*"] * 50,
            },
        },
    )
    judge("dev")
