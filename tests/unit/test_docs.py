"""The docs are true: examples synthesize, named types and attributes exist, commands and links are right."""

import importlib
import inspect
import json
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_iam as iam
from botocore import xform_name
from botocore.session import Session
from constructs import Construct

import mlops_constructs
from champion_challenge.logic import Evaluation
from mlops_runtime.events import EVENTS
from tests.assembly import Assembly
from tests.definitions import definitions, states

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in (ROOT / "docs" / "constructs").glob("*.md") if path.name != "README.md")
RUNBOOKS = sorted(path for path in (ROOT / "docs" / "runbooks").glob("*.md") if path.name != "README.md")
INDEX = ROOT / "docs" / "constructs" / "README.md"
WORKLOADS = ROOT / "docs" / "workloads.md"
SKIPPED = {".venv", ".venv-checkov", "node_modules", "build", "cdk.out", ".git"}
MARKDOWN = sorted(path for path in ROOT.rglob("*.md") if not SKIPPED & set(path.relative_to(ROOT).parts))
OWN = "With your own resources"


def has_second(page: Path) -> bool:
    """Whether a page shows its construct with resources that exist, too."""
    return f"\n## {OWN}\n" in page.read_text()


SECTIONS = ("Example", "Defines", "Attributes", "Events", "Cost", "On deletion")
PACKAGES = (
    "governance",
    "datalake",
    "orchestration",
    "training",
    "serving",
    "monitoring",
    "retraining",
    "control",
    "identity",
    "audit",
    "organisation",
    "finance",
)
# Options of the CLI itself, and commands that are programs of the CLI, not operations of a service.
GLOBAL_OPTIONS = {"query", "output", "region", "profile", "cli-binary-format", "cli-pager", "cli-read-timeout"}
CUSTOM_COMMANDS = {("s3", "cp"), ("s3", "ls"), ("logs", "tail"), ("cloudtrail", "validate-logs")}


@dataclass(frozen=True)
class Example:
    """A page's example in a template."""

    construct: object
    resources: dict[str, Any]

    @property
    def own_types(self) -> Counter[str]:
        """Types of the resources below the construct of the page, and how many there are of each."""
        if not isinstance(self.construct, Construct):
            return Counter()
        path = self.construct.node.path
        return Counter(
            resource["Type"]
            for resource in self.resources.values()
            if f"{resource.get('Metadata', {}).get('aws:cdk:path', '')}/".startswith(f"{path}/")
        )


