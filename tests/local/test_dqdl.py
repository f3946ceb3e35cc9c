from __future__ import annotations

import math
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_local.dqdl import DqdlError, RuleResult, evaluate, parse, score
from mlops_local.dqdl.ast import Composite, Condition, Keyword, Now, Rule

FLIGHTS = pd.DataFrame(
    {
        "id": ["a", "b", "c", "d"],
        "twice": ["x", "x", "y", None],
        "temp": [1.0, 2.0, 3.0, None],
        "late": [0, 1, 0, 1],
        "blank": ["", "  ", None, "z"],
        "day": pd.to_datetime(["2013-01-01", "2013-01-02", "2013-01-03", "2013-01-04"]),
    }
)


def judge(ruleset: str, frame: pd.DataFrame = FLIGHTS) -> list[RuleResult]:
    with duckdb.connect() as connection:
        connection.register("data", frame)
        return evaluate(parse(ruleset), connection)


def one(rule: str, frame: pd.DataFrame = FLIGHTS) -> RuleResult:
    return judge(f"Rules = [ {rule} ]", frame)[0]


PASSING = [
    'IsComplete "id"',
    'Completeness "temp" >= 0.75',
    'Completeness "temp" between 0.7 and 0.8',
    'IsUnique "id"',
    'Uniqueness "twice" < 0.5',
    'IsPrimaryKey "id"',
    'IsPrimaryKey "id" "late"',
    'DistinctValuesCount "twice" = 2',
    'ColumnExists "temp"',
    "ColumnCount = 6",
    "RowCount > 3",
    'RowCount = 3 where "temp is not null"',
    'Mean "temp" = 2',
    'Sum "late" in [2, 3]',
    'StandardDeviation "late" = 0.5',
    'ColumnValues "late" in [0, 1]',
    'ColumnValues "late" not in [2, 3]',
    'ColumnValues "temp" != 7',
    'ColumnValues "temp" > 0 where "temp is not null"',
    'ColumnValues "temp" in [1, 2, 3, NULL]',
    'ColumnValues "temp" between 0 and 4 with threshold > 0.7',
    'ColumnValues "id" matches "[a-d]"',
    'ColumnValues "blank" in ["z", EMPTY, WHITESPACES_ONLY, NULL]',
    'ColumnValues "day" >= "2013-01-01"',
    'ColumnValues "day" between "2012-12-31" and "2013-01-05"',
    'ColumnValues "day" < (now() - 3 days)',
    'ColumnLength "id" = 1',
    'ColumnLength "twice" < 2',
    'ColumnDataType "late" = "Integer"',
    'ColumnDataType "temp" = "Double" with threshold >= 0.75',
    'CustomSql "select count(*) from primary" between 3 and 5',
    'CustomSql "select id from primary where late = 1" with threshold = 0.5',
    '(IsComplete "id") and (IsUnique "id")',
    '(IsComplete "temp") or (RowCount > 1)',
    '(RowCount > 0) AND ((IsComplete "temp") OR (IsUnique "id"))',
]
FAILING = {
    'IsComplete "temp"': "Value: 0.75 does not meet the constraint requirement!",
    'IsUnique "twice"': "does not meet",
    'IsPrimaryKey "twice"': "does not meet",
    'IsComplete "nowhere"': "Input data does not include column nowhere!",
    'ColumnExists "nowhere"': "Input data does not include column nowhere!",
    'ColumnValues "temp" > 0': "Value: NULL does not meet the constraint requirement!",
    'ColumnValues "late" in [0]': "Value: 1 does not meet the constraint requirement!",
    'ColumnValues "temp" between 1 and 4 where "temp is not null"': "Value: 1.0 does not meet",
    'ColumnValues "temp" not in [7, NULL]': "Value: NULL",
    'ColumnLength "twice" > 0': "does not meet",
    'Mean "id" > 1': "to be a number",
    '(IsComplete "temp") and (RowCount > 1)': "Value: 0.75",
    "RowCount > 4": "Value: 4.0",
}


@pytest.mark.parametrize("rule", PASSING)
def test_rule_passes(rule: str) -> None:
    result = one(rule)
    assert (result.result, result.message) == ("PASS", "")


