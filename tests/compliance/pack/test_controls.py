"""The catalogue: whole, consistent with the rules, and the pages that speak of it say nothing that is not there."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from mlops_constructs.compliance.controls import CHECKERS, CONTROLS, FRAMEWORKS, control_of, controls_of, requirements
from mlops_constructs.compliance.controls_page import main, page
from mlops_constructs.compliance.rules import ALL

DOCS = Path(__file__).parents[3] / "docs" / "compliance"
SHAPES = {
    "nist-800-53-r5": r"[A-Z]{2}-\d{1,2}(\(\d{1,2}\))?",
    "pci-dss-4.0.1": r"\d{1,2}\.\d{1,2}\.\d{1,2}(\.\d{1,2})?",
    "hipaa": r"164\.3(08|10|12|16)\([a-e]\)(\(\d\))?(\([ivx]+\))?(\([A-D]\))?",
    "iso-27001-2022": r"A\.[5-8]\.\d{1,2}",
    "soc2": r"(CC\d\.\d|A1\.\d|C1\.\d|PI1\.\d)",
    "aws-security-hub": r"[A-Z]\w+\.\d{1,3}",
    "aws-ml-lens": r"ML(OPS|SEC|REL)0\d-BP0\d",
    "eu-ai-act": r"Art\.(9|1[0-5])\(\d\)",
}
PROMISED = [
    "IAM-1",
    "IAM-2",
    "IAM-3",
    "IAM-4",
    "IAM-5",
    "IAM-6",
    "PUB-1",
    "PUB-2",
    "PUB-3",
    "ENC-1",
    "ENC-2",
    "ENC-3",
    "ENC-4",
    "LOG-1",
    "LOG-2",
    "LOG-3",
    "RET-1",
    "RET-2",
    "NET-1",
    "NET-2",
    "ML-1",
    "ML-2",
    "ML-3",
    "ML-4",
    "ML-5",
    "ML-6",
    "ML-7",
    "ML-8",
    "ML-9",
    "ML-10",
    "ML-11",
    "ML-12",
    "ML-13",
    "OPS-1",
    "OPS-2",
    "OPS-3",
    "OPS-4",
    "AUD-1",
    "AUD-2",
]


def test_the_catalogue_holds_every_control_and_each_has_a_rule() -> None:
    assert list(CONTROLS) == PROMISED
    assert set(CONTROLS) == {control for rule in ALL for control in rule.controls}
    assert all(control.title and control.intent.endswith(".") for control in CONTROLS.values())


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_requirement_ids_have_the_form_of_their_framework(framework: str) -> None:
    ids = requirements(framework)
    assert ids
    assert not [each for each in ids if not re.fullmatch(SHAPES[framework], each)]


def test_only_what_nobody_maps_is_our_reading() -> None:
    assert {key for key, each in FRAMEWORKS.items() if not each.official} == {"aws-ml-lens", "eu-ai-act"}
    assert all(set(control.frameworks) <= set(FRAMEWORKS) for control in CONTROLS.values())
    assert all(len(control.frameworks) >= 3 for control in CONTROLS.values())


def test_the_layers_name_the_control_they_keep() -> None:
    for control in CONTROLS.values():
        assert all(name.startswith(f"{control.id}-") for name in control.detect)
        assert all(re.match(rf"{control.id.replace('-', '')}[A-Z]", sid) for sid in control.prevent)
    assert CONTROLS["ML-1"].detect
    assert CONTROLS["ML-1"].prevent


def test_a_rule_belongs_to_the_control_its_id_begins_with() -> None:
    assert control_of("ENC-1.customer-key") == "ENC-1"
    assert {control_of(rule.id) for rule in ALL} <= set(CONTROLS)


@pytest.mark.parametrize(
    ("tool", "rule", "controls"),
    [
        ("cdk-nag", "AwsSolutions-S10", ("ENC-3",)),
        ("cdk-nag", "AwsSolutions::AwsSolutions-IAM5[Action::s3:GetObject*]", ("IAM-1",)),
        ("cdk-nag", "AwsSolutions-SM1", ("ML-2", "ML-5")),
        ("cdk-nag", "NIST.800.53.R5::NIST.800.53.R5-LambdaDLQ", ("OPS-1",)),
        ("cdk-nag", "HIPAA.Security-LambdaInsideVPC", ("NET-1",)),
        ("checkov", "CKV_AWS_370", ("ML-1",)),
        ("checkov", "CKV_AWS_999999", ()),
    ],
)
def test_foreign_rules_are_known_by_our_controls(tool: str, rule: str, controls: tuple[str, ...]) -> None:
    assert controls_of(tool, rule) == controls


def test_foreign_maps_name_only_our_controls_and_strangers_are_refused() -> None:

    mapped = json.loads((files("mlops_constructs.compliance") / "data" / "foreign_rules.json").read_text())
    assert all(set(mapped[tool]) <= set(CONTROLS) for tool in CHECKERS)
    with pytest.raises(ValueError, match="cfn-lint"):
        controls_of("cfn-lint", "E3002")


def test_the_page_of_the_catalogue_is_current(tmp_path: Path) -> None:
    assert (DOCS / "controls.md").read_text(encoding="utf-8") == page(), "run make schema"
    assert main([str(tmp_path / "page.md")]) == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page()
    assert main([]) == 2


def test_each_control_is_on_the_page_under_the_link_that_leads_there() -> None:
    lines = page().splitlines()
    anchors = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in lines if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", page())) <= anchors


@pytest.mark.parametrize("name", ["threat-model.md", "shared-responsibility.md"])
def test_a_page_names_only_controls_and_rules_that_exist(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    named = re.findall(r"\b((?:IAM|PUB|ENC|LOG|RET|NET|ML|OPS|AUD)-\d{1,2})(\.[a-z][a-z0-9-]+)?", text)
    assert len(named) > 20
    known = {*CONTROLS, *(rule.id for rule in ALL)}
    assert not {control + rule for control, rule in named} - known
    for link in re.findall(r"\]\(((?!https?:)[^)#]+)", text):
        assert (DOCS / link).exists(), link


def test_the_threat_model_goes_through_stride_at_every_boundary() -> None:
    text = (DOCS / "threat-model.md").read_text(encoding="utf-8")
    boundaries = re.split(r"^## (?=\d)", text, flags=re.MULTILINE)[1:]
    assert len(boundaries) == 9
    for boundary in boundaries:
        assert set("STRIDE") <= set(re.findall(r"^\| ([A-Z]) \|", boundary, flags=re.MULTILINE)), boundary[:40]
