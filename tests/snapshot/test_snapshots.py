"""A snapshot shows change: one JSON file per environment and stack, with what changes at every build left out."""

import json
import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from stacks.config import environment_names
from tests.assembly import Assembly

HASH = re.compile(r"\b[0-9a-f]{64}\b")
FUNCTION_VERSION = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")
ENVIRONMENTS = environment_names(Path(__file__).parents[2])


def normalised(text: str) -> str:
    """Replace asset hashes and image tags: they follow the content of files that have tests of their own."""
    return FUNCTION_VERSION.sub(r"\1<hash>", HASH.sub("<hash>", text))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_templates_are_what_was_reviewed(assembly: Assembly, snapshot: SnapshotAssertion, environment: str) -> None:
    files = snapshot.with_defaults(extension_class=JSONSnapshotExtension)
    changed = [
        stack
        for stack, template in assembly.templates[environment].items()
        if json.loads(normalised(json.dumps(template))) != files(name=f"{environment}-{stack}")
    ]
    assert not changed, (
        f"{environment}: {', '.join(changed)} changed; if that is meant, run `make snapshots` and review"
    )
