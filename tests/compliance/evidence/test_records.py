"""Records of other runs on the page: permissions used, mutation score."""

import json
from pathlib import Path

import pytest

from mlops_constructs.compliance.estate import Estate, TemplateError, from_templates
from mlops_constructs.compliance.evidence.html import page
from mlops_constructs.compliance.evidence.records import mutation_row, usage_rows
from mlops_constructs.compliance.evidence.review import Review
from mlops_constructs.compliance.usage.unused import Reason


def role(path: str, *actions: str) -> dict[str, object]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {
        "Type": "AWS::IAM::Role",
        "Metadata": {"aws:cdk:path": f"{path}/Resource"},
        "Properties": {
            "AssumeRolePolicyDocument": {"Statement": []},
            "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}],
        },
    }


@pytest.fixture
def estate() -> Estate:
    resources = {"A": role("prod/a/Role", "s3:GetObject", "s3:PutObject"), "B": role("prod/b/Role", "sqs:SendMessage")}
    return from_templates({"one": {"Resources": resources}}, name="prod")


@pytest.mark.parametrize("environment", ["prod", "local"])
def test_a_run_on_another_environment_speaks_for_the_same_role_here(estate: Estate, environment: str) -> None:
    used = {"local/a/Role": frozenset({"s3:getobject"})}
    reasons = [
        Reason(role=f"{environment}/a/.*", action="s3:put.*", reason="The quarantine path, not taken in the run.")
    ]
    rows = usage_rows(estate, used, reasons)
    assert rows["not_recorded"] == ["prod/b/Role"]
    [row] = rows["roles"]
    assert (row["role"], row["used"]) == ("prod/a/Role", ["s3:getobject"])
    assert row["unused"] == [{"action": "s3:PutObject", "resources": ["*"], "reason": reasons[0].reason}]


def test_figures_of_a_mutation_run_without_the_mutants(tmp_path: Path) -> None:
    file = tmp_path / "mutation.json"
    score = {"visible": {"whole gate": 0.99}, "held_out": {"whole gate": 0.97}}
    written = {"environment": "prod", "seed": 7, "checkers": ["whole gate"], "score": score, "mutants": [{}, {}, {}]}
    file.write_text(json.dumps(written))
    assert mutation_row(file) == {**written, "mutants": 3}
    assert mutation_row(None) is None
    file.write_text("[]")
    with pytest.raises(TemplateError, match="no figures of a mutation run"):
        mutation_row(file)


def test_both_are_on_the_page(foreign: Review, estate: Estate) -> None:
    score = {"held_out": {"whole gate": 0.974}}
    mutation = {"environment": "prod", "seed": 7, "checkers": ["whole gate"], "score": score, "mutants": 312}
    usage = usage_rows(estate, {"local/a/Role": frozenset({"s3:getobject"})}, [])
    shown = page({**foreign.document, "usage": usage, "mutation": mutation})
    assert "97.4 %" in shown
    assert "312 faults" in shown
    assert "no reason given" in shown
    assert "97.4 %" not in page(foreign.document)
