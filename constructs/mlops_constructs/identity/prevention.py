"""The deny statements of all layers by control, as the control catalogue reads them.

`python -m mlops_constructs.identity.prevention` writes `compliance/data/preventive.json`; a test compares the file with
what the templates contain.
"""

from __future__ import annotations

import json
from pathlib import Path

from mlops_constructs.identity.guardrails import SIDS, by_control
from mlops_constructs.organisation.documents import SIDS as ORGANISATION

FILE = Path(__file__).parents[1] / "compliance" / "data" / "preventive.json"
BOUNDARY = ("ENC2GrantsOnlyForServices", "IAM5Forbidden", "PUB1NoForeignBuckets")
BUDGET = ("OPS3StopNewJobs",)


def by_layer() -> dict[str, tuple[str, ...]]:
    """The deny Sids of each layer: people's guardrails, boundary, budget action, organisation."""
    return {
        "guardrails": tuple(sid for sids in SIDS.values() for sid in sids),
        "boundary": BOUNDARY,
        "budget": BUDGET,
        "organisation": tuple(sid for sids in ORGANISATION.values() for sid in sids),
    }


def render() -> str:
    """The text of the file."""
    sids = sorted({sid for layer in by_layer().values() for sid in layer})
    return json.dumps(by_control(sids), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(render())
