"""Logical ids of what holds data are frozen: another id is another resource, and the old one is replaced."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path

from tests.assembly import Assembly

FROZEN = Path(__file__).parent / "stateful_ids.json"
KINDS = {
    "AWS::S3::Bucket": "a bucket",
    "AWS::KMS::Key": "a key",
    "AWS::DynamoDB::Table": "a table",
    "AWS::DynamoDB::GlobalTable": "a table",
    "AWS::Logs::LogGroup": "a log group",
    "AWS::Glue::Database": "a database",
    "AWS::Glue::Table": "a catalog table",
    "AWS::SageMaker::ModelPackageGroup": "a model package group",
    "AWS::Events::EventBus": "an event bus",
    "AWS::Events::Archive": "an event archive",
}
Ids = Mapping[str, Mapping[str, str]]


def stateful_ids(assembly: Assembly, environment: str) -> Ids:
    found: dict[str, dict[str, str]] = {}
    for _, stack, logical_id, resource in assembly.resources(*KINDS, environment=environment):
        found.setdefault(stack, {})[logical_id] = resource["Type"]
    return {stack: dict(sorted(ids.items())) for stack, ids in sorted(found.items())}


def differences(frozen: Ids, current: Ids) -> list[str]:
    """Return one sentence per resource that is no longer where it was, and one per resource that is new."""
    lines = []
    for stack, ids in frozen.items():
        for logical_id, kind in ids.items():
            if current.get(stack, {}).get(logical_id) != kind:
                lines.append(f"{stack}: {logical_id} is gone: this would replace {KINDS[kind]} that holds data")
    for stack, ids in current.items():
        new = ids.keys() - frozen.get(stack, {}).keys()
        lines += [f"{stack}: {logical_id} is new: freeze it" for logical_id in sorted(new)]
    return lines


def test_stateful_resources_keep_their_ids(assembly: Assembly) -> None:
    frozen = json.loads(FROZEN.read_text())
    remedy = "if that is meant, run `make snapshots` and say in the changelog what is replaced"
    found = [
        f"{environment}/{line}"
        for environment in assembly.templates
        for line in differences(frozen.get(environment, {}), stateful_ids(assembly, environment))
    ]
    assert not found, "\n".join([*found, remedy])


def test_a_renamed_bucket_fails_with_the_sentence() -> None:
    frozen = json.loads(FROZEN.read_text())["prod"]
    current = copy.deepcopy(frozen)
    stack, logical_id = next(
        (s, i) for s, ids in frozen.items() for i, kind in ids.items() if kind == "AWS::S3::Bucket"
    )
    current[stack]["Renamed"] = current[stack].pop(logical_id)
    assert differences(frozen, current) == [
        f"{stack}: {logical_id} is gone: this would replace a bucket that holds data",
        f"{stack}: Renamed is new: freeze it",
    ]
