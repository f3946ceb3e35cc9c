"""Base of every function's input and result."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable and strict about its fields: an unknown key is a mistake of the caller."""

    model_config = ConfigDict(frozen=True, extra="forbid")
