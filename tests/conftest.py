"""Fixtures of every test: each environment is synthesized once per session."""

from pathlib import Path

ROOT = Path(__file__).parents[1]

# Either shadows the PyPI package `constructs` and breaks every import of aws_cdk, with a message that names neither.
for stray in (ROOT / "constructs" / "__init__.py", ROOT / "tests" / "constructs" / "__init__.py"):
    if stray.exists():
        raise RuntimeError(
            f"{stray.relative_to(ROOT)} shadows the package `constructs` that aws_cdk imports: delete it"
        )

import pytest  # noqa: E402

from tests.assembly import Assembly, synthesize  # noqa: E402


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The cloud assembly with every environment, checked by the rule packs."""
    return synthesize(ROOT, tmp_path_factory.mktemp("assembly"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT
