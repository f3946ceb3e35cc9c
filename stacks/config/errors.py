"""Turn a pydantic error into lines that a person can act on: file: field: what was given; what is allowed."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stacks.config.base import ConfigError
from stacks.config.remedies import remedy_of
from stacks.config.words import shown

Location = tuple[int | str, ...]


@dataclass(frozen=True)
class Mistake:
    """One mistake in the content of a file.

    Attributes:
        location: keys and indices on the way to the field.
        given: what was found there, as one short line.
        remedy: what is allowed.
    """

    location: Location
    given: str
    remedy: str

    @property
    def field(self) -> str:
        """The path of the field, with dots."""
        return dotted(self.location)


def mistakes_in(error: ValidationError, model: type[BaseModel]) -> Iterator[Mistake]:
    """Yield what a model's validation found, in words for the person who wrote the file."""
    found = error.errors()
    for details in found:
        if details["type"] == "too_short" and any(_is_inside(other["loc"], details["loc"]) for other in found):
            continue  # pydantic leaves a wrong item out and then counts one too few
        yield _explained(details, model)


def lines(found: Iterable[Mistake], path: Path) -> str:
    """Return one line per mistake in a file."""
    return "\n".join(f"{shown_path(path)}: {each.field}: got {each.given}; {each.remedy}" for each in found)


def _explained(details: ErrorDetails, model: type[BaseModel]) -> Mistake:
    location: Location = details["loc"]
    if location and location[-1] == "[key]":  # pydantic's own word for a mapping's key
        location = location[:-1]
    given, context = shown(details["input"]), details.get("ctx", {})
    match details["type"]:
        case "rule":
            field = str(context["field"])
            inner = tuple(field.split(".")) if field else ()
            return Mistake((*location, *inner), str(context["given"]), str(context["remedy"]))
        case "extra_forbidden":
            return Mistake(location, given, _unknown_key(location, model))
        case "missing":
            return Mistake(location, "nothing", remedy_of(details))
    return Mistake(location, given, remedy_of(details))


def mistake(path: Path, field: str, given: object, remedy: str) -> ConfigError:
    """Return the error that a file has one mistake, found outside of pydantic's validation."""
    return ConfigError(f"{shown_path(path)}: {field}: got {shown(given)}; {remedy}")


def shown_path(path: Path) -> Path:
    """Return a path as a person at the prompt would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def dotted(location: Location) -> str:
    """Return the path of a field as messages name it."""
    return ".".join(str(part) for part in location) or "file"


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


def _is_inside(location: Location, outer: Location) -> bool:
    return len(location) > len(outer) and location[: len(outer)] == outer
