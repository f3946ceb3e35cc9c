"""The gate: nothing passes in silence, and waivers count only for what they name."""

import datetime as dt
import json
from collections.abc import Iterator

import pytest

from mlops_constructs.compliance.estate import Estate, TemplateError
from mlops_constructs.compliance.finding import Finding, Status
from mlops_constructs.compliance.pytest_helper import assert_compliant
from mlops_constructs.compliance.rule import Judgement, Severity
from mlops_constructs.compliance.run import evaluate, failing
from mlops_constructs.compliance.waivers import AppliedWaiver, Unreadable
from tests.compliance.pack.samples import TAGGED, VERSIONED, broken, bucket, estate, rule, versioned, waiver

TODAY = dt.date(2027, 1, 1)
NAME = "MLOps::RET-1.versioned"


def the(findings: list[Finding], rule_id: str) -> Finding:
    (found,) = [finding for finding in findings if finding.rule == rule_id]
    return found


def test_passes_and_failures_are_both_findings() -> None:
    findings = evaluate(estate(Good=bucket("Enabled"), Lake=bucket()), [], TODAY, [VERSIONED])
    assert [(each.path, each.status) for each in findings] == [
        ("stack/Good", Status.PASS),
        ("stack/Lake", Status.FAIL),
    ]
    (failed,) = failing(findings)
    assert (failed.rule, failed.resource, failed.finding) == ("RET-1.versioned", "Lake", NAME)
    assert (failed.severity, failed.message, failed.remedy) == (Severity.LOW, "versioning is None", "mend it")
    assert (failed.type, failed.stack, failed.line) == ("AWS::S3::Bucket", "stack", 1)


def test_a_detail_is_part_of_the_finding() -> None:
    findings = evaluate(estate(Lake=bucket(None, "owner")), [], TODAY, [TAGGED])
    assert {each.finding: each.status for each in findings} == {
        "MLOps::OPS-2.tagged[owner]": Status.PASS,
        "MLOps::OPS-2.tagged[cost]": Status.FAIL,
    }


def test_of_two_judgements_under_one_id_the_failed_one_decides() -> None:
    def twice(subject: Estate) -> Iterator[Judgement]:
        (lake,) = subject.of("AWS::S3::Bucket")
        yield from (Judgement(lake, False), Judgement(lake, True))

    (finding,) = evaluate(estate(Lake=bucket()), [], TODAY, [rule(twice, "RET-1.twice")])
    assert finding.status is Status.FAIL


def test_a_rule_that_raises_fails_the_gate() -> None:
    (finding,) = evaluate(estate(Lake=bucket()), [], TODAY, [rule(broken, "IAM-1.broken")])
    assert finding.status is Status.ERROR
    assert finding.fails
    assert "KeyError: 'Statement'" in finding.message


def test_a_rule_that_raises_cannot_be_waived() -> None:
    accepted = waiver("MLOps::IAM-1.broken", "sample")
    findings = evaluate(estate(Lake=bucket()), [accepted], TODAY, [rule(broken, "IAM-1.broken")])
    assert the(findings, "IAM-1.broken").status is Status.ERROR


def test_a_rule_with_nothing_to_judge_says_so() -> None:
    (finding,) = evaluate(estate(Topic={"Type": "AWS::SNS::Topic"}), [], TODAY, [VERSIONED])
    assert (finding.status, finding.resource, finding.path) == (Status.NOT_EVALUATED, "", "sample")
    assert not finding.fails


def test_a_waiver_covers_the_exact_finding_until_its_day() -> None:
    for day, status in ((dt.date(2027, 6, 30), Status.WAIVED), (dt.date(2027, 7, 1), Status.WAIVER_EXPIRED)):
        (finding,) = evaluate(estate(Lake=bucket()), [waiver(NAME)], day, [VERSIONED])
        assert finding.status is status
        assert finding.waiver is not None and finding.waiver.owner == "data-platform"
        assert finding.fails == (status is Status.WAIVER_EXPIRED)


