"""DQDL rules of a source, read far enough to find a slip when the file is read, not when the first file lands."""

import difflib
import re
from collections.abc import Iterator, Sequence

from stacks.config.quality_grammar import AFTER_CONDITION, CONDITIONS, JOINING, slip_in

COLUMN_RULES = (
    "ColumnCorrelation",
    "ColumnDataType",
    "ColumnExists",
    "ColumnLength",
    "ColumnValues",
    "Completeness",
    "DataFreshness",
    "DistinctValuesCount",
    "Entropy",
    "IsComplete",
    "IsPrimaryKey",
    "IsUnique",
    "Mean",
    "StandardDeviation",
    "Sum",
    "UniqueValueRatio",
    "Uniqueness",
)
"""Rule types whose arguments are columns."""

TABLE_RULES = ("ColumnCount", "ColumnNamesMatchPattern", "CustomSql", "RowCount")
"""Rule types about the table. Types that compare with a second data set are in neither: the platform gives no other."""

RULE_TYPES = tuple(sorted((*COLUMN_RULES, *TABLE_RULES)))

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_][\w.]*|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[<>!]=|\S')
_OPENING = {")": "(", "]": "["}
_AFTER_COLUMNS = (*JOINING, *CONDITIONS, *AFTER_CONDITION)


def mistake_in(rule: str, columns: Sequence[str]) -> str | None:
    """Return what is wrong with a rule and what is allowed, or None.

    Args:
        rule: one DQDL rule, or several joined by `and` or `or`.
        columns: the columns of its source.
    """
    tokens = _TOKEN.findall(rule)
    if '"' in tokens:
        return "close the quote"
    if not _is_balanced(tokens):
        return "close every bracket that is opened, and no other"
    types = list(_types(tokens))
    for _, name in types:
        if name not in RULE_TYPES:
            close = difflib.get_close_matches(name, RULE_TYPES, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            return f"{hint}{name} is no rule type about one table, use one of {', '.join(RULE_TYPES)}"
    for position, name in types:
        if name in COLUMN_RULES and (wrong := _wrong_columns(tokens[position + 1 :], columns)) is not None:
            return f"name a column after {name}, not {wrong or 'nothing'}: {', '.join(columns)}"
    return slip_in(tokens, RULE_TYPES)


def _types(tokens: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Where a rule type stands, and what stands there: at the beginning, and wherever a word begins with a capital."""
    first = next(position for position, word in enumerate(tokens) if word != "(")
    for position, word in enumerate(tokens):
        if position == first or re.match(r"[A-Z]\w*[a-z]", word):
            yield position, word


def _wrong_columns(tokens: Sequence[str], columns: Sequence[str]) -> str | None:
    """The first argument that is no column, "" when there is no argument, None when all are right."""
    arguments = []
    for token in tokens:
        if token.lower() in _AFTER_COLUMNS or not (token[0] == '"' or token[0].isalpha()):
            break
        arguments.append(token.strip('"'))
    if not arguments:
        return ""
    return next((each for each in arguments if each not in columns), None)


def _is_balanced(tokens: Sequence[str]) -> bool:
    opened: list[str] = []
    for token in tokens:
        if token in _OPENING.values():
            opened.append(token)
        elif token in _OPENING and (not opened or opened.pop() != _OPENING[token]):
            return False
    return not opened
