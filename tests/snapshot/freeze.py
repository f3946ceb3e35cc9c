"""Write `stateful_ids.json` from what the app makes now: `python -m tests.snapshot.freeze`."""

import json
import tempfile
from pathlib import Path

from tests.assembly import synthesize
from tests.snapshot.test_stateful_ids import FROZEN, stateful_ids

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        assembly = synthesize(Path(__file__).parents[2], Path(folder))
        frozen = {environment: stateful_ids(assembly, environment) for environment in assembly.templates}
    FROZEN.write_text(json.dumps(frozen, indent=2) + "\n")
