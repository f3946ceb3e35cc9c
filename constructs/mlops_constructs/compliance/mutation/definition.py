"""State machine definitions out of templates: as data, with the intrinsics in their text as tokens, and back."""

from __future__ import annotations

import json
import re
from typing import Any

DEFINITION = ("Properties", "DefinitionString")
_TOKEN = re.compile(r"@@(\d+)@@")


def parse(text: Any) -> tuple[dict[str, Any], list[Any]]:
    """The definition as data, and the intrinsics that stand in its text as `@@n@@`."""
    parts = text["Fn::Join"][1] if isinstance(text, dict) else [text]
    tokens: list[Any] = []
    joined = ""
    for part in parts:
        if isinstance(part, str):
            joined += part
        else:
            joined += f"@@{len(tokens)}@@"
            tokens.append(part)
    definition: dict[str, Any] = json.loads(joined)
    return definition, tokens


def write(definition: dict[str, Any], tokens: list[Any]) -> dict[str, Any]:
    """The inverse of `parse`."""
    pieces: list[Any] = []
    for index, piece in enumerate(_TOKEN.split(json.dumps(definition, separators=(",", ":")))):
        pieces.append(tokens[int(piece)] if index % 2 else piece)
    return {"Fn::Join": ["", [piece for piece in pieces if piece != ""]]}