def section(page: Path, title: str) -> str:
    """The text below a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page.read_text(), re.DOTALL | re.MULTILINE)
    assert found, f"{page.name} has no section {title}"
    return found[1]


def title_of(page: Path) -> str:
    """The heading of a page: the name of its construct."""
    return page.read_text().split("\n", 1)[0].removeprefix("# ")


@cache
def examples() -> dict[str, Example]:
    """Every example, instantiated in one app and synthesized once: by page, and by page and `OWN` the second one."""
    app = cdk.App(context={"aws:cdk:enable-path-metadata": True}, analytics_reporting=False)
    return _synthesize(app, {name: stack for page in PAGES for name, stack in _stacks(page).items()})


def _synthesize(app: cdk.App, classes: Mapping[str, type[cdk.Stack]]) -> dict[str, Example]:
    environment = cdk.Environment(account="111111111111", region="eu-west-1")
    stacks = {name: stack(app, stack.__name__, env=environment) for name, stack in classes.items()}
    assembly = app.synth()

    def resources(stack: cdk.Stack) -> dict[str, Any]:
        return dict(assembly.get_stack_artifact(stack.artifact_id).template.get("Resources", {}))

    return {name: Example(_construct(stack, name), resources(stack)) for name, stack in stacks.items()}


def _stacks(page: Path) -> dict[str, type[cdk.Stack]]:
    """The stack each example of a page defines; the second continues the first."""
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    names = [page.stem, f"{page.stem} {OWN}"] if has_second(page) else [page.stem]
    assert len(blocks) == len(names), f"{page.name} must have {len(names)} Python examples, it has {len(blocks)}"
    namespace: dict[str, Any] = {"__name__": page.stem}
    found: dict[str, type[cdk.Stack]] = {}
    for name, block in zip(names, blocks, strict=True):
        exec(compile(block, str(page), "exec"), namespace)
        made = [
            value
            for value in namespace.values()
            if inspect.isclass(value) and issubclass(value, cdk.Stack) and value.__module__ == page.stem
        ]
        new = [stack for stack in made if stack not in found.values()]
        assert len(new) == 1, f"each example of {page.name} must define one stack, one defines {len(new)}"
        found[name] = new[0]
    return found


def _construct(stack: cdk.Stack, name: str) -> object:
    title = title_of(ROOT / "docs" / "constructs" / f"{name.removesuffix(f' {OWN}')}.md")
    found = [value for value in vars(stack).values() if type(value).__name__ == title]
    assert len(found) == 1, f"the example of {name}.md must keep one {title} as an attribute of its stack"
    return found[0]


@cache
def public_constructs() -> dict[str, type]:
    """Every construct class of the library by name."""
    found: dict[str, type] = {}
    for package in PACKAGES:
        folder = Path(str(mlops_constructs.__path__[0])) / package
        for module in pkgutil.iter_modules([str(folder)]):
            if module.ispkg:
                continue
            loaded = importlib.import_module(f"mlops_constructs.{package}.{module.name}")
            for name, value in vars(loaded).items():
                if inspect.isclass(value) and issubclass(value, Construct) and value.__module__ == loaded.__name__:
                    found[name] = value
    return {name: value for name, value in found.items() if not name.startswith("_")}


def commands(page: Path) -> Iterator[list[str]]:
    """The AWS CLI calls of a page as words, continued lines joined."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            for call in re.findall(r"\baws ([a-z0-9-]+ [a-z0-9-]+(?:(?! \| |\$\(aws ).)*)", line):
                yield call.split()


@cache
def session() -> Session:
    return Session()


@cache
def options_of(service: str, command: str) -> frozenset[str]:
    """Options of an operation as the CLI spells them."""
    name = {"s3api": "s3", "configservice": "config"}.get(service, service)
    model = session().get_service_model(name)
    operations = {xform_name(operation).replace("_", "-"): operation for operation in model.operation_names}
    assert command in operations, f"aws {service} has no {command}"
    shape = model.operation_model(operations[command]).input_shape
    return frozenset(xform_name(member).replace("_", "-") for member in (shape.members if shape else ()))


@cache
def anchors(page: Path) -> frozenset[str]:
    """Fragments that headings of a page answer to, as code hosts make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_of_a_construct_names_exactly_what_the_construct_defines(page: Path) -> None:
    for title in SECTIONS:
        section(page, title)
    named = set(re.findall(r"`((?:AWS|Custom)::[A-Za-z0-9:]+)`", section(page, "Defines")))
    assert named == set(examples()[page.stem].own_types)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_attributes_of_a_page_exist(page: Path) -> None:
    named = re.findall(r"^- `([a-z_]+)(?:\(\))?`", section(page, "Attributes"), re.MULTILINE)
    assert named, f"{page.name} names no attribute"
    missing = [name for name in named if not hasattr(examples()[page.stem].construct, name)]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_events_of_a_page_are_events_of_the_platform(page: Path) -> None:
    known = {detail_type for _, detail_type in EVENTS}
    named = set(re.findall(r"`([A-Z][a-z]+(?: [A-Z][a-z]+)+)`", section(page, "Events")))
    assert named <= known


def test_the_main_constructs_show_how_to_bring_your_own_resources() -> None:
    shown = {name.removesuffix(f" {OWN}") for name in examples() if name.endswith(OWN)}
    main = {"lake", "ingestion", "training-pipeline", "real-time-serving", "model-monitor", "retraining-gate"}
    assert main <= shown


@pytest.mark.parametrize("page", [page for page in PAGES if has_second(page)], ids=lambda page: page.stem)
def test_what_you_bring_yourself_is_not_made(page: Path) -> None:
    example = examples()[f"{page.stem} {OWN}"]
    assert example.own_types, "the example makes nothing: the test looks at nothing"
    made = {resource["Type"] for resource in example.resources.values()}
    assert (
        made & {"AWS::IAM::Role", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::EC2::VPC", "AWS::EC2::SecurityGroup"}
        == set()
    )
    assertions.Template.from_json({"Resources": example.resources})  # refuses resources that wait for each other


def test_the_index_names_who_makes_keys_networks_and_buckets() -> None:
    rows = dict(re.findall(r"^\| (key|network|bucket[\w ]*) \| ([^|]*) \|", INDEX.read_text(), re.MULTILINE))
    found = {"AWS::KMS::Key": "key", "AWS::EC2::VPC": "network", "AWS::S3::Bucket": "bucket"}
    for kind, word in found.items():
        makers = {title_of(page) for page in PAGES if kind in examples()[page.stem].own_types}
        named = {name for row, text in rows.items() if row.startswith(word) for name in re.findall(r"`(\w+)`", text)}
        assert makers == named, f"the index says that {sorted(named)} make a {word}"


def test_every_role_can_be_one_that_exists(tmp_path: Path) -> None:
    wanted = {
        path: f"ours-{number}"
        for number, path in enumerate(
            resource["Metadata"]["aws:cdk:path"].removesuffix("/Resource")
            for example in examples().values()
            for resource in example.resources.values()
            if resource["Type"] == "AWS::IAM::Role"
        )
    }
    stacks = {path.split("/")[0] for path in wanted}
    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    iam.Role.customize_roles(app, use_precreated_roles=wanted)
    classes = {name: stack for page in PAGES for name, stack in _stacks(page).items() if stack.__name__ in stacks}
    for name, example in _synthesize(app, classes).items():
        made = {resource["Type"] for resource in example.resources.values()}
        assert not made & {"AWS::IAM::Role", "AWS::IAM::Policy"}, name
    report = (tmp_path / "iam-policy-report.txt").read_text()
    assert [role for role in wanted.values() if f"<{role}>" not in report] == []


def test_every_construct_has_a_page_or_is_named_as_a_part() -> None:
    index = INDEX.read_text()
    parts = set(re.findall(r"^\| `(\w+)` \|", index, re.MULTILINE))
    titles = {title_of(page) for page in PAGES}
    assert set(public_constructs()) - titles - parts == set(), "give it a page, or name it in the index as a part"
    assert parts <= set(public_constructs()), "the index names parts that are gone"


def test_index_lists_every_page() -> None:
    for folder in ("constructs", "runbooks", "compliance", "adr"):
        index = (ROOT / "docs" / folder / "README.md").read_text()
        pages = sorted(path.name for path in (ROOT / "docs" / folder).glob("*.md") if path.name != "README.md")
        assert pages, f"docs/{folder} has no page: the test looks at nothing"
        assert [page for page in pages if f"({page})" not in index] == []


def test_every_alarm_has_a_runbook(assembly: Assembly) -> None:
    index = (ROOT / "docs" / "runbooks" / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| \[[^\]]+\]\(([\w-]+\.md)\) \|", index, re.MULTILINE))
    alarms = {logical_id for _, _, logical_id, _ in assembly.resources("AWS::CloudWatch::Alarm")}
    assert alarms, "no template has an alarm: the test looks at nothing"
    without = sorted(name for name in alarms if re.sub(r"[0-9A-F]{8}$", "", name) not in rows)
    assert without == [], "write a runbook and name it in the table of docs/runbooks/README.md"
    assert set(rows) == {re.sub(r"[0-9A-F]{8}$", "", name) for name in alarms}, "the table names alarms that are gone"


@pytest.mark.parametrize(
    "page", [*RUNBOOKS, ROOT / "docs" / "local-aws.md", ROOT / "docs" / "workloads.md"], ids=lambda page: page.stem
)
def test_commands_exist_with_the_options_they_are_given(page: Path) -> None:
    for service, command, *words in commands(page):
        if (service, command) in CUSTOM_COMMANDS or command == "wait":
            continue
        given = {re.sub(r"^--(no-)?", "", word) for word in words if re.fullmatch(r"--[a-z0-9-]+", word)}
        assert given - GLOBAL_OPTIONS <= options_of(service, command), f"aws {service} {command}"


def test_the_command_check_would_find_a_wrong_option() -> None:
    assert "execution-arn" in options_of("stepfunctions", "describe-execution")
    assert "execution" not in options_of("stepfunctions", "describe-execution")


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_local_links_resolve(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{target} does not exist"
        if fragment and linked.suffix == ".md":
            assert fragment in anchors(linked), f"{target}: no such heading"


def test_parameters_in_the_runbooks_are_published(assembly: Assembly) -> None:
    parameters = ("AWS::SSM::Parameter", "Custom::LiveParameter")
    published = {
        resource["Properties"]["Name"].replace("/mlops/dev/", "/mlops/$ENV/").replace("/flight-delays/", "/$WORKLOAD/")
        for _, _, _, resource in assembly.resources(*parameters, environment="dev")
    }
    used = {name for page in RUNBOOKS for name in re.findall(r"/mlops/\$ENV/[\w$-]+/[a-z-]+", page.read_text())}
    assert used, "no runbook reads a parameter: the test looks at nothing"
    assert used <= published, json.dumps(sorted(used - published))


def test_the_evaluation_of_the_docs_is_one_that_the_challenge_reads() -> None:
    blocks = re.findall(r"^```json\n(.*?)^```", WORKLOADS.read_text(), re.DOTALL | re.MULTILINE)
    (document,) = (json.loads(block) for block in blocks if "_metrics" in block)
    read = Evaluation.read(document, "docs/workloads.md")
    assert read.metrics == {"auc": 0.6955, "log_loss": 0.4821}
    assert (read.rows, read.rows_seen) == (12836, 0)


def test_the_docs_say_how_each_script_is_started(assembly: Assembly) -> None:
    train = next(each for each in definitions(assembly, "local") if each.stack == "flight-delays-training")
    jobs = [state["Arguments"] for _, state, _ in states(train.body) if "ProcessingJob" in state.get("Resource", "")]
    started = [
        [*job["AppSpecification"]["ContainerEntrypoint"], *job["AppSpecification"].get("ContainerArguments", ())]
        for job in jobs
    ]
    own = {" ".join("N" if word.isdecimal() else word for word in words) for words in started}
    said = set(re.findall(r"`(python /opt/program/[^`]+)`", WORKLOADS.read_text()))
    assert said == own - {"python /opt/program/monitor.py baseline"}  # the platform's own image
    rows = re.findall(r"^\| `(\w+\.py)` \| the image with `(\w+)` \|", WORKLOADS.read_text(), re.MULTILINE)
    assert rows == [("train.py", "train"), ("serve.py", "serve")]


def test_every_reason_of_a_refusal_is_in_the_runbook() -> None:
    guard = "".join(path.read_text() for path in (ROOT / "lambda" / "schema_guard").glob("*.py"))
    ingest = (ROOT / "constructs" / "mlops_constructs" / "datalake" / "ingest.py").read_text()
    codes = set(re.findall(r'(?:Refusal\(|code=|"code": )"(\w+)"', guard))
    codes |= set(re.findall(r'"reason_code": "(\w+)"', ingest))
    codes |= set(re.findall(r"'(\w+)'", "".join(re.findall(r'"reason_code": "{%(.*?)%}"', ingest))))
    text = "".join((ROOT / "docs" / "runbooks" / name).read_text() for name in ("quarantine.md", "ingest-failed.md"))
    assert len(codes) > 8, "the reasons are written in another way now: look for them there"
    assert [code for code in sorted(codes) if f"`{code}`" not in text] == []
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "runbooks" / "quarantine.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(set(rows)), "one reason, one advice"
