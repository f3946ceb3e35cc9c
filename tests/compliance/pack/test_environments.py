"""Every environment passes the gate with its waivers, with each optional section on and off."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from mlops_constructs.compliance.estate import Estate, load
from mlops_constructs.compliance.finding import Status
from mlops_constructs.compliance.pytest_helper import assert_compliant
from mlops_constructs.compliance.rules import ALL
from mlops_constructs.compliance.run import evaluate, failing, waivers_of
from tests.assembly import Assembly
from tests.compliance.pack.variants import STAGES, Choice, choices

ENVIRONMENTS = ("local", "dev", "staging", "prod")


@pytest.fixture(scope="session")
def estates(assembly: Assembly) -> dict[str, Estate]:
    return {estate.name: estate for estate in load(assembly.folder)}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_passes_the_gate(estates: dict[str, Estate], name: str) -> None:
    assert_compliant(estates[name])


def test_there_is_no_environment_that_is_not_judged(estates: dict[str, Estate]) -> None:
    assert set(estates) == set(ENVIRONMENTS)


@pytest.mark.parametrize("name", STAGES)
def test_a_variant_passes_the_gate(varied: dict[str, Estate], name: str) -> None:
    assert_compliant(varied[name])


def test_ids_of_rules_are_unique() -> None:
    ids = [rule.id for rule in ALL]
    assert sorted(ids) == sorted(set(ids))


def test_every_rule_says_why_and_what_to_do() -> None:
    silent = [rule.id for rule in ALL if len(rule.title) < 10 or len(rule.rationale) < 20 or len(rule.remedy) < 10]
    assert not silent


def test_prod_is_judged_by_most_rules(estates: dict[str, Estate]) -> None:
    findings = evaluate(estates["prod"], waivers_of(estates["prod"]), dt.date.min)
    idle = {finding.rule for finding in findings if finding.status is Status.NOT_EVALUATED}
    assert len(idle) < len(ALL) / 2, f"rules that judge nothing of ours: {sorted(idle)}"


def test_every_optional_section_is_on_and_off(root: Path, variants: dict[str, Choice]) -> None:
    for path in choices(root):
        assert {choice[path] for choice in variants.values()} == {True, False}, path


@pytest.mark.parametrize(
    ("kinds", "rule"),
    [
        (("AWS::SNS::Subscription",), "OPS-1.alarm-heard"),
        (("AWS::Budgets::Budget",), "OPS-3.budget"),
    ],
)
def test_a_guarded_stage_cannot_do_without(estates: dict[str, Estate], kinds: tuple[str, ...], rule: str) -> None:
    prod = estates["prod"]
    kept = [
        replace(
            template,
            body={
                **template.body,
                "Resources": {name: each for name, each in template.resources.items() if each["Type"] not in kinds},
            },
        )
        for template in prod.templates
    ]
    found = failing(evaluate(Estate("prod", kept), waivers_of(prod), dt.date.min))
    assert rule in {finding.rule for finding in found}


def test_both_kinds_of_federation_are_among_the_variants(varied: dict[str, Estate]) -> None:
    roles = [role for estate in varied.values() for role in estate.of("AWS::IAM::Role")]
    trusts = " ".join(str(role.get("AssumeRolePolicyDocument")) for role in roles)
    assert "saml-provider/people" in trusts
    assert "oidc-provider/login" in trusts


def test_variants_have_what_they_choose(varied: dict[str, Estate], variants: dict[str, Choice]) -> None:
    kinds = {
        "audit.trail": "AWS::CloudTrail::Trail",
        "audit.config": "AWS::Config::ConfigurationRecorder",
        "audit.guardduty": "AWS::GuardDuty::Detector",
        "audit.inspector": "Custom::InspectorScans",
        "budget": "AWS::Budgets::Budget",
        "organisation": "AWS::Organizations::Policy",
        "workload.serving": "Custom::EndpointTeardown",
    }
    for name, choice in variants.items():
        for path, kind in kinds.items():
            assert any(varied[name].of(kind)) == choice[path], f"{name}: {path} is {choice[path]}, {kind}"


def test_a_workload_with_retraining_alone_has_its_gate(varied: dict[str, Estate], variants: dict[str, Choice]) -> None:
    alone = variants["retraining-alone"]
    assert [path for path, on in alone.items() if on] == ["workload.retraining"]
    functions = [function.path for function in varied["retraining-alone"].of("AWS::Lambda::Function")]
    assert [path for path in functions if "RetrainingGate" in path or "/Gate/" in path], functions
