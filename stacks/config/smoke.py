"""The request of the smoke test, read as the endpoint will read it."""

import csv
import math
from collections.abc import Sequence

from stacks.config.source import NUMBERS, Column


def mistake_in_row(text: str, features: Sequence[Column]) -> str | None:
    """Return what is wrong with a request and what is allowed, or None.

    Args:
        text: one CSV row: the key, then the features.
        features: their columns, in order.
    """
    try:
        rows = list(csv.reader(text.splitlines(), strict=True))
    except csv.Error as error:
        return f"give one row of CSV: {error}"
    if len(rows) != 1 or len(rows[0]) != 1 + len(features):
        given = str(len(rows[0])) if len(rows) == 1 else f"{len(rows)} rows"
        return f"give one row of {1 + len(features)} values, not {given}: the key and the {len(features)} features"
    key, *values = rows[0]
    if not key.strip():
        return "begin with a key: the answer names its record by it"
    for column, value in zip(features, values, strict=True):
        if column.type in NUMBERS and not _is_number(value, required=column.required):
            empty = "" if column.required else " or nothing"
            return f"give a number{empty} for {column.name}, not {value!r}"
    return None


def _is_number(text: str, *, required: bool) -> bool:
    if not text:
        return not required
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
