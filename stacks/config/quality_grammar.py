"""The grammar of one DQDL rule, as far as AWS documents it: what an evaluator could not read is said at synthesis."""

from collections.abc import Sequence

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
JOINING = ("and", "or")
CONDITIONS = ("between", "in", "matches", "not")
AFTER_CONDITION = ("where", "with")
KEYWORDS = ("NULL", "EMPTY", "WHITESPACES_ONLY")
UNITS = ("minute", "hour", "day", "week")
WITHOUT_CONDITION = ("ColumnExists", "ColumnNamesMatchPattern", "IsComplete", "IsPrimaryKey", "IsUnique")
CONDITION_OPTIONAL = ("CustomSql",)
ABOUT_VALUES = ("ColumnDataType", "ColumnValues")
"""Rule types whose conditions compare with texts too; those of all others compare with numbers."""


class _SlipError(Exception):
    pass


def slip_in(tokens: Sequence[str], types: Sequence[str]) -> str | None:
    """Return where a rule leaves the grammar and what is allowed there, or None.

    Args:
        tokens: of a rule whose quotes and brackets are closed.
        types: the rule types.
    """
    reader = _Reader(tokens, types)
    try:
        reader.rules()
        reader.end()
    except _SlipError as slip:
        return str(slip)
    return None


class _Reader:
    def __init__(self, tokens: Sequence[str], types: Sequence[str]) -> None:
        self._tokens, self._at, self._types = (*tokens, ""), 0, types

    def rules(self) -> None:
        self._part()
        while self._accept(*JOINING):
            self._part()

    def end(self) -> None:
        if self._peek() == ",":
            raise _SlipError("give one rule per item: what follows the comma is another one")
        if self._peek():
            raise _SlipError(f"remove {self._peek()}: nothing of the kind may follow here")

    def _part(self) -> None:
        if self._accept("("):
            self.rules()
            self._expect(")")
        else:
            self._rule()

    def _rule(self) -> None:
        kind = self._next()
        if kind not in self._types:
            raise _SlipError(f"write a rule type here, not {kind or 'nothing'}")
        while self._is_argument():
            self._next()
        if self._peek() in COMPARISONS or self._peek().lower() in CONDITIONS:
            if kind in WITHOUT_CONDITION:
                raise _SlipError(f"remove what follows from {self._peek()} on: {kind} takes no condition")
            self._condition(numeric=kind not in ABOUT_VALUES)
        elif kind not in (*WITHOUT_CONDITION, *CONDITION_OPTIONAL):
            raise _SlipError(f"add a condition to {kind}, such as > 0")
        while self._peek().lower() in AFTER_CONDITION:
            if self._next().lower() == "where":
                self._text("where")
            else:
                self._expect("threshold")
                self._condition(numeric=True)

    def _is_argument(self) -> bool:
        token = self._peek()
        ends = (*JOINING, *CONDITIONS, *AFTER_CONDITION)
        return _is_text(token) or (_is_word(token) and token.lower() not in ends)

    def _condition(self, *, numeric: bool) -> None:
        token = self._next()
        if token in COMPARISONS:
            self._value(numeric=numeric)
            return
        operator = self._next().lower() if token.lower() == "not" else token.lower()
        if operator == "between":
            self._value(numeric=numeric)
            self._expect("and")
            self._value(numeric=numeric)
        elif operator == "in":
            self._expect("[")
            self._value(numeric=numeric)
            while self._accept(","):
                self._value(numeric=numeric)
            self._expect("]")
        elif operator == "matches":
            self._text("matches")
        else:
            raise _SlipError(f"write {', '.join(COMPARISONS)}, between, in or matches, not {operator or 'nothing'}")

    def _value(self, *, numeric: bool) -> None:
        self._operand(numeric=numeric)
        while self._accept("+", "-", "*", "/"):
            self._operand(numeric=numeric)

    def _operand(self, *, numeric: bool) -> None:
        self._accept("-", "+")
        token = self._next()
        if token == "(":  # noqa: S105 (a bracket, no password)
            self._value(numeric=numeric)
            self._expect(")")
        elif token[:1].isdigit() or token[:1] == ".":
            if self._peek().lower().removesuffix("s") in UNITS:
                self._next()
        elif _is_word(token) and self._accept("("):
            self._arguments()
        elif numeric or not (_is_text(token) or token in KEYWORDS):
            texts = "" if numeric else ", a text in quotes or NULL"
            raise _SlipError(f"compare with a number{texts}, not {token or 'nothing'}")

    def _arguments(self) -> None:
        while not self._accept(")"):
            self._value(numeric=True)
            self._accept(",")

    def _text(self, after: str) -> None:
        if not _is_text(token := self._next()):
            raise _SlipError(f"write a text in quotes after {after}, not {token or 'nothing'}")

    def _peek(self) -> str:
        return self._tokens[self._at]

    def _next(self) -> str:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _accept(self, *words: str) -> bool:
        if self._peek().lower() in words:
            self._next()
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise _SlipError(f"write {word} here, not {self._peek() or 'nothing'}")


def _is_text(token: str) -> bool:
    return token.startswith('"')


def _is_word(token: str) -> bool:
    return token[:1].isalpha() or token[:1] == "_"
