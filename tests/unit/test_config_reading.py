"""Reading the files: YAML as it is written, rules and schedules far enough to find a slip, examples in messages."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from mlops_local.dqdl.rules import RULES
from stacks.config import ConfigError, load_environment
from stacks.config.base import EXAMPLES
from stacks.config.quality import RULE_TYPES, mistake_in
from stacks.config.schedule import Schedule
from stacks.config.schema import SCHEMAS

COLUMNS = ["flight_id", "event_time", "late"]


def only_line(load: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as error:
        load()
    lines = str(error.value).splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def local(root: Path, folder: Path, given: str, written: str) -> Path:
    """The file of environment `local` with something written in another way."""
    text = (root / "environments" / "local.yaml").read_text()
    assert given in text
    path = folder / "local.yaml"
    path.write_text(text.replace(given, written))
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: a\nname: b\n", "line 2: key 'name' is given twice; keep one"),
        ("network:\n  create:\n    cidr: a\n    cidr: b\n", "line 4: key 'cidr' is given twice; keep one"),
        ("1: a\n", "line 1: keys must be plain text"),
        ("name: [a\n", "line 2: expected ',' or ']', but got '<stream end>'"),
        ("name: !!python/object:os.system a\n", "line 1: could not determine a constructor for the tag"),
        ("- a\n", "file: got a list; use a mapping of field: value"),
        ("", "file: got nothing; use a mapping of field: value"),
    ],
)
def test_yaml_mistake_names_the_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "dev.yaml"
    path.write_text(text)
    assert only_line(lambda: load_environment(path)).startswith(f"{path}: {expected}")


def test_a_file_that_is_not_utf_8_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "dev.yaml"
    path.write_text("name: dev\n", encoding="utf-16")
    assert only_line(lambda: load_environment(path)) == f"{path}: file: got byte 0xff at offset 0; save it as UTF-8"


def test_a_character_that_yaml_does_not_take_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "dev.yaml"
    path.write_text("name: dev\nowner: a\x00b\n")
    line = only_line(lambda: load_environment(path))
    assert line == f"{path}: line 2: special characters are not allowed; remove the character"


@pytest.mark.parametrize("account", ["011111111111", "089111111111"])
def test_an_account_that_begins_with_zero_is_what_is_written(root: Path, tmp_path: Path, account: str) -> None:
    path = local(root, tmp_path, 'account: "000000000000"', f"account: {account}")
    assert load_environment(path).account == account


@pytest.mark.parametrize("written", ["0o17", "017", "0x1F", "1_000", "12:30"])
def test_a_number_that_is_not_decimal_is_shown_as_it_is_written(root: Path, tmp_path: Path, written: str) -> None:
    path = local(root, tmp_path, "archive_days: 7", f"archive_days: {written}")
    assert f"archive_days: got '{written}'; give a whole number" in only_line(lambda: load_environment(path))


def test_every_example_in_a_message_is_allowed() -> None:
    assert all(re.search(pattern, example.strip('"')) for pattern, example in EXAMPLES.items())


def test_every_pattern_has_an_example(root: Path) -> None:
    schemas = [json.loads((root / path).read_text()) for path in SCHEMAS]
    patterns = {pattern for schema in schemas for pattern in patterns_in(schema)}
    assert patterns, "the schemas have no pattern: the test looks at nothing"
    assert patterns <= EXAMPLES.keys()


def patterns_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "pattern" and isinstance(each, str):
                yield each
            elif key == "patternProperties":
                yield from each
            yield from patterns_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from patterns_in(each)


@pytest.mark.parametrize(
    "rule",
    [
        'ColumnValues "late" in [0, 1] where "flight_id is not null"',
        '(IsComplete "flight_id") and ((IsUnique "flight_id") or (RowCount > 5))',
        'ColumnValues "event_time" > (now() - 3 days)',
        'ColumnValues "flight_id" matches "[A-Z\\"]{3}\\)"',
        'ColumnDataType "late" = "Integer" with threshold > 0.9',
        'CustomSql "select count(*) from primary where Late > 1" = 0',
        'IsPrimaryKey "flight_id" "event_time"',
        "RowCount between 1 and 1000",
        'ColumnValues "late" not in [NULL, EMPTY]',
        'ColumnValues "late" = -1.5 with threshold between 0.5 and 1',
        'ColumnValues "event_time" between (now() - 36 hours) and now()',
        'ColumnValues "flight_id" not matches "x.*" where "late = 1" with threshold >= 0.9',
        'DataFreshness "event_time" <= 3 days',
        'ColumnCorrelation "late" "late" > 0.8',
        "RowCount > 0.5 * avg(last(10))",
        "RowCount between min(last(5)) and max(last(5))",
        'ColumnNamesMatchPattern "[a-z_]+"',
        'CustomSql "select flight_id from primary" with threshold > 0.9',
        "IsComplete flight_id",
        'Mean "late" between 0.01 and 0.8',
        'Completeness "late" >= 1e-3',
    ],
)
def test_a_rule_that_can_be_read_is_taken(rule: str) -> None:
    assert mistake_in(rule, COLUMNS) is None


def test_every_rule_that_the_local_evaluator_knows_is_a_rule_type() -> None:
    assert set(RULES) <= set(RULE_TYPES)


@pytest.mark.parametrize(
    "schedule",
    [
        "rate(1 day)",
        "rate(12 hours)",
        "cron(0/15 8-17 ? * MON-FRI *)",
        "cron(0 6 1,15 JAN,JUL ? 2026-2030)",
        "cron(0 6 L * ? *)",
        "cron(0 6 15W * ? *)",
        "cron(0 6 ? * 6L *)",
        "cron(0 6 ? * FRI#2 *)",
        "cron(*/5 * * * ? *)",
    ],
)
def test_a_schedule_that_eventbridge_takes_is_taken(schedule: str) -> None:
    assert TypeAdapter(Schedule).validate_python(schedule) == schedule


@pytest.mark.parametrize(
    "schedule",
    [
        "rate(0 days)",
        "rate(1.5 days)",
        "rate(5 minutes",
        "cron(0 6 ?/2 * MON *)",
        "cron(0 6 32 * ? *)",
        "cron(0 6 ? * XXL *)",
        "cron(0/0 6 * * ? *)",
        "cron(0 6 * * ? 1)",
        "cron(60 6 * * ? *)",
        "cron(0 6 ? * ? *)",
    ],
)
def test_a_schedule_that_eventbridge_refuses_is_refused(schedule: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Schedule).validate_python(schedule)


def test_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "dev.yaml"
    assert only_line(lambda: load_environment(path)) == f"{path}: file: not found; create it or name another"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("> 5", "> is no rule type"),
        ("ReferentialIntegrity 'x' 'y.z' = 1", "ReferentialIntegrity is no rule type about one table"),
        ('(IsComplete "late") and (Isunique "late")', "did you mean IsUnique?"),
        ("IsComplete", "name a column after IsComplete, not nothing: flight_id, event_time, late"),
        ('IsComplete "late" AND IsComplete "early"', "name a column after IsComplete, not early"),
        ("RowCount > 0)", "close every bracket"),
        ('ColumnValues "late" > abc', "compare with a number, a text in quotes or NULL, not abc"),
        ('ColumnValues "late"', "add a condition to ColumnValues, such as > 0"),
        ('ColumnValues "late" > 0, RowCount > 3', "give one rule per item: what follows the comma is another one"),
        ('ColumnValues "late" >', "compare with a number, a text in quotes or NULL, not nothing"),
        ('ColumnValues "late" > 0 5', "remove 5: nothing of the kind may follow here"),
        ('ColumnValues "late" => 0', "compare with a number, a text in quotes or NULL, not >"),
        ('ColumnValues "late" between 0, 1', "write and here, not ,"),
        ('ColumnValues "late" in 0', "write [ here, not 0"),
        ('ColumnValues "late" in []', "compare with a number, a text in quotes or NULL, not ]"),
        ('ColumnValues "late" not 0', "write =, !=, <, <=, >, >=, between, in or matches, not 0"),
        ('ColumnValues "flight_id" matches [A-Z]', "write a text in quotes after matches, not ["),
        ('ColumnValues "late" > 0 where late = 1', "write a text in quotes after where, not late"),
        ('ColumnValues "late" > 0 with 0.9', "write threshold here, not 0.9"),
        ('ColumnValues "late" > 0 and', "write a rule type here, not nothing"),
        ('ColumnValues "late" > 0 and rowcount > 1', "write a rule type here, not rowcount"),
        ('RowCount > "many"', 'compare with a number, not "many"'),
        ("RowCount > 0 # at least one", "remove #: nothing of the kind may follow here"),
        ('IsComplete "late" > 0.9', "remove what follows from > on: IsComplete takes no condition"),
        ('(Mean "late") and (RowCount > 0)', "add a condition to Mean, such as > 0"),
    ],
)
def test_a_rule_that_cannot_be_read_is_said(rule: str, said: str) -> None:
    assert said in (mistake_in(rule, COLUMNS) or "")
