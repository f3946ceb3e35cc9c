"""YAML as CloudFormation writes it: short forms become the functions they stand for, a version stays text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlops_constructs.compliance.templates import TemplateError

try:
    import yaml
except ModuleNotFoundError as missing:
    raise TemplateError(
        "a YAML template or waiver file needs PyYAML: pip install './constructs[yaml]' from a checkout"
    ) from missing

_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe, with the short forms, and without dates: a policy's `Version: 2012-10-17` is text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (the name and kind are PyYAML's)
        first: [(tag, pattern) for tag, pattern in found if tag != _TIMESTAMP]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def parse_yaml(path: Path, written: str) -> Any:
    """Return what a YAML file holds.

    Raises:
        TemplateError: It is not YAML.
    """
    try:
        return yaml.load(written, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise TemplateError(f"{path}{line}: not YAML: {problem}") from error


def _short_form(loader: Any, name: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _short_form)
