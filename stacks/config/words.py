"""Values as YAML writes them: a message that says `None` or `True` names what nobody wrote."""

import math
from collections.abc import Mapping

LONGEST = 80
"""Characters of a value in a message."""


def shown(value: object) -> str:
    """Return a value as one short line in YAML's words; `nothing` when there is none."""
    text = "nothing" if value is None else _written(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _written(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float() if not math.isfinite(value):
            return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
        case list() | tuple():
            return f"[{', '.join(map(_written, value))}]"
        case Mapping():
            return f"{{{', '.join(f'{key}: {_written(each)}' for key, each in value.items())}}}"
    return repr(value)
