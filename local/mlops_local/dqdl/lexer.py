"""Tokens of DQDL."""

from __future__ import annotations

import re
from dataclasses import dataclass


class DqdlError(ValueError):
    """A ruleset that is no DQDL; the message says where and why."""


@dataclass(frozen=True)
class Token:
    """One token.

    Args:
        kind: `string`, `number`, `word`, `symbol` or `end`.
        text: The token's value; strings without quotes.
        start: Offset of its first character in the ruleset.
        end: Offset after its last character.
    """

    kind: str
    text: str
    start: int
    end: int


_TOKEN = re.compile(
    r"""
      (?P<space>\s+|\#[^\n]*)
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<number>-?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_.]*)
    | (?P<symbol><=|>=|!=|[=<>\[\](),+\-])
    """,
    re.VERBOSE,
)


def tokens_of(text: str) -> list[Token]:
    """Tokens of a ruleset, closed by one of kind `end`.

    Raises:
        DqdlError: a character that begins no token.
    """
    found, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            line = text.count("\n", 0, position) + 1
            raise DqdlError(f"line {line}: unexpected character {text[position]!r}")
        kind = match.lastgroup or ""
        if kind != "space":
            value = match.group()
            found.append(Token(kind, _unquote(value) if kind == "string" else value, position, match.end()))
        position = match.end()
    found.append(Token("end", "", len(text), len(text)))
    return found


def _unquote(quoted: str) -> str:
    # Only an escaped quote changes: other backslashes belong to regular expressions.
    return quoted[1:-1].replace('\\"', '"')
