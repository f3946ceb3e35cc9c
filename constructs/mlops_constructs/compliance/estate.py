"""Estate: all templates of one environment as one set of resources, their references followed across stacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.resolve import ACCOUNT, REGION, Resolver, Scope, Template, Unknown
from mlops_constructs.compliance.templates import TemplateError, read

__all__ = ["Estate", "Resource", "TemplateError", "Unknown", "from_templates", "load"]

STAGES = ("local", "dev", "staging", "prod")
_ATTRIBUTE = re.compile(r"\$\{([^}.]+)\.[^}]+\}")
_STAGE_TAG, _ENVIRONMENT_TAG = "mlops:stage", "mlops:environment"


@dataclass(frozen=True, eq=False, kw_only=True)
class Resource:
    """One resource of a template, as it will be deployed.

    Args:
        stack: Name of its stack.
        logical_id: Its id in the template.
        type: CloudFormation type.
        properties: Properties, intrinsic functions resolved; what is unknown before deployment is `Unknown`.
        raw: The resource as written in the template.
        path: Construct path, or `stack/logical id` in a template the CDK did not write.
        template: Name of the template's file.
        line: Line of the logical id in it.
        physical_id: Name it will have; `<stack>-<logical id>` where CloudFormation makes one up.
        arn: Its ARN.
    """

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    raw: Mapping[str, Any]
    path: str
    template: str
    line: int
    physical_id: str
    arn: str

    @property
    def deletion_policy(self) -> str | None:
        """`DeletionPolicy` as written."""
        return self._text("DeletionPolicy")

    @property
    def update_replace_policy(self) -> str | None:
        """`UpdateReplacePolicy` as written."""
        return self._text("UpdateReplacePolicy")

    def get(self, path: str, default: Any = None) -> Any:
        """Return the property at a dotted path; `Unknown` if something on the way is known only at deployment."""
        found: Any = self.properties
        for key in path.split("."):
            if isinstance(found, Unknown):
                return found
            if not isinstance(found, Mapping) or key not in found:
                return default
            found = found[key]
        return found

    def values(self, path: str) -> Iterator[Any]:
        """Yield every value at a dotted path in which `*` stands for each item of a list or each value of a map."""
        yield from _walk(self.properties, path.split("."))

    def _text(self, key: str) -> str | None:
        value = self.raw.get(key)
        return None if value is None else str(value)


class Estate:
    """All resources of one environment.

    Args:
        name: Name where the resources carry no tag that says which environment they are.
        templates: Its templates; stack names must differ.
        stage: `local`, `dev`, `staging` or `prod`; by default what the tags or the name say.

    Raises:
        TemplateError: An intrinsic function in a template has a form CloudFormation does not know.
    """

    def __init__(self, name: str, templates: Iterable[Template], *, stage: str | None = None) -> None:
        self.templates = tuple(sorted(templates, key=lambda template: template.stack))
        first = self.templates[0] if self.templates else Template(stack="", body={})
        self.account, self.region = first.account, first.region
        resolver = Resolver(self.templates)
        self.resources: tuple[Resource, ...] = tuple(
            _resource(resolver.scope(template.stack), logical_id, raw)
            for template in self.templates
            for logical_id, raw in template.resources.items()
        )
        self.name = self._tagged(_ENVIRONMENT_TAG) or name
        self.stage = stage or self._stage()

    @property
    def guarded(self) -> bool:
        """Whether production rules apply: staging, prod, and every template whose stage nobody states."""
        return self.stage not in ("local", "dev")

    def of(self, *types: str) -> Iterator[Resource]:
        """Yield the resources of these types."""
        for kind in types:
            yield from self._by_type.get(kind, ())

    def find(self, reference: object, *types: str) -> Resource | None:
        """Return the resource that a physical id, ARN or attribute refers to.

        Args:
            reference: Text out of a resolved property.
            types: Types to look among, all by default; names are unique only within a type.
        """
        if isinstance(reference, Unknown) and (attribute := _ATTRIBUTE.fullmatch(reference)):
            reference = attribute.group(1)
        for resource in self._by_reference.get(reference, ()) if isinstance(reference, str) else ():
            if not types or resource.type in types:
                return resource
        return None

    @cached_property
    def _by_type(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return found

    @cached_property
    def _by_reference(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            for name in {resource.physical_id, resource.arn, resource.arn.removesuffix(":*")}:
                found.setdefault(name, []).append(resource)
        return found

    def _stage(self) -> str | None:
        tagged = self._tagged(_STAGE_TAG) or self.name
        return tagged if tagged in STAGES else None

    def _tagged(self, key: str) -> str | None:
        values = {
            str(tag.get("Value"))
            for resource in self.resources
            for tag in _tags(resource.properties.get("Tags"))
            if tag.get("Key") == key
        }
        return values.pop() if len(values) == 1 else None


def load(path: Path, *, stages: bool = True) -> list[Estate]:
    """Read the estates below a path.

    Args:
        path: A `cdk.out` folder (every stage is an estate of its own, the app's own stacks are one), a folder of
            templates (one estate), or one template in JSON or YAML.
        stages: Read the stages of a `cdk.out` folder, too; without them its own stacks alone.

    Raises:
        TemplateError: There is no such path, or no template in it, or one that cannot be read.
    """
    return [Estate(name, templates) for name, templates in read(path, stages=stages)]


def from_templates(
    templates: Mapping[str, Mapping[str, Any]],
    *,
    name: str = "estate",
    stage: str | None = None,
    account: str = ACCOUNT,
    region: str = REGION,
) -> Estate:
    """Return the estate of templates that are in memory, by stack name."""
    made = [Template(stack=stack, body=body, account=account, region=region) for stack, body in templates.items()]
    return Estate(name, made, stage=stage)


def _resource(scope: Scope, logical_id: str, raw: Mapping[str, Any]) -> Resource:
    template = scope.template
    try:
        properties = scope.resolve(raw.get("Properties") or {})
        arn = scope.arn(logical_id)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TemplateError(
            f"{template.file or template.stack}: {logical_id}: an intrinsic function has a form that CloudFormation "
            f"does not know ({error})"
        ) from error
    return Resource(
        stack=template.stack,
        logical_id=logical_id,
        type=str(raw.get("Type")),
        properties=properties if isinstance(properties, Mapping) else {},
        raw=raw,
        path=_metadata_path(raw) or template.paths.get(logical_id) or f"{template.stack}/{logical_id}",
        template=template.file,
        line=template.lines.get(logical_id, 1),
        physical_id=scope.physical_id(logical_id),
        arn=arn,
    )


def _metadata_path(raw: Mapping[str, Any]) -> str | None:
    written = (raw.get("Metadata") or {}).get("aws:cdk:path")
    return written.removesuffix("/Resource") if isinstance(written, str) else None


def _walk(value: Any, keys: list[str]) -> Iterator[Any]:
    if not keys or isinstance(value, Unknown):
        yield value
    elif keys[0] == "*":
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for each in items:
            yield from _walk(each, keys[1:])
    elif isinstance(value, dict) and keys[0] in value:
        yield from _walk(value[keys[0]], keys[1:])


def _tags(tags: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(tags, Mapping):
        yield from ({"Key": key, "Value": value} for key, value in tags.items())
    elif isinstance(tags, list):
        yield from (tag for tag in tags if isinstance(tag, Mapping))
