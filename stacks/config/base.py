"""What every configuration model shares: frozen, no unknown keys, no silent conversion, errors that name a field."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,30}[a-z0-9]$")]
"""Lower case letters, digits and hyphens, 3 to 32 characters: it becomes part of endpoint, bus and stack names."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,63}$")]
"""A name that Glue, Athena and Parquet take without quoting."""

InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]


class ConfigError(ValueError):
    """A configuration file is wrong. One line per mistake: file, field, what was given, what is allowed."""


class Model(BaseModel):
    """A frozen model that refuses unknown keys and never turns one type into another."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def rule(field: str, given: object, remedy: str) -> PydanticCustomError:
    """Return the error of a rule between fields, to be raised by a validator.

    Args:
        field: path of the field to change, relative to the model whose validator raises, with dots.
        given: the value found there.
        remedy: what is allowed and why.
    """
    return PydanticCustomError("rule", "{remedy}", {"field": field, "given": repr(given), "remedy": remedy})
