"""Messages speak YAML: what a person wrote, never what Python made of it."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from stacks.config import Environment, Workload, load_environment, load_workload
from stacks.config.errors import lines, mistakes_in
from stacks.config.words import shown
from tests.unit.config_files import Change, Edit, changed, only_line

ODD: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    -1,
    0.5,
    10**40,
    math.nan,
    -math.inf,
    "",
    "60",
    "a\nb",
    "<>",
    [],
    [1],
    {},
)
PYTHON = re.compile(r"\b(None|NoneType|True|False|[Tt]uple|dict|[Dd]ictionary|nan,|[Ii]nput should|validation)\b")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (math.nan, ".nan"),
        (math.inf, ".inf"),
        (-math.inf, "-.inf"),
        ([None, False, "a"], "[null, false, 'a']"),
        ({"a": {"b": [1.5]}}, "{a: {b: [1.5]}}"),
        ({}, "{}"),
        ("x" * 100, f"'{'x' * 76}..."),
    ],
)
def test_a_value_is_shown_as_yaml_writes_it(value: object, text: str) -> None:
    assert shown(value) == text


ENVIRONMENT_CASES: dict[str, tuple[Change, str]] = {
    "number in quotes among numbers": (
        {"log_retention_days": "400"},
        "log_retention_days: got '400'; remove the quotes: 400",
    ),
    "yes among numbers": ({"log_retention_days": True}, "log_retention_days: got true; give a whole number"),
    "fraction": ({"archive_days": 7.5}, "archive_days: got 7.5; give a whole number"),
    "yes in quotes": ({"multi_region_keys": "true"}, "multi_region_keys: got 'true'; remove the quotes: true"),
    "no truth": ({"multi_region_keys": 1}, "multi_region_keys: got 1; use true or false"),
    "yes for a text": ({"cost_centre": True}, "cost_centre: got true; put the value in quotes"),
    "nothing for a text": ({"cost_centre": None}, "cost_centre: got nothing; give a text"),
    "no list": (
        {"network.create.availability_zones": "us-east-1a"},
        "network.create.availability_zones: got 'us-east-1a'; use a list, such as [first, second]",
    ),
    "key of a mapping": (
        {"workloads": {"Fraud": {}}, "budget.workloads": {}},
        "workloads.Fraud: got 'Fraud'; must match ",
    ),
    "tag": (
        {"cost_centre": "a<b>;"},
        "cost_centre: got 'a<b>;'; remove ';': a tag takes letters, digits, spaces and + - = . _ : / @",
    ),
    "tag of two lines": ({"cost_centre": "a\nb"}, r"cost_centre: got 'a\nb'; remove '\n': a tag takes letters"),
    "long tag": ({"cost_centre": "x" * 257}, f"cost_centre: got '{'x' * 76}...; give at most 256 characters"),
    "owner": (
        {"owner": "o'neill@example.com"},
        """owner: got "o'neill@example.com"; remove "'": a tag takes letters""",
    ),
    "long owner": ({"owner": f"{'x' * 300}@example.com"}, f"owner: got '{'x' * 76}...; give at most 256 characters"),
}


@pytest.mark.parametrize("case", ENVIRONMENT_CASES)
def test_environment_mistake_is_told_in_the_words_of_its_file(edit: Edit, case: str) -> None:
    changes, expected = ENVIRONMENT_CASES[case]
    path = edit("environments/prod.yaml", changes)
    assert only_line(lambda: load_environment(path)).startswith(f"{path}: {expected}")


@pytest.mark.parametrize("text", ["Kostenstelle 4711", "Größe: a/b_c-d=e+f@g.h", "x" * 256])
def test_what_can_be_a_tag_is_taken(edit: Edit, text: str) -> None:
    assert load_environment(edit("environments/prod.yaml", {"cost_centre": text})).cost_centre == text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"metric.minimum": math.nan}, "metric.minimum: got .nan; give a number"),
        ({"training.train_days": "60"}, "training.train_days: got '60'; remove the quotes: 60"),
        ({"sources": {}}, "sources: got {}; give at least 1 entry"),
    ],
)
def test_workload_mistake_is_told_in_the_words_of_its_file(edit: Edit, changes: Change, expected: str) -> None:
    path = edit("workloads/flight-delays/workload.yaml", changes)
    assert only_line(lambda: load_workload(path)) == f"{path}: {expected}"


def test_the_name_that_stands_for_every_environment_is_refused(repository: Path, edit: Edit) -> None:
    (repository / "environments" / "dev.yaml").rename(repository / "environments" / "all.yaml")
    path = edit("environments/all.yaml", {"name": "all"})
    assert only_line(lambda: load_environment(path)) == (
        f"{path}: name: got 'all'; use another name, of the file too: -c env=all is every environment"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &b [*b]\n", "line 1: found unconstructable recursive node"),
        ("a: " + "[" * 5000, "file: got brackets within brackets; use fewer levels"),
        (f"archive_days: {'9' * 5000}\n", "name: got nothing"),
    ],
)
def test_yaml_that_python_cannot_follow_is_no_traceback(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "dev.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"dev\.yaml: ") as error:
        load_environment(path)
    assert str(error.value).splitlines()[0].startswith(f"{path}: {expected}")


def test_a_folder_in_place_of_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").mkdir()
    expected = f"{tmp_path / 'dev.yaml'}: file: got Is a directory; make it a file that can be read"
    assert only_line(lambda: load_environment(tmp_path / "dev.yaml")) == expected


@pytest.mark.parametrize(
    ("name", "model"), [("environments/prod.yaml", Environment), ("workloads/flight-delays/workload.yaml", Workload)]
)
def test_no_odd_value_anywhere_is_told_in_words_of_python(root: Path, name: str, model: type[BaseModel]) -> None:
    data = yaml.safe_load((root / name).read_text())
    refused = 0
    for path in paths_in(data):
        for value in ODD:
            try:
                model.model_validate_json(json.dumps(changed(data, {path: value})))
            except ValidationError as error:
                refused += 1
                for line in lines(mistakes_in(error, model), Path(name)).splitlines():
                    assert line.startswith(f"{name}: ") and "got " in line and "; " in line, line
                    assert not PYTHON.search(line), line
    assert refused > 500


def paths_in(data: Any, above: str = "") -> Iterator[str]:
    """Dotted paths of everything in a file, sections and items included."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield f"{above}{key}"
        yield from paths_in(value, f"{above}{key}.")
