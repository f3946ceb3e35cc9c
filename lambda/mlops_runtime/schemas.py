"""The events' JSON schemas for the EventBridge schema registry (JSONSchema draft 4, whole event).

`python -m mlops_runtime.schemas` writes `schemas.json` beside this file; infrastructure reads that file at
synth without importing pydantic models. A test proves the file equal to the models.
"""

from __future__ import annotations

import json
from pathlib import Path

from mlops_runtime.events import EVENTS

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

FILE = Path(__file__).with_name("schemas.json")
_DRAFT_4 = "http://json-schema.org/draft-04/schema#"


def registry_name(source: str, detail_type: str) -> str:
    """The schema's name in the registry, e.g. `mlops.data@DatasetReady` (EventBridge's own convention)."""
    return f"{source}@{detail_type.replace(' ', '')}"


def event_schema(source: str, detail_type: str) -> dict[str, Json]:
    """JSON schema (draft 4) of the whole event as EventBridge delivers it.

    Raises:
        KeyError: The platform has no such event.
    """
    detail = EVENTS[(source, detail_type)].model_json_schema(ref_template="#/definitions/{model}", mode="serialization")
    definitions = detail.pop("$defs", {})
    schema: dict[str, Json] = {
        "$schema": _DRAFT_4,
        "title": registry_name(source, detail_type),
        "type": "object",
        "required": ["source", "detail-type", "detail"],
        "properties": {
            "source": {"type": "string", "enum": [source]},
            "detail-type": {"type": "string", "enum": [detail_type]},
            "detail": _to_draft_4(detail),
        },
    }
    if definitions:
        schema["definitions"] = {name: _to_draft_4(body) for name, body in definitions.items()}
    return schema


def _to_draft_4(node: Json) -> Json:
    """Draft 4 knows no `const`; everything else these models use means the same in both drafts."""
    if isinstance(node, list):
        return [_to_draft_4(item) for item in node]
    if not isinstance(node, dict):
        return node
    converted = {key: _to_draft_4(value) for key, value in node.items() if key != "const"}
    if "const" in node and not isinstance(node["const"], dict):
        converted["enum"] = [node["const"]]
    return converted


def all_schemas() -> dict[str, dict[str, Json]]:
    """Every event's `source`, `detail_type` and `schema`, by registry name."""
    return {
        registry_name(source, detail_type): {
            "source": source,
            "detail_type": detail_type,
            "schema": event_schema(source, detail_type),
        }
        for source, detail_type in EVENTS
    }


def render() -> str:
    """The exact text of `schemas.json`."""
    return json.dumps(all_schemas(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
