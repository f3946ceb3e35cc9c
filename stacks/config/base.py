"""What every configuration model shares: frozen, no unknown keys, no silent conversion, errors that name a field."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from stacks.config.words import shown

EXAMPLES: dict[str, str] = {}
"""A text that matches a pattern, by the pattern: an expression alone tells few people what to write."""

TAG_MARKS = " +-=._:/@"
"""What a tag's value may hold besides letters and digits."""


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
InstancePattern = Annotated[str, matching(r"^ml\.[a-z0-9-]+\.([a-z0-9]+|\*)$", "ml.m5.*")]


class ConfigError(ValueError):
    """A configuration file is wrong. One line per mistake: file, field, what was given, what is allowed."""


class Model(BaseModel):
    """A frozen model that refuses unknown keys and infinite numbers, and never turns one type into another."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def rule(field: str, given: object, remedy: str) -> PydanticCustomError:
    """Return the error of a rule between fields, to be raised by a validator.

    Args:
        field: path of the field to change, relative to the model whose validator raises, with dots.
        given: the value found there.
        remedy: what is allowed and why.
    """
    return PydanticCustomError("rule", "{remedy}", {"field": field, "given": shown(given), "remedy": remedy})


def _can_be_a_tag(value: str) -> str:
    refused = sorted({each for each in value if not (each.isalnum() or each in TAG_MARKS)})
    if refused:
        marks = " ".join(TAG_MARKS.strip())
        raise rule("", value, f"remove {shown(refused[0])}: a tag takes letters, digits, spaces and {marks}")
    return value


Tag = Annotated[Text, StringConstraints(max_length=256), AfterValidator(_can_be_a_tag)]
"""A text that becomes the value of a tag on every resource: AWS refuses other characters, and more than 256."""

TagEmail = Annotated[Email, StringConstraints(max_length=256), AfterValidator(_can_be_a_tag)]
