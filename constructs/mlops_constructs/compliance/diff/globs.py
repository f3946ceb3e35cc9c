"""Which combinations of patterns a text can match: every one that is possible, each with a shortest example.

Whether a policy speaks of an action or an ARN depends only on which of its patterns match. All patterns are run over
all texts at once, as one automaton: its states are finite, so the answer is exact and needs no reasoning on strings.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

MOST_STATES = 40_000


class TooManyStatesError(Exception):
    """The patterns interleave in more ways than anybody will wait for."""


class _Wild(Enum):
    ANY = "*"
    ONE = "?"


Token = str | _Wild


@dataclass(frozen=True)
class Pattern:
    """A text, or a pattern with `*` (any text) and `?` (one character)."""

    tokens: tuple[Token, ...]

    @staticmethod
    def glob(text: str) -> Pattern:
        """A pattern as IAM writes it."""
        return Pattern(tuple(_Wild(each) if each in "*?" else each for each in text))

    @staticmethod
    def exact(text: str) -> Pattern:
        """The text itself, wildcards included."""
        return Pattern(tuple(text))

    def closure(self, positions: Iterable[int]) -> frozenset[int]:
        """Positions reachable without reading: a `*` may stand for nothing."""
        found: set[int] = set()
        stack = list(positions)
        while stack:
            at = stack.pop()
            if at not in found:
                found.add(at)
                if at < len(self.tokens) and self.tokens[at] is _Wild.ANY:
                    stack.append(at + 1)
        return frozenset(found)

    def read(self, positions: frozenset[int], character: str) -> frozenset[int]:
        """Positions after one more character."""
        after = set()
        for at in positions:
            token = self.tokens[at] if at < len(self.tokens) else None
            if token is _Wild.ANY:
                after.add(at)
            elif token is _Wild.ONE or token == character:
                after.add(at + 1)
        return self.closure(after)


@dataclass(frozen=True)
class Class:
    """Texts that match the same patterns, and one of them."""

    matched: frozenset[int]
    example: str


def classes(patterns: Sequence[Pattern]) -> list[Class]:
    """Every set of patterns (by index) that some text matches, while it matches no other.

    Raises:
        TooManyStatesError: The automaton grows beyond `MOST_STATES`.
    """
    letters = {token for pattern in patterns for token in pattern.tokens if isinstance(token, str)}
    other = next(each for each in "x0aeiou_~^" + "".join(map(chr, range(256, 600))) if each not in letters)
    start = tuple(pattern.closure([0]) for pattern in patterns)
    seen = {start}
    queue = deque([(start, "")])
    found: dict[frozenset[int], str] = {}
    while queue:
        state, text = queue.popleft()
        matched = frozenset(i for i, at in enumerate(state) if len(patterns[i].tokens) in at)
        found.setdefault(matched, text)
        for character in [*sorted(_expected(patterns, state)), other]:
            after = tuple(pattern.read(at, character) for pattern, at in zip(patterns, state, strict=True))
            if after not in seen:
                if len(seen) >= MOST_STATES:
                    raise TooManyStatesError
                seen.add(after)
                queue.append((after, text + character))
    return [Class(matched, example) for matched, example in found.items()]


def _expected(patterns: Sequence[Pattern], state: Sequence[frozenset[int]]) -> set[str]:
    """Characters that move some pattern on in a way no other character does."""
    return {
        token
        for pattern, positions in zip(patterns, state, strict=True)
        for at in positions
        if at < len(pattern.tokens) and isinstance(token := pattern.tokens[at], str)
    }
