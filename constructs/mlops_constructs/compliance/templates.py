"""Templates out of files: a cloud assembly, a folder, or one template in JSON or YAML."""

from __future__ import annotations

import json
import re
from bisect import bisect
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.template import ACCOUNT, REGION, Acknowledgement, Template

SUFFIXES = (".json", ".yaml", ".yml", ".template")
_STACK, _STAGE = "aws:cloudformation:stack", "cdk:cloud-assembly"
_LOGICAL, _ACKNOWLEDGED = "aws:cdk:logicalId", "aws:cdk:acknowledged-rules"
_LOGICAL_ID = re.compile(r"""^[ \t]*["']?([A-Za-z0-9]+)["']?[ \t]*:[ \t]*(?:\{|\r?$|#)""", re.MULTILINE)
_INLINE_ID = re.compile(r'"([A-Za-z0-9]+)"\s*:\s*\{')


class TemplateError(ValueError):
    """A path that holds no template, or a template that cannot be read."""


def read(path: Path, *, stages: bool = True) -> Iterator[tuple[str, list[Template]]]:
    """Yield name and templates of every environment below a path.

    Args:
        path: A cloud assembly, a folder of templates, or one template.
        stages: Look into the stages of a cloud assembly, too.

    Raises:
        TemplateError: There is no such path, or no template in it, or one that cannot be read.
    """
    if not path.exists():
        raise TemplateError(f"{path}: there is no such file or folder")
    if path.is_file():
        yield path.name.removesuffix(path.suffix).removesuffix(".template"), [_from_file(path)]
    elif (path / "manifest.json").is_file():
        found = list(_assembly(path, path.name.removeprefix("assembly-"), stages))
        if not found:
            raise TemplateError(f"{path}: the cloud assembly holds no stack")
        yield from found
    else:
        templates = [template for each in sorted(path.iterdir()) if (template := _if_template(each))]
        if not templates:
            raise TemplateError(f"{path}: no CloudFormation template in this folder (looked for {' '.join(SUFFIXES)})")
        yield path.resolve().name, templates


def parse(path: Path, written: str) -> Any:
    """Return what is written in a JSON or YAML file, the short forms of YAML (`!Ref`) as the long ones.

    Raises:
        TemplateError: It is neither.
    """
    if written.lstrip().startswith(("{", "[")):
        return _parsed(path, written)
    from mlops_constructs.compliance.yaml_forms import parse_yaml  # costs a start-up that only YAML should pay

    return parse_yaml(path, written)


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        TemplateError: There is no such file, or it is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise TemplateError(f"{path}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: not text in UTF-8") from error


def metadata(manifest: Path) -> Iterator[tuple[str, str, str, Any]]:
    """Yield artifact, construct path, type and data of everything the CDK noted in one manifest."""
    for name, artifact in _json(manifest).get("artifacts", {}).items():
        noted = dict(artifact.get("metadata", {}))
        if extra := artifact.get("additionalMetadataFile"):
            noted.update(_json(manifest.parent / extra))
        for path, entries in noted.items():
            for entry in entries:
                yield name, path.lstrip("/"), entry["type"], entry.get("data")


def acknowledgements(manifest: Path) -> Iterator[Acknowledgement]:
    """Yield what the CDK noted as accepted in one manifest."""
    for _, path, kind, data in metadata(manifest):
        if kind == _ACKNOWLEDGED:
            yield from _accepted(path, data)


def _accepted(path: str, data: Mapping[str, str]) -> Iterator[Acknowledgement]:
    yield from (Acknowledgement(path, finding, reason) for finding, reason in data.items())


