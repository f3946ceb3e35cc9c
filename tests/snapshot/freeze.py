"""Write `stateful_ids.json` from what the app makes now: `python -m tests.snapshot.freeze`."""

import json
import tempfile
from pathlib import Path

from tests.assembly import synthesize
from tests.snapshot.test_stateful_ids import FROZEN, stateful_ids

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        assembly = synthesize(Path(__file__).parents[2], Path(folder))
        FROZEN.write_text(json.dumps(stateful_ids(assembly, "prod"), indent=2) + "\n")
