"""Evaluates the JSONata of a state as Step Functions would."""

import hashlib
import json
from typing import Any

import jsonata


def evaluate(
    expression: str,
    *,
    variables: dict[str, Any] | None = None,
    input: Any = None,
    result: Any = None,
    error: Any = None,
    context: dict[str, Any] | None = None,
) -> Any:
    """The value of `{% ... %}`; Step Functions' own `$hash` and `$parse` included."""
    assert expression.startswith("{%")
    assert expression.endswith("%}")
    compiled = jsonata.Jsonata.jsonata(expression[2:-2].strip())
    compiled.register_lambda("hash", lambda text, _: hashlib.sha256(text.encode()).hexdigest())
    compiled.register_lambda("parse", json.loads)
    states = {"input": input, "result": result, "errorOutput": error, "context": context or {}}
    return compiled.evaluate(None, {**(variables or {}), "states": states})
