"""Read configuration files: strict YAML in, frozen models out, one line per mistake."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue, ValidationError

from stacks.config.base import ConfigError
from stacks.config.environment import ALL, Environment
from stacks.config.errors import Mistake, lines, mistake, mistakes_in, shown_path
from stacks.config.overrides import Overrides, blamed, merged
from stacks.config.rules import check_workload_in_environment
from stacks.config.singletons import check_singletons
from stacks.config.stages import mistakes_of_stage
from stacks.config.workload import Workload
from stacks.config.yaml_file import read_yaml

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
    if path.stem == ALL:
        raise mistake(path, "name", ALL, f"use another name, of the file too: -c env={ALL} is every environment")
    try:
        environment = Environment.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise ConfigError(lines(mistakes_in(error, Environment), path)) from None
    if environment.name != path.stem:
        raise mistake(path, "name", environment.name, f"use {path.stem!r}, the name of the file")
    if found := list(mistakes_of_stage(environment)):
        raise ConfigError(lines(found, path))
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
    own = _valid(data)
    if not isinstance(own, Workload):
        raise ConfigError(lines(own, path))
    if own.name != path.parent.name:
        raise ConfigError(
            f"{shown_path(path)}: name: got {own.name!r}; use {path.parent.name!r}, the name of the folder"
        )
    _check_files(own, path)
    if environment is None:
        return own
    environment_path = environment_path or Path(f"environments/{environment.name}.yaml")
    workload = _overridden(data, own, environment.workloads.get(own.name, {}), path, environment_path)
    check_workload_in_environment(workload, environment, environment_path, path)
    return workload


def _overridden(data: JsonValue, own: Workload, overrides: Overrides, path: Path, environment_path: Path) -> Workload:
    """Return a workload with the overrides of an environment: its own file is right, so mistakes are in the other."""
    field = f"workloads.{own.name}"
    if "name" in overrides:
        raise mistake(environment_path, f"{field}.name", overrides["name"], "remove it: a name is fixed")
    workload = _valid(merged(data, overrides))
    if not isinstance(workload, Workload):
        found = blamed(workload, overrides, lambda fewer: _mistakes(merged(data, fewer)))
        below = [Mistake(("workloads", own.name, *each.location), each.given, each.remedy) for each in found]
        raise ConfigError(lines(below, environment_path))
    if not (path.parent / workload.image.dockerfile).is_file():
        remedy = f"there is no such file beside {shown_path(path)}"
        raise mistake(environment_path, f"{field}.image.dockerfile", workload.image.dockerfile, remedy)
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


def _valid(data: JsonValue) -> Workload | list[Mistake]:
    """Return the workload, or what is wrong with it."""
    try:
        return Workload.model_validate_json(json.dumps(data))
    except ValidationError as error:
        return list(mistakes_in(error, Workload))


def _mistakes(data: JsonValue) -> list[Mistake]:
    found = _valid(data)
    return [] if isinstance(found, Workload) else found


def _check_files(workload: Workload, path: Path) -> None:
    if not (path.parent / workload.image.dockerfile).is_file():
        raise mistake(path, "image.dockerfile", workload.image.dockerfile, "there is no such file beside it")
    for script in SCRIPTS:
        if not (path.parent / "src" / script).is_file():
            raise mistake(path, "name", workload.name, f"its folder lacks src/{script}, which a workload must have")
