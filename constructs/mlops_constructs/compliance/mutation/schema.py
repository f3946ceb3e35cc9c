"""CloudFormation's resource schemas, from the database the CDK CLI ships: every property with its kind and values."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATABASE = Path("node_modules/aws-cdk/db.json.gz")
MAX_DEPTH = 6


@dataclass(frozen=True)
class Property:
    """One property of a resource type.

    Args:
        path: Dotted; `*` stands for the items of a list or the values of a map.
        kind: `boolean`, `string`, `number`, `object`, `list`, `json`.
        allowed: Values the schema lists, for strings.
        required: Whether its parent cannot be without it.
        replaces: Whether a change replaces the resource.
    """

    path: str
    kind: str
    allowed: tuple[str, ...] = ()
    required: bool = False
    replaces: bool = False


class Schemas:
    """Properties of all resource types.

    Args:
        path: `db.json.gz` of the npm package `aws-cdk`.

    Raises:
        ValueError: There is no such file.
    """

    def __init__(self, path: Path = DATABASE) -> None:
        if not path.is_file():
            raise ValueError(f"{path} is missing: the resource schemas come with the CDK CLI, run `make setup`")
        database = json.loads(gzip.decompress(path.read_bytes()))["schema"]
        self._types = {each["cloudFormationType"]: each for each in database["resource"]["entities"]}
        self._definitions = {each["$id"]: each for each in database["typeDefinition"]["entities"]}

    @property
    def types(self) -> tuple[str, ...]:
        """Every resource type, sorted."""
        return tuple(sorted(self._types))

    @property
    def stateful(self) -> tuple[str, ...]:
        """Types that hold data, as AWS marks them."""
        return tuple(sorted(name for name, each in self._types.items() if each.get("isStateful")))

    @cache  # noqa: B019 (one object lives as long as the run)
    def properties(self, kind: str) -> tuple[Property, ...]:
        """Every property of a resource type, nested ones included; empty for a type without schema."""
        found = self._types.get(kind)
        return tuple(self._walk(found["properties"], (), ())) if found else ()

    def replacing(self, kind: str) -> list[str]:
        """Paths of properties whose change replaces the resource; not those below another such property."""
        found = {each.path for each in self.properties(kind) if each.replaces}
        return sorted(path for path in found if not any(path.startswith(f"{other}.") for other in found))

    def bare(self, kind: str) -> dict[str, Any]:
        """Properties of the smallest resource the schema takes: only what is required."""
        return self._example(self._types[kind]["properties"])

    def _walk(self, properties: dict[str, Any], parents: tuple[str, ...], seen: tuple[str, ...]) -> Iterator[Property]:
        for name, each in sorted(properties.items()):
            path = (*parents, name)
            kind, allowed, nested, suffix = self._kind(each["type"])
            yield Property(
                path=".".join(path),
                kind=kind,
                allowed=allowed,
                required=bool(each.get("required")),
                replaces=each.get("causesReplacement") == "yes",
            )
            if nested and nested not in seen and len(path) < MAX_DEPTH:
                yield from self._walk(self._definitions[nested]["properties"], (*path, *suffix), (*seen, nested))

    def _kind(self, kind: dict[str, Any]) -> tuple[str, tuple[str, ...], str | None, tuple[str, ...]]:
        """Kind, listed values, id of the nested definition, and the step into it."""
        match kind["type"]:
            case "ref":
                return "object", (), kind["reference"]["$ref"], ()
            case "array" | "map":
                inner = self._kind(kind["element"])
                return ("list" if kind["type"] == "array" else "object"), (), inner[2], ("*", *inner[3])
            case "union":
                options = [self._kind(each) for each in kind["types"]]
                return min(options, key=lambda each: each[0] == "json" and len(options) > 1 and bool(each[2]))
            case "integer" | "double" | "number":
                return "number", (), None, ()
            case other:
                return other, tuple(kind.get("allowedValues", ())), None, ()

    def _example(self, properties: dict[str, Any]) -> dict[str, Any]:
        return {name: self._value(each["type"]) for name, each in sorted(properties.items()) if each.get("required")}

    def _value(self, kind: dict[str, Any]) -> Any:
        match kind["type"]:
            case "ref":
                return self._example(self._definitions[kind["reference"]["$ref"]]["properties"])
            case "array":
                return [self._value(kind["element"])]
            case "map" | "json":
                return {}
            case "union":
                return self._value(kind["types"][0])
            case "boolean":
                return False
            case "integer" | "double" | "number":
                return 1
            case "tag":
                return {"Key": "k", "Value": "v"}
            case _:
                return kind["allowedValues"][0] if kind.get("allowedValues") else "example"