@pytest.mark.parametrize("rule", FAILING)
def test_rule_fails_with_the_reason(rule: str) -> None:
    result = one(rule)
    assert result.result == "FAIL"
    assert FAILING[rule] in result.message


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ('DataFreshness "day" <= 3 days', "DataFreshness"),
        ('Entropy "id" > 1', "Entropy"),
        ("Mean > 1", "Mean"),
        ('ColumnDataType "id" = "Banana"', "Banana"),
        ('CustomSql "select nonsense from primary" > 1', "nonsense"),
        ('(RowCount > 1) or (Entropy "id" > 1)', "Entropy"),
    ],
)
def test_what_cannot_be_evaluated_is_an_error_that_names_it(rule: str, named: str) -> None:
    result = one(rule) if "3 days" not in rule else one('DataFreshness "day" <= 3')
    assert result.result == "ERROR"
    assert named in result.message


def test_an_error_stops_no_other_rule_and_the_score_counts_passes() -> None:
    results = judge('Rules = [ Entropy "id" > 1, RowCount = 4, IsComplete "temp", IsUnique "id" ]')
    assert [result.result for result in results] == ["ERROR", "PASS", "FAIL", "PASS"]
    assert [result.name for result in results] == ["Rule_1", "Rule_2", "Rule_3", "Rule_4"]
    assert score(results) == 0.5
    assert results[2].metrics == {"Column.temp.Completeness": 0.75}


def test_no_rows_fail_instead_of_passing() -> None:
    empty = FLIGHTS.iloc[:0]
    results = judge('Rules = [ IsComplete "id", ColumnValues "late" in [0], Mean "temp" > 0, RowCount = 0 ]', empty)
    assert [result.result for result in results] == ["FAIL", "FAIL", "FAIL", "PASS"]


def test_parser_understands_every_part_of_a_rule() -> None:
    rules = parse(
        """Rules = [  # a comment
            ColumnValues "Load_Date" > (now() - 3 days) where "a > 1" with threshold between 0.5 and 1.0,
            (IsUnique "a \\"b") or (ColumnValues x in ["q", NULL])
        ]"""
    )
    first, second = rules
    assert isinstance(first, Rule) and first.condition is not None
    assert isinstance(first.condition.values[0], Now)
    assert first.condition.values[0].offset.days == -3
    assert first.where == "a > 1"
    assert first.threshold == Condition("between", (0.5, 1.0))
    assert isinstance(second, Composite) and isinstance(second.parts[1], Rule)
    assert second.parts[0].arguments == ('a "b',)  # type: ignore[union-attr]
    assert second.parts[1].condition == Condition("in", ("q", Keyword.NULL))


@pytest.mark.parametrize(
    ("ruleset", "said"),
    [
        ("", "expected a word"),
        ("Rules = [ ]", "expected a word"),
        ('Rules = [ IsComplete "a" ', "expected `]`"),
        ('Analyzers = [ Mean "a" ]', "`Analyzers` is not supported"),
        ("Rules = [ RowCount > ]", "expected a value"),
        ("Rules = [ RowCount > avg(last(10)) ]", "expected a value, got `avg`"),
        ("Rules = [ RowCount > 1 ] more", "nothing may follow"),
        ("Rules = [ RowCount ~ 1 ]", "unexpected character '~'"),
        ("Rules = [ (RowCount > 1) and (RowCount > 2) or (RowCount > 3) ]", "parentheses"),
        ("Rules = [\n RowCount > 1,\n RowCount > x ]", "line 3"),
    ],
)
def test_syntax_errors_say_where_and_why(ruleset: str, said: str) -> None:
    with pytest.raises(DqdlError, match=said.replace("(", "\\(").replace("[", "\\[").replace("]", "\\]")):
        parse(ruleset)


# -- against pandas ---------------------------------------------------------------------------------------------------

NUMBERS = st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1, max_size=12)
OPERATORS: dict[str, Any] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def frame_of(values: list[int | None]) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.array(values, dtype="Int64"), "n": range(len(values))})


