"""The direction of imports that import-linter cannot see by itself, and that it sees everything else."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_import_linter_knows_every_function(root: Path) -> None:
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    functions = {path.parent.name for path in (root / "lambda").glob("*/__init__.py")}
    assert functions
    assert functions <= set(settings["root_packages"])
    runtime = next(c for c in settings["contracts"] if c["id"] == "runtime")
    assert functions == set(runtime["source_modules"])


def test_workload_scripts_know_neither_infrastructure_nor_the_local_aws(root: Path) -> None:
    forbidden = {"aws_cdk", "constructs", "stacks", "mlops_constructs", "mlops_local", "mlops_runtime", "boto3"}
    scripts = [*root.glob("workloads/*/src/**/*.py"), *root.glob("constructs/**/container/src/**/*.py")]
    assert scripts
    wrong = {str(path.relative_to(root)): sorted(forbidden & set(imports(path))) for path in scripts}
    assert not {path: names for path, names in wrong.items() if names}


def test_nothing_but_tests_and_itself_imports_the_local_aws(root: Path) -> None:
    outside = [
        p for folder in ("stacks", "constructs", "lambda", "workloads", "tools") for p in root.glob(f"{folder}/**/*.py")
    ]
    assert not [str(path) for path in [*outside, root / "app.py"] if "mlops_local" in imports(path)]
