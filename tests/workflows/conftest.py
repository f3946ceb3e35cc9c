"""The workflows of environment local, and the interpreter they run on."""

from collections.abc import Iterator, Mapping

import pytest

from tests.assembly import Assembly, workload_of
from tests.definitions import Definition, definitions
from tests.workflows.interpreter import interpreter


@pytest.fixture(scope="module", autouse=True)
def local_interpreter() -> Iterator[None]:
    with interpreter():
        yield


@pytest.fixture(scope="module")
def workflows(assembly: Assembly) -> Mapping[str, Definition]:
    return {
        each.stack.rsplit("-", 1)[-1]: each
        for each in definitions(assembly, "local")
        if workload_of(each.stack) == "flight-delays"
    }
