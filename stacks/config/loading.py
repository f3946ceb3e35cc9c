"""Read configuration files: strict YAML in, frozen models out, one line per mistake."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue, ValidationError

from stacks.config.base import ConfigError
from stacks.config.environment import Environment
from stacks.config.errors import describe, mistake, shown_path
from stacks.config.rules import check_workload_in_environment
from stacks.config.singletons import check_singletons
from stacks.config.workload import Workload
from stacks.config.yaml_file import read_yaml

ALL = "all"
"""The name that stands for every environment."""

SCRIPTS = ("features.py", "train.py", "evaluate.py", "serve.py")


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One environment with the workloads that run in it, overrides applied.

    Attributes:
        environment: where it is deployed.
        workloads: what runs there, in the order of the environment's file.
        root: the repository; `workloads/<name>` below it holds a workload's scripts.
    """

    environment: Environment
    workloads: tuple[Workload, ...]
    root: Path

    def folder(self, workload: Workload) -> Path:
        """Return the folder with the Dockerfile and the scripts of a workload."""
        return self.root / "workloads" / workload.name


def environment_names(root: Path) -> tuple[str, ...]:
    """Return the names of the environments that have a file, sorted."""
    return tuple(sorted(path.stem for path in (root / "environments").glob("*.yaml")))


def load_environment(path: Path) -> Environment:
    """Read and validate one environment file.

    Raises:
        ConfigError: the file is missing, not YAML, or breaks a rule; one line per mistake.
    """
    data = read_yaml(path)
    try:
        environment = Environment.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise ConfigError("\n".join(describe(error, Environment, data, path))) from None
    if environment.name != path.stem:
        raise mistake(path, "name", environment.name, f"use {path.stem!r}, the name of the file")
    return environment


def load_workload(
    path: Path, *, environment: Environment | None = None, environment_path: Path | None = None
) -> Workload:
    """Read and validate one workload file, with the overrides of an environment merged in.

    Args:
        path: the `workload.yaml`.
        environment: whose overrides and stage rules apply; without it the file is judged alone.
        environment_path: the file named in messages about an override.

    Raises:
        ConfigError: a file is missing, not YAML, or breaks a rule; one line per mistake.
    """
    data = read_yaml(path)
    own = _validated(data, path, overrides={}, environment_path=path)
    if own.name != path.parent.name:
        raise ConfigError(
            f"{shown_path(path)}: name: got {own.name!r}; use {path.parent.name!r}, the name of the folder"
        )
    _check_files(own, path)
    if environment is None:
        return own
    overrides = environment.workloads.get(own.name, {})
    overriding_file = environment_path or Path(f"environments/{environment.name}.yaml")
    if "name" in overrides:
        raise mistake(overriding_file, f"workloads.{own.name}.name", overrides["name"], "remove it: a name is fixed")
    merged = _merge(data, overrides)
    workload = _validated(merged, path, overrides=overrides, environment_path=overriding_file) if overrides else own
    check_workload_in_environment(workload, environment, overriding_file)
    return workload


def load_platform(root: Path, name: str, *, only_workload: str | None = None) -> Platform:
    """Read an environment and every workload that runs in it.

    Args:
        root: the repository.
        name: the environment.
        only_workload: leave out every other workload.

    Raises:
        ConfigError: the environment or workload does not exist, or a file breaks a rule.
    """
    known = environment_names(root)
    if name not in known:
        raise ConfigError(f"environment: got {name!r}; use one of {', '.join(known)} (files in environments/) or {ALL}")
    path = Path("environments") / f"{name}.yaml"
    environment = load_environment(root / path)
    check_singletons(environment, root / path)
    if only_workload is not None and only_workload not in environment.workloads:
        raise ConfigError(f"workload: got {only_workload!r}; {path} has {', '.join(environment.workloads) or 'none'}")
    names = [only_workload] if only_workload else list(environment.workloads)
    workloads = tuple(_named_workload(root, each, environment, root / path) for each in names)
    return Platform(environment=environment, workloads=workloads, root=root)


def _named_workload(root: Path, name: str, environment: Environment, environment_path: Path) -> Workload:
    path = root / "workloads" / name / "workload.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.parent.name for p in root.glob("workloads/*/workload.yaml"))) or "none"
        raise mistake(environment_path, f"workloads.{name}", name, f"name a folder of workloads/, there is {known}")
    return load_workload(path, environment=environment, environment_path=environment_path)


def _validated(data: JsonValue, path: Path, *, overrides: Mapping[str, JsonValue], environment_path: Path) -> Workload:
    try:
        return Workload.model_validate_json(json.dumps(data))
    except ValidationError as error:
        prefix = f"workloads.{path.parent.name}"
        lines = describe(
            error, Workload, data, path, overrides=overrides, override_path=environment_path, prefix=prefix
        )
        raise ConfigError("\n".join(lines)) from None


def _merge(base: JsonValue, overrides: JsonValue) -> JsonValue:
    """Return `base` with `overrides` laid over it: mappings merge, anything else replaces."""
    if isinstance(base, dict) and isinstance(overrides, dict):
        return {
            key: _merge(base.get(key), overrides[key]) if key in overrides else base[key]
            for key in _keys(base, overrides)
        }
    return overrides


def _keys(*mappings: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for mapping in mappings for key in mapping))


def _check_files(workload: Workload, path: Path) -> None:
    if not (path.parent / workload.image.dockerfile).is_file():
        raise mistake(path, "image.dockerfile", workload.image.dockerfile, "there is no such file beside it")
    for script in SCRIPTS:
        if not (path.parent / "src" / script).is_file():
            raise mistake(path, "name", workload.name, f"its folder lacks src/{script}, which a workload must have")