def _assembly(folder: Path, name: str, stages: bool) -> Iterator[tuple[str, list[Template]]]:
    manifest = _json(folder / "manifest.json").get("artifacts", {})
    paths: dict[str, dict[str, str]] = {}
    accepted: dict[str, list[Acknowledgement]] = {}
    for artifact, path, kind, data in metadata(folder / "manifest.json"):
        if kind == _LOGICAL:
            paths.setdefault(artifact, {})[str(data)] = path.removesuffix("/Resource")
        elif kind == _ACKNOWLEDGED:
            accepted.setdefault(artifact, []).extend(_accepted(path, data))
    stacks = [
        replace(
            _of_stack(folder, key, artifact),
            paths=paths.get(key, {}),
            acknowledged=tuple(accepted.get(key, ())),
        )
        for key, artifact in manifest.items()
        if artifact.get("type") == _STACK
    ]
    nested = [below for stack in stacks for below in _nested(folder, stack)]
    if stacks:
        yield name, [*stacks, *nested]
    for artifact in manifest.values():
        if stages and artifact.get("type") == _STAGE:
            properties = artifact["properties"]
            directory = properties["directoryName"]
            yield from _assembly(folder / directory, properties.get("displayName") or directory, stages)


def _of_stack(folder: Path, key: str, artifact: Mapping[str, Any]) -> Template:
    properties = artifact.get("properties", {})
    # `aws://unknown-account/unknown-region` where the app names none
    place = re.match(r"aws://(\d{12})?[^/]*/([a-z]{2}-[a-z0-9-]+)?", str(artifact.get("environment")))
    account, region = place.groups() if place else (None, None)
    stack = str(properties.get("stackName") or artifact.get("displayName") or key)
    template = _template(folder / properties["templateFile"], stack, may_be_empty=True)
    return replace(template, account=account or ACCOUNT, region=region or REGION)


def _nested(folder: Path, parent: Template) -> Iterator[Template]:
    """Yield the templates of nested stacks, at any depth; the CDK notes their files at the resource."""
    for logical_id, resource in parent.resources.items():
        asset = (resource.get("Metadata") or {}).get("aws:asset:path")
        if resource.get("Type") == "AWS::CloudFormation::Stack" and asset and (folder / asset).is_file():
            template = replace(
                _template(folder / asset, f"{parent.stack}/{logical_id}"),
                paths=parent.paths,
                account=parent.account,
                region=parent.region,
                nested_in=(parent.stack, logical_id),
            )
            yield template
            yield from _nested(folder, template)


def _template(file: Path, stack: str, *, may_be_empty: bool = False) -> Template:
    written = read_text(file)
    body = parse(file, written)
    if may_be_empty and isinstance(body, Mapping) and not body.get("Resources"):
        return Template(stack=stack, body=body, file=file.name)
    if not is_template(body):
        raise TemplateError(f"{file}: not a CloudFormation template: no Resources with a Type each")
    return Template(stack=stack, body=body, file=file.name, lines=_lines(written, body["Resources"]))


def _from_file(path: Path) -> Template:
    stack = path.name.removesuffix(path.suffix).removesuffix(".template")
    return _template(path, stack)


def _if_template(path: Path) -> Template | None:
    if not path.is_file() or path.suffix not in SUFFIXES:
        return None
    return _from_file(path) if is_template(parse(path, read_text(path))) else None


def is_template(body: Any) -> bool:
    """Whether this is a CloudFormation template: resources with a type each."""
    resources = body.get("Resources") if isinstance(body, Mapping) else None
    return (
        isinstance(resources, Mapping)
        and bool(resources)
        and all(isinstance(each, Mapping) and "Type" in each for each in resources.values())
    )


def _lines(written: str, resources: Mapping[str, Any]) -> dict[str, int]:
    """Return the line of each logical id: its first appearance as a key after `Resources`."""
    start = written.find("Resources")
    ends = [each.start() for each in re.finditer("\n", written)]
    found: dict[str, int] = {}
    for pattern in (_LOGICAL_ID, _INLINE_ID):
        for match in pattern.finditer(written, max(start, 0)):
            if match.group(1) in resources:
                found.setdefault(match.group(1), bisect(ends, match.start(1)) + 1)
    return found


def _json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = _parsed(path, read_text(path))
    return loaded


def _parsed(path: Path, written: str) -> Any:
    try:
        return json.loads(written)
    except json.JSONDecodeError as error:
        raise TemplateError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
