"""Parser of DQDL rulesets: `Rules = [ ... ]`."""

from __future__ import annotations

from datetime import timedelta

from .ast import Composite, Condition, Keyword, Node, Now, Rule, Value
from .lexer import DqdlError, Token, tokens_of

__all__ = ["DqdlError", "parse"]

_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_UNITS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_AFTER_ARGUMENTS = ("between", "in", "not", "matches", "where", "with")


def parse(ruleset: str) -> list[Node]:
    """The rules of a ruleset, in order.

    Args:
        ruleset: For example `Rules = [ IsComplete "id", RowCount > 10 ]`.

    Raises:
        DqdlError: a syntax error, or a part of DQDL this parser doesn't know (`Analyzers`, dynamic rules).
    """
    return _Parser(ruleset).ruleset()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._at = text, tokens_of(text), 0

    # -- grammar ------------------------------------------------------------------------------------------------

    def ruleset(self) -> list[Node]:
        head = self._take("word")
        if head.text != "Rules":
            raise self._error(head, f"a ruleset begins with `Rules = [`; `{head.text}` is not supported")
        self._symbol("=")
        self._symbol("[")
        rules = [self._node()]
        while self._accept(","):
            rules.append(self._node())
        self._symbol("]")
        if self._peek().kind != "end":
            raise self._error(self._peek(), "nothing may follow the list of rules")
        return rules

    def _node(self) -> Node:
        start = self._peek().start
        first = self._primary()
        operator = self._peek().text.lower()
        if self._peek().kind != "word" or operator not in ("and", "or"):
            return first
        parts = [first]
        while self._peek().kind == "word" and self._peek().text.lower() in ("and", "or"):
            word = self._take("word")
            if word.text.lower() != operator:
                raise self._error(word, "put parentheses around parts joined by different operators")
            parts.append(self._primary())
        return Composite(operator, tuple(parts), self._since(start))

    def _primary(self) -> Node:
        if not self._accept("("):
            return self._rule()
        node = self._node()
        self._symbol(")")
        return node

    def _rule(self) -> Rule:
        kind = self._take("word")
        arguments = []
        while self._peek().kind == "string" or self._is_bare_column():
            arguments.append(self._next().text)
        condition = self._condition() if self._has_condition() else None
        where, threshold = "", None
        while self._peek().kind == "word" and self._peek().text in ("where", "with"):
            if self._next().text == "where":
                where = self._take("string").text
            else:
                self._word("threshold")
                threshold = self._condition()
        return Rule(kind.text, tuple(arguments), condition, where, threshold, self._since(kind.start))

    def _condition(self) -> Condition:
        token = self._next()
        if token.kind == "symbol" and token.text in _COMPARISONS:
            return Condition(token.text, (self._value(),))
        negated = token.text.lower() == "not"
        operator = self._next() if negated else token
        match operator.text.lower():
            case "between":
                low = self._value()
                self._word("and")
                return Condition("between", (low, self._value()), negated)
            case "in":
                return Condition("in", self._list(), negated)
            case "matches":
                return Condition("matches", (self._take("string").text,), negated)
        raise self._error(operator, f"expected a comparison, between, in or matches, got `{operator.text}`")

    def _list(self) -> tuple[Value, ...]:
        self._symbol("[")
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        self._symbol("]")
        return tuple(values)

    def _value(self) -> Value:
        token = self._next()
        if token.kind == "string":
            return token.text
        if token.kind == "number":
            return float(token.text) if any(c in token.text for c in ".eE") else int(token.text)
        if token.kind == "word" and token.text in Keyword.__members__:
            return Keyword[token.text]
        if token.text == "now":
            return self._now()
        if token.text == "(":
            value = self._value()
            self._symbol(")")
            return value
        raise self._error(token, f"expected a value, got `{token.text}`")

    def _now(self) -> Now:
        self._symbol("(")
        self._symbol(")")
        sign = self._peek()
        if sign.kind == "number" and sign.text.startswith("-"):  # `now() -3 days`
            count = float(self._next().text)
        elif sign.text in ("+", "-"):
            self._next()
            count = float(self._take("number").text) * (-1 if sign.text == "-" else 1)
        else:
            return Now()
        unit = self._take("word")
        seconds = _UNITS.get(unit.text.lower().removesuffix("s"))
        if seconds is None:
            raise self._error(unit, f"unknown unit of time `{unit.text}`")
        return Now(timedelta(seconds=count * seconds))

    # -- tokens -------------------------------------------------------------------------------------------------

    def _has_condition(self) -> bool:
        token = self._peek()
        if token.kind == "symbol":
            return token.text in _COMPARISONS
        return token.kind == "word" and token.text.lower() in ("between", "in", "not", "matches")

    def _is_bare_column(self) -> bool:
        token = self._peek()
        return token.kind == "word" and token.text.lower() not in (*_AFTER_ARGUMENTS, "and", "or")

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _take(self, kind: str) -> Token:
        token = self._next()
        if token.kind != kind:
            raise self._error(token, f"expected a {kind}, got `{token.text or 'the end'}`")
        return token

    def _word(self, text: str) -> None:
        token = self._next()
        if token.kind != "word" or token.text.lower() != text:
            raise self._error(token, f"expected `{text}`, got `{token.text or 'the end'}`")

    def _symbol(self, text: str) -> None:
        token = self._next()
        if token.kind != "symbol" or token.text != text:
            raise self._error(token, f"expected `{text}`, got `{token.text or 'the end'}`")

    def _accept(self, text: str) -> bool:
        if self._peek().kind == "symbol" and self._peek().text == text:
            self._at += 1
            return True
        return False

    def _since(self, start: int) -> str:
        return " ".join(self._text[start : self._tokens[self._at - 1].end].split())

    def _error(self, token: Token, message: str) -> DqdlError:
        line = self._text.count("\n", 0, token.start) + 1
        return DqdlError(f"line {line}: {message}")
