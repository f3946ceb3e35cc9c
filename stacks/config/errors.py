"""Turn a pydantic error into lines that a person can act on: file: field: what was given; what is allowed."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from stacks.config.base import EXAMPLES, ConfigError

Location = tuple[int | str, ...]


def describe(
    error: ValidationError,
    model: type[BaseModel],
    data: JsonValue,
    path: Path,
    *,
    overrides: Mapping[str, JsonValue] | None = None,
    override_path: Path | None = None,
    prefix: str = "",
) -> Iterator[str]:
    """Yield one line per mistake.

    Args:
        error: what the model's validation raised.
        model: the model, for the keys it allows.
        data: the content that was validated.
        path: the file it came from.
        overrides: the part that came from `override_path` instead.
        override_path: named in place of `path` for fields inside `overrides`.
        prefix: path of the overrides inside `override_path`.
    """
    found = error.errors()
    for details in found:
        if details["type"] == "too_short" and any(_is_inside(other["loc"], details["loc"]) for other in found):
            continue  # pydantic leaves a wrong item out and then counts one too few
        location, given, remedy = _explain(details, model, data)
        field = ".".join(str(part) for part in location) or "file"
        if overrides and override_path and _reaches(overrides, location):
            yield f"{shown_path(override_path)}: {prefix}.{field}: got {given}; {remedy}"
        else:
            yield f"{shown_path(path)}: {field}: got {given}; {remedy}"


def _explain(details: ErrorDetails, model: type[BaseModel], data: JsonValue) -> tuple[Location, str, str]:
    location: Location = details["loc"]
    given = shown(details["input"])
    context = details.get("ctx", {})
    match details["type"]:
        case "rule":
            return (*location, *_split(str(context["field"]))), str(context["given"]), str(context["remedy"])
        case "extra_forbidden":
            return location, given, _unknown_key(location, model)
        case "missing":
            return location, "nothing", "add it, it is required"
        case "string_type" if isinstance(details["input"], int | float):
            return location, given, "put the value in quotes"
        case "string_pattern_mismatch":
            return location, given, f"must match {context['pattern']}, such as {EXAMPLES[context['pattern']]}"
        case "dict_type" | "model_type" | "model_attributes_type":
            return location, given, "use a mapping of field: value, or {} when there is nothing to say"
        case "union_error" | _:
            return location, given, _lowered(details["msg"])


def mistake(path: Path, field: str, given: object, remedy: str) -> ConfigError:
    """Return the error that a file has one mistake, found outside of pydantic's validation."""
    return ConfigError(f"{shown_path(path)}: {field}: got {shown(given)}; {remedy}")


def shown_path(path: Path) -> Path:
    """Return a path as a person at the prompt would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def shown(value: object) -> str:
    """Return a value as one short line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _unknown_key(location: Location, model: type[BaseModel]) -> str:
    allowed = _allowed_keys(location[:-1], model)
    close = difflib.get_close_matches(str(location[-1]), allowed, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}unknown key, use one of {', '.join(allowed)}"


def _allowed_keys(location: Sequence[int | str], model: type[BaseModel]) -> list[str]:
    current: type[BaseModel] = model
    annotation: object = model
    for part in location:
        field = current.model_fields.get(str(part)) if annotation is current else None
        if field is not None:
            annotation = field.annotation
        nested = _model_in(annotation)
        if nested is None:
            break
        # An index or a mapping's key stays at the same model: only a field name goes one level down.
        current = nested
        annotation = nested
    return list(current.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)


def _reaches(overrides: JsonValue | Mapping[str, JsonValue], location: Location) -> bool:
    """True when the overrides set the field at `location`, something inside it, or the list that holds it."""
    current: object = overrides
    for part in location:
        if not isinstance(current, Mapping):
            return True
        if part not in current:
            return False
        current = current[part]
    return True


def _is_inside(location: Location, outer: Location) -> bool:
    return len(location) > len(outer) and location[: len(outer)] == outer


def _split(field: str) -> Location:
    return tuple(field.split(".")) if field else ()


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
