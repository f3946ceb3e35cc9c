"""A CloudFormation type as three calls of its service, described by data."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError

from ..errors import LocalAwsError
from . import coerce, registry

if TYPE_CHECKING:
    from ..runtime import Created, Runtime

Properties = dict[str, Any]
_GONE = ("NotFound", "NoSuch", "DoesNotExist", "ResourceNotFound", "EntityNotFound")


def _same(properties: Properties) -> Properties:
    return properties


def _no_attributes(physical_id: str, response: Mapping[str, Any]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """How a type maps to its service.

    Args:
        name: For example `AWS::Events::Archive`.
        service: boto3 name.
        create: Operation in PascalCase.
        delete: Operation that removes it.
        identify: (properties, response of create) -> physical id.
        address: physical id -> parameters that name the resource for update and delete.
        update: Operation that changes it; None when every change replaces it.
        address_update: Where update names the resource in another way than delete.
        located_by: Properties that, besides the physical id, name the resource for delete.
        named_by: Property that names it; made up from stack and logical id when absent.
        name_limit: Longest name.
        immutable: Properties whose change replaces the resource (besides `named_by`).
        prepare: Properties -> API parameters, before coercion by the model.
        prepare_update: The same for update; None takes `prepare`.
        attributes: (physical id, response of create) -> attributes for Fn::GetAtt.
    """

    name: str
    service: str
    create: str
    delete: str
    identify: Callable[[Properties, Mapping[str, Any]], str]
    address: Callable[[str], Properties]
    update: str | None = None
    address_update: Callable[[str], Properties] | None = None
    located_by: tuple[str, ...] = ()
    named_by: str = ""
    name_limit: int = 64
    immutable: tuple[str, ...] = ()
    prepare: Callable[[Properties], Properties] = _same
    prepare_update: Callable[[Properties], Properties] | None = None
    attributes: Callable[[str, Mapping[str, Any]], dict[str, Any]] = _no_attributes

    def register(self, runtime: Runtime) -> None:
        """Registers the type with CloudFormation."""
        resource = _Resource(self, runtime)
        runtime.register_cfn_type(self.name, resource.create, resource.update, resource.delete, resource.replaces)
        registry.trust(self.name)


class _Resource:
    def __init__(self, kind: ResourceType, runtime: Runtime) -> None:
        self._kind, self._runtime = kind, runtime

    def create(self, logical_id: str, properties: Properties, stack: str) -> Created:
        kind, given = self._kind, dict(properties)
        if kind.named_by and not given.get(kind.named_by):
            given[kind.named_by] = physical_name(stack, logical_id, kind.name_limit)
        response = self._call(kind.create, kind.prepare(given))
        physical_id = kind.identify(given, response)
        return physical_id, kind.attributes(physical_id, response)

    def update(self, physical_id: str, old: Properties, new: Properties, stack: str) -> Created:
        kind = self._kind
        if kind.update is None:
            raise LocalAwsError(f"{kind.name} can't be changed in place")
        given = dict(new)
        if kind.named_by:
            given.setdefault(kind.named_by, physical_id)
        prepared = (kind.prepare_update or kind.prepare)(given)
        response = self._call(kind.update, {**prepared, **(kind.address_update or kind.address)(physical_id)})
        return physical_id, kind.attributes(physical_id, response)

    def delete(self, physical_id: str, properties: Properties) -> None:
        place = {name: properties[name] for name in self._kind.located_by if properties.get(name)}
        try:
            self._call(self._kind.delete, {**place, **self._kind.address(physical_id)})
        except ClientError as error:
            if not any(word in error.response["Error"]["Code"] for word in _GONE):
                raise

    def replaces(self, old: Properties, new: Properties) -> bool:
        kind = self._kind
        if kind.update is None:
            return old != new
        fixed = (*kind.immutable, kind.named_by) if kind.named_by else kind.immutable
        return any(old.get(name) != new.get(name) for name in fixed)

    def _call(self, operation: str, parameters: Properties) -> dict[str, Any]:
        client = self._runtime.client(self._kind.service)
        shape = client.meta.service_model.operation_model(operation).input_shape
        request = coerce.to_request(shape, parameters, self._kind.name)
        response: dict[str, Any] = getattr(client, xform_name(operation))(**request)
        response.pop("ResponseMetadata", None)
        return response


def physical_name(stack: str, logical_id: str, limit: int) -> str:
    """A new name as CloudFormation makes one: `<stack>-<logical id>-<12 random characters>`, cut to the limit."""
    suffix = secrets.token_hex(6)
    return f"{stack}-{logical_id}"[: limit - 13].rstrip("-") + f"-{suffix}"
