"""The files in the repository are valid, and what they say reaches the models."""

import json
from pathlib import Path

import pytest

from stacks.config import ALL, ConfigError, environment_names, load_environment, load_platform
from stacks.config.schema import SCHEMAS, render


def test_every_environment_of_the_repository_loads(root: Path) -> None:
    names = environment_names(root)
    assert names == ("dev", "local", "prod", "staging")
    platforms = [load_platform(root, name) for name in names]
    assert all("flight-delays" in [w.name for w in p.workloads] for p in platforms)
    assert len({p.environment.account for p in platforms}) == len(names), "each environment has an account of its own"


def test_overrides_reach_the_workload_of_that_environment_only(root: Path) -> None:
    local, dev = (load_platform(root, name, only_workload="flight-delays").workloads[0] for name in ("local", "dev"))
    assert local.retraining and dev.retraining
    assert local.retraining.cool_down_minutes == 0
    assert dev.retraining.cool_down_minutes > 0
    assert local.retraining.triggers == dev.retraining.triggers, "what is not overridden stays"


@pytest.mark.parametrize("path", SCHEMAS)
def test_schema_file_is_what_the_model_says(root: Path, path: str) -> None:
    message = f"{path} is stale: run `make schema`"
    assert (root / path).read_text() == render(SCHEMAS[path]), message


def test_every_field_of_a_schema_refuses_unknown_keys(root: Path) -> None:
    for path in SCHEMAS:
        schema = json.loads((root / path).read_text())
        definitions = [schema, *(d for d in schema["$defs"].values() if d.get("type") == "object")]
        assert all(d["additionalProperties"] is False for d in definitions)


def test_unknown_environment_lists_those_that_exist(root: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_platform(root, "qa")
    assert str(error.value) == (
        f"environment: got 'qa'; use one of dev, local, prod, staging (files in environments/) or {ALL}"
    )


def test_unknown_workload_lists_those_that_run_there(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"^workload: got 'fraud'; environments/dev.yaml has .*flight-delays"):
        load_platform(root, "dev", only_workload="fraud")


def test_models_are_frozen(root: Path) -> None:
    environment = load_environment(root / "environments" / "dev.yaml")
    with pytest.raises(ValueError, match="frozen"):
        environment.region = "eu-west-1"  # type: ignore[misc]


def test_features_are_the_columns_a_model_may_use(root: Path) -> None:
    workload = load_platform(root, "dev").workloads[0]
    names = [column.name for column in workload.features]
    assert len(names) == 12
    assert not {"flight_id", "event_time", "late"} & set(names)