@settings(max_examples=60, deadline=None)
@given(NUMBERS, st.sampled_from(sorted(OPERATORS)), st.integers(-5, 5))
def test_column_values_compares_as_pandas_does(values: list[int | None], operator: str, bound: int) -> None:
    passing = [operator == "!=" if v is None else OPERATORS[operator](v, bound) for v in values]
    result = one(f'ColumnValues "x" {operator} {bound}', frame_of(values))
    assert (result.result == "PASS") == all(passing)
    assert math.isclose(result.metrics["Column.x.ColumnValues.Compliance"], sum(passing) / len(values))


@settings(max_examples=60, deadline=None)
@given(NUMBERS, st.integers(-5, 5), st.integers(-5, 5), st.booleans())
def test_between_leaves_its_bounds_out(values: list[int | None], low: int, high: int, negated: bool) -> None:
    passing = [v is not None and (low < v < high) is not negated for v in values]
    result = one(f'ColumnValues "x" {"not " if negated else ""}between {low} and {high}', frame_of(values))
    assert math.isclose(result.metrics["Column.x.ColumnValues.Compliance"], sum(passing) / len(values))


@settings(max_examples=60, deadline=None)
@given(NUMBERS, st.sets(st.integers(-5, 5), min_size=1), st.booleans(), st.booleans())
def test_lists_treat_null_as_documented(
    values: list[int | None], listed: set[int], with_null: bool, negated: bool
) -> None:
    members = [*map(str, sorted(listed)), *(["NULL"] if with_null else [])]
    passing = [((v in listed) if v is not None else with_null) is not negated for v in values]
    rule = f'ColumnValues "x" {"not " if negated else ""}in [{", ".join(members)}]'
    result = one(rule, frame_of(values))
    assert (result.result == "PASS") == all(passing)


@settings(max_examples=60, deadline=None)
@given(NUMBERS)
def test_aggregates_equal_pandas(values: list[int | None]) -> None:
    frame = frame_of(values)
    column = frame["x"]
    rules = ['Completeness "x" >= 0', 'DistinctValuesCount "x" >= 0', "RowCount >= 0", 'Uniqueness "x" >= 0']
    rules += ['Mean "x" > -9', 'Sum "x" > -99', 'StandardDeviation "x" >= 0']
    results = judge(f"Rules = [ {', '.join(rules)} ]", frame)
    measured = {name: value for result in results for name, value in result.metrics.items()}
    assert math.isclose(measured["Column.x.Completeness"], column.notna().mean())
    assert measured["Column.x.DistinctValuesCount"] == column.nunique()
    assert measured["Dataset.*.RowCount"] == len(column)
    if column.notna().any():
        present = column.dropna().astype(float)
        counts = present.value_counts()
        assert math.isclose(measured["Column.x.Uniqueness"], (counts == 1).sum() / len(present))
        assert math.isclose(measured["Column.x.Mean"], present.mean(), abs_tol=1e-12)
        assert math.isclose(measured["Column.x.Sum"], present.sum())
        assert math.isclose(measured["Column.x.StandardDeviation"], present.std(ddof=0), abs_tol=1e-9)
    else:
        assert "Column.x.Mean" not in measured


COLUMNS = st.sampled_from(["a", "b c", "Ü"])
VALUES = st.one_of(st.integers(-99, 99), st.sampled_from(["x", "y z", "it's"]))


@settings(max_examples=80, deadline=None)
@given(COLUMNS, st.lists(VALUES, min_size=1, max_size=4), st.booleans(), st.sampled_from(["", " ", "\n\t"]))
def test_what_is_written_is_what_is_parsed(column: str, values: list[Any], negated: bool, space: str) -> None:
    written = ",".join(f'{space}"{v}"' if isinstance(v, str) else f"{space}{v}" for v in values)
    rule = f'ColumnValues "{column}" {"not " if negated else ""}in [{written}{space}]'
    (node,) = parse(f"Rules{space}={space}[{space}{rule}{space}]")
    assert isinstance(node, Rule)
    assert node.arguments == (column,)
    assert node.condition == Condition("in", tuple(values), negated)
