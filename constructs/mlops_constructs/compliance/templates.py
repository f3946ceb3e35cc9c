"""Templates out of files: a cloud assembly, a folder, or one template in JSON or YAML."""

from __future__ import annotations

import json
import re
from bisect import bisect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlops_constructs.compliance.resolve import ACCOUNT, REGION, Template

SUFFIXES = (".json", ".yaml", ".yml", ".template")
_STACK, _STAGE = "aws:cloudformation:stack", "cdk:cloud-assembly"
_LOGICAL_ID = re.compile(r"""^[ \t]*["']?([A-Za-z0-9]+)["']?[ \t]*:[ \t]*(?:\{|\r?$|#)""", re.MULTILINE)
_INLINE_ID = re.compile(r'"([A-Za-z0-9]+)"\s*:\s*\{')


class TemplateError(ValueError):
    """A path that holds no template, or a template that cannot be read."""


def read(path: Path) -> Iterator[tuple[str, list[Template]]]:
    """Yield name and templates of every environment below a path.

    Raises:
        TemplateError: There is no such path, or no template in it, or one that cannot be read.
    """
    if not path.exists():
        raise TemplateError(f"{path}: there is no such file or folder")
    if path.is_file():
        yield path.name.removesuffix(path.suffix).removesuffix(".template"), [_from_file(path)]
    elif (path / "manifest.json").is_file():
        found = list(_assembly(path, path.name.removeprefix("assembly-")))
        if not found:
            raise TemplateError(f"{path}: the cloud assembly holds no stack")
        yield from found
    else:
        templates = [template for each in sorted(path.iterdir()) if (template := _if_template(each))]
        if not templates:
            raise TemplateError(f"{path}: no CloudFormation template in this folder (looked for {' '.join(SUFFIXES)})")
        yield path.resolve().name, templates


def parse(path: Path) -> Any:
    """Return what a JSON or YAML file holds, the short forms of YAML (`!Ref`) as the long ones.

    Raises:
        TemplateError: It is neither.
    """
    written = path.read_text(encoding="utf-8", errors="replace")
    if written.lstrip().startswith("{"):
        try:
            return json.loads(written)
        except json.JSONDecodeError as error:
            raise TemplateError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    from mlops_constructs.compliance.yaml_forms import parse_yaml  # costs a start-up that only YAML should pay

    return parse_yaml(path, written)


def metadata(manifest: Path) -> Iterator[tuple[str, str, str, Any]]:
    """Yield artifact, construct path, type and data of everything the CDK noted in one manifest."""
    for name, artifact in _json(manifest).get("artifacts", {}).items():
        noted = dict(artifact.get("metadata", {}))
        if extra := artifact.get("additionalMetadataFile"):
            noted.update(_json(manifest.parent / extra))
        for path, entries in noted.items():
            for entry in entries:
                yield name, path.lstrip("/"), entry["type"], entry.get("data")


def _assembly(folder: Path, name: str) -> Iterator[tuple[str, list[Template]]]:
    manifest = _json(folder / "manifest.json")
    paths: dict[str, dict[str, str]] = {}
    for artifact, path, kind, data in metadata(folder / "manifest.json"):
        if kind == "aws:cdk:logicalId":
            paths.setdefault(artifact, {})[str(data)] = path.removesuffix("/Resource")
    stacks = [
        _of_stack(folder, key, artifact, paths.get(key, {}))
        for key, artifact in manifest.get("artifacts", {}).items()
        if artifact.get("type") == _STACK
    ]
    if stacks:
        yield name, [template for group in stacks for template in group]
    for artifact in manifest.get("artifacts", {}).values():
        if artifact.get("type") == _STAGE:
            properties = artifact["properties"]
            directory = properties["directoryName"]
            yield from _assembly(folder / directory, properties.get("displayName") or directory)


def _of_stack(folder: Path, key: str, artifact: Mapping[str, Any], paths: Mapping[str, str]) -> list[Template]:
    properties = artifact.get("properties", {})
    # `aws://unknown-account/unknown-region` where the app names none
    place = re.match(r"aws://(\d{12})?[^/]*/([a-z]{2}-[a-z0-9-]+)?", str(artifact.get("environment")))
    account, region = place.groups() if place else (None, None)
    file = folder / properties["templateFile"]
    stack = properties.get("stackName") or artifact.get("displayName") or key
    return [_template(file, str(stack), account or ACCOUNT, region or REGION, paths)]


def _template(file: Path, stack: str, account: str, region: str, paths: Mapping[str, str]) -> Template:
    body = parse(file)
    if not is_template(body):
        raise TemplateError(f"{file}: not a CloudFormation template: no Resources with a Type each")
    lines = _lines(file.read_text(encoding="utf-8", errors="replace"), body["Resources"])
    return Template(stack=stack, body=body, file=file.name, paths=paths, lines=lines, account=account, region=region)


def _from_file(path: Path) -> Template:
    stack = path.name.removesuffix(path.suffix).removesuffix(".template")
    return _template(path, stack, ACCOUNT, REGION, {})


def _if_template(path: Path) -> Template | None:
    if not path.is_file() or path.suffix not in SUFFIXES:
        return None
    return _from_file(path) if is_template(parse(path)) else None


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
    try:
        loaded: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise TemplateError(f"{path}: there is no such file, but the cloud assembly names it") from error
    except json.JSONDecodeError as error:
        raise TemplateError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    return loaded
