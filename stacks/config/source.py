"""The sources of a workload: which files come in, what their columns hold, and where the label is among them."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stacks.config.base import Identifier, Model, Text, rule
from stacks.config.quality import mistake_in

ColumnType = Literal["string", "int", "bigint", "double", "boolean", "timestamp"]
NUMBERS = ("int", "bigint", "double")
LABEL_TYPES = (*NUMBERS, "boolean")
FEATURE_TYPES = ("string", *NUMBERS, "boolean")
"""Types that the monitor knows how to compare with the baseline."""

PARTITIONS = {"month": "curated", "file": "staged"}
"""Columns that the tables of a source have besides its own, and the table."""


class Column(Model):
    """One column of a source, in the types of the Glue catalog."""

    name: Identifier
    type: ColumnType
    required: bool = Field(default=True, description="False: the value may be empty.")


class Source(Model):
    """CSV files that somebody lands under `<workload>/<source>/`."""

    columns: tuple[Column, ...] = Field(min_length=2)
    key: Identifier = Field(description="Column that identifies a record across sources.")
    event_time: Identifier = Field(description="Column with the time the record speaks of; partitions by month.")
    quality_rules: tuple[Text, ...] = Field(min_length=1, description="DQDL rules, one each; all must hold.")

    @model_validator(mode="after")
    def _names_its_columns(self) -> Self:
        names = [column.name for column in self.columns]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise rule("columns", doubled, "name every column once")
        for field in ("key", "event_time"):
            if getattr(self, field) not in names:
                raise rule(field, getattr(self, field), f"name one of the columns: {', '.join(names)}")
        kind = self.column(self.event_time).type
        if kind != "timestamp":
            raise rule("event_time", self.event_time, f"column {self.event_time} must have type timestamp, not {kind}")
        return self

    @model_validator(mode="after")
    def _has_columns_that_its_tables_can_have(self) -> Self:
        for index, column in enumerate(self.columns):
            if table := PARTITIONS.get(column.name):
                remedy = (
                    f"use another name: the {table} table is partitioned by a column of its own named {column.name}"
                )
                raise rule(f"columns.{index}.name", column.name, remedy)
        return self

    @model_validator(mode="after")
    def _tells_its_records_apart(self) -> Self:
        if self.key == self.event_time:
            raise rule("key", self.key, "name another column than event_time: records of the same moment are not one")
        for index, column in enumerate(self.columns):
            role = {self.key: "key", self.event_time: "event_time"}.get(column.name)
            if role and not column.required:
                remedy = f"remove it: {column.name} is the {role}, which every record has"
                raise rule(f"columns.{index}.required", column.required, remedy)
        return self

    @model_validator(mode="after")
    def _has_rules_that_can_be_read(self) -> Self:
        names = [column.name for column in self.columns]
        for index, text in enumerate(self.quality_rules):
            if remedy := mistake_in(text, names):
                raise rule(f"quality_rules.{index}", text, remedy)
        return self

    def column(self, name: str) -> Column:
        """Return the column called `name`."""
        return next(column for column in self.columns if column.name == name)


class Label(Model):
    """Where the truth about a prediction arrives, and when."""

    source: Identifier
    column: Identifier
    delay_days: int = Field(
        ge=0, le=365, description="Days until a label may be expected: so far back quality is measured."
    )
