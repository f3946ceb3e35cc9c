"""Typed environment variables: field `ledger_table` is variable LEDGER_TABLE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError

from mlops_runtime.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

Name = Annotated[str, Field(min_length=1)]


class EnvironmentSettings(BaseModel):
    """Base of every function's settings; subclasses only declare fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read the fields from `environ`.

        Raises:
            ConfigurationError: A variable is missing or wrong; one line names each and the remedy.
        """
        names = {field: field.upper() for field in cls.model_fields}
        given = {field: environ[variable] for field, variable in names.items() if variable in environ}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            complaints = "; ".join(
                f"{names[str(item['loc'][0])]}{_path(item['loc'][1:])}: "
                + ("missing" if item["type"] == "missing" else f"{item['msg']}, got {str(item['input'])[:80]!r}")
                for item in error.errors()
            )
            message = f"environment variables of the function: {complaints} (set them in the function's construct)"
            raise ConfigurationError(message) from None


def _path(loc: tuple[int | str, ...]) -> str:
    return "".join(f".{part}" for part in loc)


class Column(BaseModel):
    """One column of a source; `required` means that a value may not be empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    type: Literal["string", "int", "bigint", "float", "double", "boolean", "date", "timestamp"]
    required: bool = True


class Source(BaseModel):
    """What a landed file of this source must look like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[Column, ...] = Field(min_length=1)
    key: Name
    event_time: Name
    label: str | None = None


Sources = Json[dict[str, Source]]
