"""Resources that a change adds, removes, replaces or updates, and which of them hold data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.estate import Estate, Resource

SCHEMAS = Path(__file__).parent / "schemas.json"
"""Which properties replace which type, and which types hold data; `tools/schema_data.py` writes it."""

HOLD_DATA = frozenset(
    {
        "AWS::Athena::NamedQuery",
        "AWS::CloudTrail::EventDataStore",
        "AWS::DMS::ReplicationInstance",
        "AWS::ECR::Repository",
        "AWS::Events::Archive",
        "AWS::Glue::Database",
        "AWS::Glue::Table",
        "AWS::LakeFormation::DataLakeSettings",
        "AWS::MSK::Cluster",
        "AWS::OpenSearchServerless::Collection",
        "AWS::RedshiftServerless::Namespace",
        "AWS::S3Tables::Table",
        "AWS::S3Tables::TableBucket",
        "AWS::SageMaker::Domain",
        "AWS::SageMaker::FeatureGroup",
        "AWS::SageMaker::ModelPackageGroup",
        "AWS::SageMaker::NotebookInstance",
        "AWS::SageMaker::UserProfile",
        "AWS::Timestream::Table",
    }
)
"""Types that hold data besides those AWS marks in its schemas: catalogues, registries, home folders."""


class Change(StrEnum):
    """What happens to a resource."""

    ADDED = "new"
    REMOVED = "removed"
    REPLACED = "replaced"
    UPDATED = "updated"


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """One resource that differs between two versions.

    Args:
        change: What happens to it.
        resource: The resource: as it will be, or as it was when it is removed.
        because: Properties that force the replacement, or that differ.
        holds_data: Whether data live in it.
        kept: Whether CloudFormation leaves the old one where it is (DeletionPolicy, UpdateReplacePolicy).
    """

    change: Change
    resource: Resource
    because: tuple[str, ...] = ()
    holds_data: bool = False
    kept: bool = False

    @property
    def loses_data(self) -> bool:
        """Whether what was in the resource is not in the one that follows it: retained or not, it starts empty."""
        return self.holds_data and self.change in (Change.REMOVED, Change.REPLACED)


def changes(old: Estate, new: Estate) -> list[ResourceChange]:
    """Every resource that differs, by path."""
    before = {(each.stack, each.logical_id): each for each in old.resources}
    after = {(each.stack, each.logical_id): each for each in new.resources}
    found = [_change(Change.ADDED, each, policy=None) for key, each in after.items() if key not in before]
    found += [
        _change(Change.REMOVED, each, policy=each.deletion_policy) for key, each in before.items() if key not in after
    ]
    for key in before.keys() & after.keys():
        found += _compared(before[key], after[key])
    return sorted(found, key=lambda each: (each.change, each.resource.path))


def _compared(old: Resource, new: Resource) -> Iterator[ResourceChange]:
    if old.type != new.type:
        yield _change(Change.REPLACED, old, policy=old.update_replace_policy, because=(f"type, now {new.type}",))
        return
    forced = tuple(path for path in _replacing().get(old.type, ()) if _at(old, path) != _at(new, path))
    if forced:
        yield _change(Change.REPLACED, new, policy=new.update_replace_policy, because=forced)
    elif differing := _differing(old, new):
        yield _change(Change.UPDATED, new, policy=None, because=differing)


def _change(change: Change, resource: Resource, *, policy: str | None, because: tuple[str, ...] = ()) -> ResourceChange:
    return ResourceChange(
        change=change,
        resource=resource,
        because=because,
        holds_data=holds_data(resource.type),
        kept=(policy or "Delete") != "Delete",
    )


def _differing(old: Resource, new: Resource) -> tuple[str, ...]:
    names = old.properties.keys() | new.properties.keys()
    found = [name for name in sorted(names) if old.properties.get(name) != new.properties.get(name)]
    for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
        if old.raw.get(attribute) != new.raw.get(attribute):
            found.append(attribute)
    return tuple(found)


def _at(resource: Resource, path: str) -> str:
    return json.dumps(list(resource.values(path)), sort_keys=True, default=str)


def holds_data(kind: str) -> bool:
    """Whether data live in resources of a type."""
    return kind in HOLD_DATA or kind in _schemas()["stateful"]


def _replacing() -> Mapping[str, list[str]]:
    found: Mapping[str, list[str]] = _schemas()["replacing"]
    return found


@cache
def _schemas() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMAS.read_text())
    return loaded
