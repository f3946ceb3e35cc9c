"""What every configuration model shares: frozen, no unknown keys, no silent conversion, errors that name a field."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

EXAMPLES: dict[str, str] = {}
"""A text that matches a pattern, by the pattern: an expression alone tells few people what to write."""


def matching(pattern: str, example: str) -> StringConstraints:
    """Return the constraint that a text matches a pattern, and remember a text that does for messages."""
    EXAMPLES[pattern] = example
    return StringConstraints(pattern=pattern)


Name = Annotated[str, matching(r"^[a-z][a-z0-9-]{1,30}[a-z0-9]$", "flight-delays")]
"""Lower case letters, digits and hyphens, 3 to 32 characters: it becomes part of endpoint, bus and stack names."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]
Email = Annotated[str, matching(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "ml-oncall@example.com")]
AccountId = Annotated[str, matching(r"^\d{12}$", '"111111111111"')]
RegionName = Annotated[str, matching(r"^[a-z]{2}(-[a-z]+)+-\d$", "us-east-1")]
Identifier = Annotated[str, matching(r"^[a-z_][a-z0-9_]{0,63}$", "event_time")]
"""A name that Glue, Athena and Parquet take without quoting."""

InstanceType = Annotated[str, matching(r"^ml\.[a-z0-9-]+\.[a-z0-9]+$", "ml.m5.large")]


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
