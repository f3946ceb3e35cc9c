"""CloudFormation types of Glue that the emulator only pretends to have."""

from __future__ import annotations

import secrets
from typing import Any

from botocore.exceptions import ClientError

from ..runtime import Runtime

JOB = "AWS::Glue::Job"
RULESET = "AWS::Glue::DataQualityRuleset"
_INTEGERS = ("MaxRetries", "Timeout", "NumberOfWorkers")


def register(runtime: Runtime) -> None:
    """Teaches CloudFormation Glue jobs and data quality rulesets."""
    _register_job(runtime)
    _register_ruleset(runtime)


def _register_job(runtime: Runtime) -> None:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        name = properties.get("Name") or _generated(logical_id)
        runtime.client("glue").create_job(Name=name, **_job_input(properties), **_tags(properties))
        return name, {}

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        runtime.client("glue").update_job(JobName=physical_id, JobUpdate=_job_input(new))
        return physical_id, {}

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        runtime.client("glue").delete_job(JobName=physical_id)

    runtime.register_cfn_type(JOB, create, update, delete, _renamed)


def _register_ruleset(runtime: Runtime) -> None:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        name = properties.get("Name") or _generated(logical_id)
        given = {key: properties[key] for key in ("Description", "Ruleset", "TargetTable") if properties.get(key)}
        runtime.client("glue").create_data_quality_ruleset(Name=name, **given, **_tags(properties))
        return name, {}

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        given = {"Description": new.get("Description", ""), "Ruleset": new["Ruleset"]}
        runtime.client("glue").update_data_quality_ruleset(Name=physical_id, **given)
        return physical_id, {}

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        try:
            runtime.client("glue").delete_data_quality_ruleset(Name=physical_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise

    runtime.register_cfn_type(RULESET, create, update, delete, _renamed)


def _renamed(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return any(old.get(key) != new.get(key) for key in ("Name", "TargetTable"))


def _generated(logical_id: str) -> str:
    return f"{logical_id}-{secrets.token_hex(6)}"


def _tags(properties: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": properties["Tags"]} if properties.get("Tags") else {}


def _job_input(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties as the API takes them; CloudFormation hands numbers over as text."""
    given = {key: value for key, value in properties.items() if key not in ("Name", "Tags") and value is not None}
    for key in _INTEGERS:
        if key in given:
            given[key] = int(given[key])
    if "MaxCapacity" in given:
        given["MaxCapacity"] = float(given["MaxCapacity"])
    if "ExecutionProperty" in given:
        given["ExecutionProperty"] = {key: int(value) for key, value in given["ExecutionProperty"].items()}
    return given
