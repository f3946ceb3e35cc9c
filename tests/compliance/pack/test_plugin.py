"""The gate inside the CDK: a finding stops synthesis, a waiver beside the resource lets it pass."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from mlops_constructs.compliance.estate import Estate, load
from mlops_constructs.compliance.finding import Status
from mlops_constructs.compliance.plugin import MlopsChecks
from mlops_constructs.compliance.rule import Judgement, Rule, Severity
from mlops_constructs.compliance.run import evaluate, qualified, waivers_of
from mlops_constructs.compliance.waivers import Waiver
from mlops_constructs.governance import waive
from tests.compliance.pack.samples import TAGGED, VERSIONED, broken, rule, versioned

STRICT = rule(versioned, "RET-1.strict", Severity.LOW, waivable_in_prod=False)


def accept(finding: str) -> Waiver:
    reason = "The bucket holds what can be made again at any time."
    return Waiver(finding=finding, reason=reason, owner="data-platform", review="2020-01-31")


def synthesize(folder: Path, rules: Iterable[Rule], *waived: str, stages: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the report of our pack over an app with one bucket per stage (or one in the app itself)."""
    context = {"@aws-cdk/core:failSynthOnValidationErrors": False}
    app = cdk.App(outdir=str(folder), context=context, analytics_reporting=False)
    for scope in [cdk.Stage(app, name) for name in stages] or [app]:
        bucket = s3.Bucket(cdk.Stack(scope, "data"), "Lake")
        waive(bucket, *map(accept, waived))
    cdk.Validations.of(app).add_plugins(MlopsChecks(rules=rules))
    app.synth()
    reports = json.loads((folder / "validation-report.json").read_text())["pluginReports"]
    (report,) = [each for each in reports if each["pluginName"] == "MLOps"]
    return dict(report)


def names(report: dict[str, Any], kind: str) -> set[tuple[str, str]]:
    return {
        (violation["ruleName"], construct["constructPath"])
        for violation in report.get(kind, [])
        for construct in violation["violatingConstructs"]
    }


def test_a_finding_is_reported_at_its_construct(tmp_path: Path) -> None:
    report = synthesize(tmp_path, [VERSIONED, TAGGED])
    assert report["conclusion"] == "failure"
    assert names(report, "violations") == {
        ("RET-1.versioned", "data/Lake/Resource"),
        ("OPS-2.tagged[owner]", "data/Lake/Resource"),
        ("OPS-2.tagged[cost]", "data/Lake/Resource"),
    }


def test_a_waiver_beside_the_resource_counts_and_stays_visible(tmp_path: Path) -> None:
    report = synthesize(tmp_path, [VERSIONED], "MLOps::RET-1.versioned")
    assert report["conclusion"] == "success"
    assert names(report, "violations") == set()
    assert names(report, "suppressedViolations") == {("RET-1.versioned", "data/Lake/Resource")}


def test_waivers_are_judged_too(tmp_path: Path) -> None:
    report = synthesize(tmp_path, [VERSIONED, STRICT], "MLOps::RET-1.strict", "MLOps::RET-1.absent")
    assert names(report, "violations") == {
        ("RET-1.versioned", "data/Lake/Resource"),
        ("NotWaivable.RET-1.strict", "data/Lake/Resource"),
        ("WAIVER-1.stale[MLOps::RET-1.absent]", "data/Lake"),
    }


def test_a_rule_that_raises_stops_synthesis(tmp_path: Path) -> None:
    report = synthesize(tmp_path, [rule(broken, "IAM-1.broken")])
    assert report["conclusion"] == "failure"
    assert {name for name, _ in names(report, "violations")} == {"IAM-1.broken"}


def test_every_stage_is_judged_as_an_environment_of_its_own(tmp_path: Path) -> None:
    report = synthesize(tmp_path, [STRICT], "MLOps::RET-1.strict", stages=("dev", "prod"))
    assert names(report, "violations") == {("NotWaivable.RET-1.strict", "prod/data/Lake/Resource")}
    assert names(report, "suppressedViolations") == {("RET-1.strict", "dev/data/Lake/Resource")}


def test_a_finding_nobody_waived_stops_the_app(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    s3.Bucket(cdk.Stack(app, "data"), "Lake")
    cdk.Validations.of(app).add_plugins(MlopsChecks(rules=[VERSIONED]))
    with pytest.raises(RuntimeError, match="Validation"):
        app.synth()


def test_the_pack_names_its_rules() -> None:
    checks = MlopsChecks(rules=[VERSIONED, TAGGED])
    assert (checks.name, checks.rule_ids) == ("MLOps", ["RET-1.versioned", "OPS-2.tagged"])


DETAILS = (
    "two words",
    "Resource::arn:aws:s3:::lake/*",
    "${Parameter}",
    "list[0] and {1}",
    'a,b; c\'s "quote" <x> & é | \\ #?=+@~%^',
    "s3:Get*-on-*",
    "  spaces  ",
)


def awkward(estate: Estate) -> Iterator[Judgement]:
    """Find something with every kind of character in its name."""
    for bucket in estate.of("AWS::S3::Bucket"):
        yield from (Judgement(bucket, False, detail=detail, message="so it is") for detail in DETAILS)


def test_the_cdk_and_the_gate_agree_on_the_name_of_every_finding(tmp_path: Path) -> None:
    named = rule(awkward, "RET-1.awkward", Severity.LOW)
    report = synthesize(tmp_path, [named], *(qualified("RET-1.awkward", detail) for detail in DETAILS))
    assert names(report, "violations") == set()
    assert len(names(report, "suppressedViolations")) == len(DETAILS)
    (estate,) = load(tmp_path)
    findings = evaluate(estate, waivers_of(estate), dt.date.min, [named])
    assert {finding.status for finding in findings} == {Status.WAIVED}
