"""What the docs count and list is what the templates hold: alarms and their cost, what stays, what goes first."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlops_local import server
from mlops_local.home import DOCKER
from tests.assembly import Assembly, workload_of
from tests.unit.test_docs import MARKDOWN, PAGES, ROOT, examples, section

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
ALARM = "AWS::CloudWatch::Alarm"
ALARM_CENTS = 10
ALARMED = [page for page in PAGES if f"`{ALARM}`" in section(page, "Defines")]


def text_of(name: str) -> str:
    """A page as one line, so that a sentence is found wherever it is broken."""
    return " ".join((ROOT / name).read_text().split())


def imports(value: Any) -> Iterator[str]:
    """Names of the exports that a template imports."""
    if isinstance(value, dict):
        if "Fn::ImportValue" in value:
            yield str(value["Fn::ImportValue"])
        for each in value.values():
            yield from imports(each)
    elif isinstance(value, list):
        for each in value:
            yield from imports(each)


def protected(assembly: Assembly) -> set[str]:
    """Stacks that are protected against termination in staging or prod, workloads' as `<workload>-...`."""
    found = set()
    for stage in assembly.folder.glob("assembly-*"):
        for artifact in json.loads((stage / "manifest.json").read_text())["artifacts"].values():
            if artifact.get("properties", {}).get("terminationProtection"):
                name = artifact["properties"]["stackName"].removeprefix(f"mlops-{stage.name.partition('-')[2]}-")
                workload = workload_of(name)
                found.add(name.replace(workload, "<workload>", 1) if workload else name)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_counts_of_a_page_are_those_of_its_construct(page: Path) -> None:
    pattern = rf"`(AWS::[A-Za-z0-9:]+)`, ({'|'.join(NUMBERS)})\b(?! per|, or)"
    for kind, number in re.findall(pattern, section(page, "Defines")):
        assert NUMBERS[examples()[page.stem].own_types[kind]] == number, kind


@pytest.mark.parametrize("page", ALARMED, ids=lambda page: page.stem)
def test_cost_of_a_page_is_that_of_its_alarms(page: Path) -> None:
    dollars = f"{examples()[page.stem].own_types[ALARM] * ALARM_CENTS / 100:.2f}"
    assert re.findall(r"([\d.]+) USD per month for (?:the|its) alarms?\b", section(page, "Cost")) == [dollars]


def test_size_of_a_platform_is_that_of_the_templates(assembly: Assembly) -> None:
    said = int(re.findall(r"some (\d+) resources", text_of("docs/constructs/config-recorder.md"))[0])
    least, most = re.findall(r"(\d+) to (\d+) roles", text_of("docs/constructs/access-analyzers.md"))[0]
    for environment in ("dev", "staging", "prod"):
        # One workload: the others of an environment add their own.
        resources = [
            each
            for each in assembly.resources(environment=environment)
            if workload_of(each[1]) in (None, "flight-delays")
        ]
        roles = [each for each in resources if each[3]["Type"] == "AWS::IAM::Role"]
        assert said == pytest.approx(len(resources), rel=0.1), environment
        assert int(least) <= len(roles) <= int(most), environment


def test_pages_name_what_stays_where_data_are_destroyed(assembly: Assembly) -> None:
    kept = sorted(
        (environment, stack, resource["Type"])
        for environment in ("dev", "local")
        for _, stack, _, resource in assembly.resources(environment=environment)
        if resource.get("DeletionPolicy") == "Retain"
    )
    bucket, group = "AWS::S3::Bucket", "AWS::Logs::LogGroup"
    assert kept == [("dev", "audit", group), ("dev", "audit", bucket), ("dev", "audit", bucket)]
    for page in ("README.md", "CHANGELOG.md", "docs/environments.md"):
        assert "except the audit stack's two buckets and its findings log group" in text_of(page), page
    row = "| buckets of trail and configuration history, log group of findings | stay | stay |"
    assert row in text_of("docs/runbooks/tear-down.md")


def test_tear_down_deletes_a_stack_after_those_that_import_from_it(assembly: Assembly) -> None:
    page = (ROOT / "docs" / "runbooks" / "tear-down.md").read_text()
    loop = re.search(r"^for PART in ([\w ]+); do\n  aws cloudformation delete-stack", page, re.MULTILINE)
    assert loop, "the loop is written in another way now: look for it there"
    order = loop[1].split()
    for environment, stacks in assembly.templates.items():
        own = {name.removeprefix("flight-delays-"): name for name in stacks if name.startswith("flight-delays-")}
        assert own.keys() <= set(order), environment
        exports = {
            output["Export"]["Name"]: part
            for part, name in own.items()
            for output in stacks[name].get("Outputs", {}).values()
            if "Export" in output
        }
        needs = {(part, exports[name]) for part in own for name in imports(stacks[own[part]]) if name in exports}
        assert needs, "no stack of a workload imports from another: the test looks at nothing"
        assert all(order.index(user) < order.index(used) for user, used in needs), environment


def test_tear_down_names_every_protected_stack(assembly: Assembly) -> None:
    page = (ROOT / "docs" / "runbooks" / "tear-down.md").read_text()
    listed = re.search(r"the stacks with state \(([^)]+)\)\s+are protected", page)
    assert listed
    # No environment of the repository manages an organisation.
    assert set(re.findall(r"`([^`]+)`", listed[1])) == protected(assembly) | {"organisation"}


def test_stacks_that_are_not_deployed_locally_are_named(assembly: Assembly) -> None:
    sentence = re.search(r"Not deployed at all are the stacks ([^:]+):", text_of("docs/local-aws.md"))
    assert sentence
    everywhere = {name for stacks in assembly.templates.values() for name in stacks}
    missing = {name for name in everywhere - assembly.templates["local"].keys() if not workload_of(name)}
    named = set(re.findall(r"`([^`]+)`", sentence[1]))
    assert named == {name.removesuffix("-center") for name in missing} | {"organisation"}


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_run_in_the_environment_that_setup_makes(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"(?<![\w/.])python (?:-m|tools/|workloads/)\S*.*", text) == [], "write .venv/bin/python"
    assert "pip install mlops-constructs" not in text, "it is on no index: write pip install './constructs[...]'"


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_the_cdk_name_the_environment(page: Path) -> None:
    calls = re.findall(r"npx cdk \w+.*", page.read_text())
    assert [call for call in calls if "-c env=" not in call] == [], "without it the app has nothing to synthesize"


def test_the_variables_of_the_local_aws_are_all_that_tools_need() -> None:
    page = (ROOT / "docs" / "local-aws.md").read_text()
    exported = dict(re.findall(r"\b((?:AWS|CDK)_\w+)=(\S+)", "\n".join(re.findall(r"^export .*", page, re.MULTILINE))))
    docker = exported.pop("CDK_DOCKER")
    assert docker == f"$PWD/build/local-aws/{DOCKER}" and "--home build/local-aws" in page
    needed = {name: value for name, value in server.environment(4566).items() if name.startswith("AWS_")}
    assert exported == {name: value for name, value in needed.items() if name != "AWS_EC2_METADATA_DISABLED"}


def test_readme_of_the_workload_says_its_days() -> None:
    folder = ROOT / "workloads" / "flight-delays"
    training = yaml.safe_load((folder / "workload.yaml").read_text())["training"]
    days = f"`--train-days {training['train_days']} --holdout-days {training['holdout_days']}`"
    assert days in (folder / "README.md").read_text()
