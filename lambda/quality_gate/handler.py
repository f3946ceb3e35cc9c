"""Result of Glue Data Quality in, pass or fail with reasons out. Needs no environment and no AWS."""

from __future__ import annotations

from mlops_runtime.model import Frozen
from mlops_runtime.observability import count, entrypoint
from quality_gate.logic import Gate, QualityResult, decide


class Evaluated(Frozen):
    """`result` is the answer of GetDataQualityResult."""

    result: QualityResult
    dataset: str


@entrypoint(Evaluated)
def handler(event: Evaluated) -> Gate:
    """Judge one staged file."""
    gate = decide(event.result, event.dataset)
    count("QualityPassed" if gate.passed else "QualityFailed")
    return gate
