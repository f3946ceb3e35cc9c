"""What docs/compliance/README.md says is so: its examples run, its tables are complete."""

import re
from pathlib import Path

import pytest
import yaml

from mlops_constructs.compliance.finding import FAILING, Finding, Status
from mlops_constructs.compliance.pytest_helper import assert_compliant
from mlops_constructs.compliance.waiver_checks import REMEDIES
from mlops_constructs.compliance.waivers import AppliedWaiver, read_file


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "compliance" / "README.md").read_text()


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def test_python_examples_run(page: str) -> None:
    found = blocks(page, "python")
    assert len(found) >= 4
    for block in found:
        exec(compile(block, "docs/compliance/README.md", "exec"), {"__name__": "page"})


def test_the_example_of_a_rule_judges(page: str) -> None:
    (block,) = [each for each in blocks(page, "python") if "RULES" in each]
    namespace: dict[str, object] = {"__name__": "page"}
    exec(compile(block, "docs/compliance/README.md", "exec"), namespace)
    alarm = {"Resources": {"Errors": {"Type": "AWS::CloudWatch::Alarm", "Properties": {}}}}
    with pytest.raises(AssertionError, match="the alarm tells nobody"):
        assert_compliant(alarm, rules=namespace["RULES"])  # type: ignore[arg-type]


def test_the_example_of_a_waiver_file_is_one(page: str, tmp_path: Path) -> None:
    (block,) = blocks(page, "yaml")
    assert list(yaml.safe_load(block)) == ["waivers"]
    file = tmp_path / "waivers.yaml"
    file.write_text(block)
    assert [type(each) for each in read_file(file)] == [AppliedWaiver]


def test_every_status_is_explained(page: str) -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|[^|]*\| (yes|no) \|$", page, re.MULTILINE))
    assert rows == {status.value: "yes" if status in FAILING else "no" for status in Status}


def test_every_field_of_a_finding_is_explained(page: str) -> None:
    table = page.split("## What a finding says")[1].split("| status |")[0]
    assert set(Finding.__dataclass_fields__) <= set(re.findall(r"`(\w+)`", table))


def test_every_check_of_waivers_is_explained(page: str) -> None:
    assert set(re.findall(r"^\| `WAIVER-1\.([\w-]+)` \|", page, re.MULTILINE)) == set(REMEDIES)
