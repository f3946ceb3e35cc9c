"""EventBridge schema registries: a control plane that keeps registries, schemas and their versions."""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .gateway import error

if TYPE_CHECKING:
    from .runtime import Response, Runtime

_PATH = re.compile(r"/v1/registries(?:/name/(?P<registry>[^/]+)(?:/schemas(?:/name/(?P<schema>[^/]+))?)?)?/?$")
_OPERATIONS = {
    ("registry", "POST"): "CreateRegistry",
    ("registry", "GET"): "DescribeRegistry",
    ("registry", "PUT"): "UpdateRegistry",
    ("registry", "DELETE"): "DeleteRegistry",
    ("schema", "POST"): "CreateSchema",
    ("schema", "GET"): "DescribeSchema",
    ("schema", "PUT"): "UpdateSchema",
    ("schema", "DELETE"): "DeleteSchema",
    ("registries", "GET"): "ListRegistries",
    ("schemas", "GET"): "ListSchemas",
}


@dataclass
class _Schema:
    content: str
    kind: str
    description: str
    tags: dict[str, str]
    version: int = 1
    modified: str = ""


@dataclass
class _Registry:
    description: str
    tags: dict[str, str]
    schemas: dict[str, _Schema] = field(default_factory=dict)


class Schemas:
    """The service `schemas`.

    Args:
        runtime: Authorizes every operation on the registry's or schema's ARN.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._registries: dict[str, _Registry] = {}

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """Answers one REST request."""
        match = _PATH.match(path)
        if match is None:
            return error(404, "NotFoundException", f"the local AWS has no schemas operation at {method} {path}")
        registry, schema = match["registry"] or "", match["schema"] or ""
        level = "schema" if schema else "schemas" if path.rstrip("/").endswith("/schemas") else ""
        level = level or ("registry" if registry else "registries")
        operation = _OPERATIONS.get((level, method))
        if operation is None:
            return error(404, "NotFoundException", f"the local AWS has no schemas operation at {method} {path}")
        self._runtime.authorize(headers, f"schemas:{operation}", self._arn(level, registry, schema))
        return self._perform(operation, registry, schema, json.loads(body or b"{}"))

    def _perform(self, operation: str, registry: str, schema: str, given: dict[str, Any]) -> Response:
        if operation == "ListRegistries":
            return _ok({"Registries": [self._registry_answer(name) for name in sorted(self._registries)]})
        creating = operation == "CreateRegistry"
        if (registry in self._registries) == creating:
            found = "is there already" if creating else "does not exist"
            code, status = ("ConflictException", 409) if creating else ("NotFoundException", 404)
            return error(status, code, f"Registry with name {registry} {found}.")
        if operation == "CreateRegistry":
            self._registries[registry] = _Registry(given.get("Description", ""), given.get("tags", {}))
            return _ok(self._registry_answer(registry), 201)
        if operation == "UpdateRegistry":
            self._registries[registry].description = given.get("Description", "")
        if operation == "DeleteRegistry":
            del self._registries[registry]
            return 204, {}, b""
        if operation.endswith("Registry"):
            return _ok(self._registry_answer(registry))
        if operation == "ListSchemas":
            schemas = self._registries[registry].schemas
            return _ok({"Schemas": [self._schema_answer(registry, name) for name in sorted(schemas)]})
        return self._schema(operation, registry, schema, given)

    def _schema(self, operation: str, registry: str, name: str, given: dict[str, Any]) -> Response:
        schemas = self._registries[registry].schemas
        if (name in schemas) == (operation == "CreateSchema"):
            if name in schemas:
                return error(409, "ConflictException", f"Schema with name {name} is there already.")
            return error(404, "NotFoundException", f"Schema with name {name} does not exist.")
        if operation == "DeleteSchema":
            del schemas[name]
            return 204, {}, b""
        if operation in ("CreateSchema", "UpdateSchema"):
            previous = schemas.get(name)
            content = given.get("Content", previous.content if previous else "")
            try:
                json.loads(content)
            except ValueError:
                return error(400, "BadRequestException", f"The content of schema {name} is not JSON.")
            version = 1 if previous is None else previous.version + (content != previous.content)
            schemas[name] = _Schema(
                content,
                given.get("Type", previous.kind if previous else ""),
                given.get("Description", ""),
                given.get("tags", previous.tags if previous else {}),
                version,
                datetime.datetime.now(datetime.UTC).isoformat(),
            )
        return _ok(self._schema_answer(registry, name), 201 if operation == "CreateSchema" else 200)

    def _registry_answer(self, name: str) -> dict[str, Any]:
        registry = self._registries[name]
        return {
            "RegistryName": name,
            "RegistryArn": self._arn("registry", name),
            "Description": registry.description,
            "tags": registry.tags,
        }

    def _schema_answer(self, registry: str, name: str) -> dict[str, Any]:
        schema = self._registries[registry].schemas[name]
        return {
            "SchemaName": name,
            "SchemaArn": self._arn("schema", registry, name),
            "SchemaVersion": str(schema.version),
            "Type": schema.kind,
            "Content": schema.content,
            "Description": schema.description,
            "LastModified": schema.modified,
            "tags": schema.tags,
        }

    def _arn(self, level: str, registry: str = "", schema: str = "") -> str:
        prefix = f"arn:aws:schemas:{self._runtime.region}:{self._runtime.account}"
        if level == "schema":
            return f"{prefix}:schema/{registry}/{schema}"
        return f"{prefix}:registry/{registry or '*'}"


def _ok(answer: dict[str, Any], status: int = 200) -> Response:
    return status, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def register(runtime: Runtime) -> None:
    """Serves `schemas`."""
    runtime.register_service("schemas", Schemas(runtime).handle)
