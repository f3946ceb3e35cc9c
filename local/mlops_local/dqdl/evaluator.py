"""Evaluates DQDL rules over a relation in DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from .ast import Composite, Node, Rule
from .conditions import UnusableError
from .rules import RULES, Data, Outcome

PASS, FAIL, ERROR = "PASS", "FAIL", "ERROR"


@dataclass(frozen=True)
class RuleResult:
    """What became of one rule.

    Args:
        name: `Rule_1`, `Rule_2` ... by position.
        description: The rule as written.
        result: `PASS`, `FAIL` or `ERROR`.
        message: Why it isn't `PASS`; empty otherwise.
        metrics: What was measured, for example `{"Column.id.Completeness": 0.98}`.
    """

    name: str
    description: str
    result: str
    message: str
    metrics: dict[str, float] = field(default_factory=dict)


def evaluate(rules: Sequence[Node], connection: duckdb.DuckDBPyConnection, relation: str = "data") -> list[RuleResult]:
    """Evaluates rules, each by itself: one that can't be evaluated is an ERROR and stops none of the others.

    Args:
        rules: From `parse`.
        connection: Where the relation is.
        relation: Table or view name; CustomSql calls it `primary`.
    """
    data = Data(connection, relation)
    results = []
    for position, rule in enumerate(rules, 1):
        outcome = _evaluate(rule, data)
        message = "" if outcome.result == PASS else outcome.message
        results.append(RuleResult(f"Rule_{position}", rule.text, outcome.result, message, outcome.metrics))
    return results


def score(results: Sequence[RuleResult]) -> float:
    """Fraction (0-1) of rules that passed; 0 without rules."""
    return sum(result.result == PASS for result in results) / len(results) if results else 0.0


def _evaluate(node: Node, data: Data) -> Outcome:
    if isinstance(node, Composite):
        return _composite(node, data)
    return _single(node, data)


def _composite(node: Composite, data: Data) -> Outcome:
    parts = [_evaluate(part, data) for part in node.parts]
    metrics = {name: value for part in parts for name, value in part.metrics.items()}
    message = " ".join(part.message for part in parts if part.result != PASS)
    if any(part.result == ERROR for part in parts):
        return Outcome(ERROR, message, metrics)
    passed = (all if node.operator == "and" else any)(part.result == PASS for part in parts)
    return Outcome(PASS if passed else FAIL, message, metrics)


def _single(rule: Rule, data: Data) -> Outcome:
    function = RULES.get(rule.kind)
    if function is None:
        return Outcome(ERROR, f"The rule type {rule.kind} is not supported by the local AWS.")
    try:
        return function(rule, data.where(rule.where))
    except UnusableError as error:
        return Outcome(ERROR, f"{rule.kind}: {error}")
    except duckdb.Error as error:
        return Outcome(ERROR, f"{rule.kind}: {str(error).splitlines()[0]}")