@pytest.mark.parametrize(
    ("applied", "problem"),
    [
        (waiver("MLOps::RET-1.versioned", "stack/Other"), "stale"),
        (waiver("MLOps::RET-1.versioned[detail]"), "stale"),
        (waiver("MLOps::RET-1.version"), "stale"),
        (waiver("MLOps::RET-1.versioned", "stack/La"), "stale"),
        (waiver("MLOps::OPS-2.tagged"), "over-broad"),
        (waiver("MLOps::OPS-2.tagged[*]"), "over-broad"),
        (waiver("MLOps::OPS-2.*[cost]"), "over-broad"),
        (waiver("MLOps::OPS-2.tagged[cost]", "stack/*"), "over-broad"),
        (waiver("MLOps::OPS-2.tagged[cost]", "stack"), "over-broad"),
        (Unreadable(path="stack/Lake", finding="MLOps::OPS-2.tagged[cost]", problem="no owner"), "unreadable"),
    ],
)
def test_a_waiver_that_is_no_good_fails_and_waives_nothing(applied: AppliedWaiver, problem: str) -> None:
    subject = estate(Lake=bucket("Enabled"), Topic={"Type": "AWS::SNS::Topic"})
    findings = failing(evaluate(subject, [applied], TODAY, [VERSIONED, TAGGED]))
    assert f"WAIVER-1.{problem}" in {each.rule for each in findings}
    if applied.path != "stack":  # one for the whole stack names a finding, but far too many resources
        assert {each.finding for each in findings if each.rule == "OPS-2.tagged"} == {
            "MLOps::OPS-2.tagged[owner]",
            "MLOps::OPS-2.tagged[cost]",
        }


def test_waivers_of_other_packs_are_none_of_our_business() -> None:
    applied = waiver("AwsSolutions::AwsSolutions-S1")
    assert not failing(evaluate(estate(Lake=bucket("Enabled")), [applied], TODAY, [VERSIONED]))


def test_a_serious_finding_needs_a_compensating_control_where_it_matters() -> None:
    serious = rule(versioned, "RET-1.versioned", Severity.CRITICAL)
    for stage, control, wanted in (
        ("prod", "", {"WAIVER-1.no-compensation"}),
        (None, "", {"WAIVER-1.no-compensation"}),
        ("prod", "nightly copy in another account", set()),
        ("dev", "", set()),
    ):
        applied = waiver(NAME, control=control)
        found = failing(evaluate(estate(stage, Lake=bucket()), [applied], TODAY, [serious]))
        assert {each.rule for each in found} == wanted, (stage, control)


def test_some_findings_cannot_be_waived_in_prod() -> None:
    strict = rule(versioned, "RET-1.versioned", Severity.LOW, waivable_in_prod=False)
    for stage, status in (("dev", Status.WAIVED), ("prod", Status.FAIL), (None, Status.FAIL)):
        (finding,) = evaluate(estate(stage, Lake=bucket()), [waiver(NAME)], TODAY, [strict])
        assert finding.status is status, stage


def test_findings_are_in_stable_order_and_speak_json() -> None:
    subject = estate(B=bucket(), A=bucket(), Lake=bucket())
    first = evaluate(subject, [waiver(NAME)], TODAY, [VERSIONED, TAGGED])
    again = evaluate(subject, [waiver(NAME)], TODAY, [TAGGED, VERSIONED])
    assert first == again
    written = json.loads(json.dumps([finding.as_dict() for finding in first]))
    wanted = {"rule", "resource", "path", "finding", "status", "severity", "message", "remedy"}
    assert all(wanted <= set(each) for each in written)
    assert [each["waiver"]["owner"] for each in written if each["status"] == "WAIVED"] == ["data-platform"]


def test_an_id_of_a_rule_begins_with_its_control() -> None:
    with pytest.raises(ValueError, match=r"ENC-1\.customer-key"):
        rule(versioned, "versioned")
    assert rule(versioned, "RET-1.versioned", also=("RET-2",)).controls == ("RET-1", "RET-2")


def test_the_assertion_lists_findings_with_remedies() -> None:
    subject = estate(Lake=bucket())
    with pytest.raises(AssertionError, match=r"stack/Lake: MLOps::RET-1.versioned: versioning is None \(mend it\)"):
        assert_compliant(subject, rules=[VERSIONED])
    assert_compliant(subject, rules=[VERSIONED], waivers=[waiver(NAME)], today=TODAY)
    assert_compliant({"Resources": {"Lake": bucket("Enabled")}}, rules=[VERSIONED], stage="dev")


def test_judging_nothing_is_no_pass() -> None:
    with pytest.raises(TemplateError, match="nothing was judged: 0 rules"):
        evaluate(estate(Lake=bucket()), [], TODAY, [])
    with pytest.raises(TemplateError, match="1 rules, 0 resources"):
        evaluate(estate(), [], TODAY, [VERSIONED])
