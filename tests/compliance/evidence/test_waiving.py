"""Waivers over the ledgers: what they cover, what an expired one does to the verdict, which are for nothing."""

import datetime as dt
from pathlib import Path

import pytest

from mlops_constructs.compliance.estate import from_templates
from mlops_constructs.compliance.evidence.accepted import Accepted, AcceptedError, read_accepted
from mlops_constructs.compliance.evidence.document import build, verdict
from mlops_constructs.compliance.evidence.ledger import Check, Ledger
from mlops_constructs.compliance.evidence.ledger.own import own_ledger
from mlops_constructs.compliance.evidence.review import distinct
from mlops_constructs.compliance.evidence.statuses import WORST_FIRST, counted, worst
from mlops_constructs.compliance.evidence.waiving import lay
from mlops_constructs.compliance.rule import Phase, Rule, Severity
from mlops_constructs.compliance.waivers import AppliedWaiver, Waiver

DAY = dt.date(2026, 11, 24)


def check(**changes: object) -> Check:
    values = {
        "tool": "cdk-nag AwsSolutions",
        "rule": "AwsSolutions-S1",
        "finding": "AwsSolutions::AwsSolutions-S1",
        "status": "FAIL",
        "severity": "MEDIUM",
        "message": "no access log",
        "stack": "lake",
        "template": "lake.template.json",
        "line": 3,
        "logical_id": "Logs",
        "resource_type": "AWS::S3::Bucket",
        "path": "prod/lake/Logs",
        **changes,
    }
    return Check(**values)  # type: ignore[arg-type]


def ledger(*checks: Check, **changes: object) -> Ledger:
    return Ledger(**{"tool": "cdk-nag AwsSolutions", "version": "3", "checks": checks, **changes})  # type: ignore[arg-type]


def waiver(
    finding: str = "AwsSolutions::AwsSolutions-S1", path: str = "prod/lake/Logs", **changes: str
) -> AppliedWaiver:
    values = {
        "reason": "The log bucket cannot log to itself.",
        "owner": "risk",
        "review": "2027-06-30",
        **changes,
    }
    return AppliedWaiver(path=path, waiver=Waiver(finding=finding, **values))


def accepted(**changes: object) -> Accepted:
    values = {
        "finding": "checkov::CKV_AWS_18",
        "paths": ("*/lake/Logs",),
        "reason": "The log bucket cannot log to itself.",
        "owner": "risk",
        "review": "2027-06-30",
        **changes,
    }
    return Accepted(**values)  # type: ignore[arg-type]


def test_a_waived_finding_passes_and_says_by_whom() -> None:
    ledgers, rows = lay([ledger(check())], [waiver()], [], DAY)
    assert ledgers[0].checks[0].status == "WAIVED"
    assert rows[ledgers[0].checks[0].waiver or 0]["owner"] == "risk"
    assert (rows[0]["state"], rows[0]["covers"], rows[0]["days_left"]) == ("ACTIVE", 1, 218)
    assert verdict(ledgers, rows)["status"] == "PASSED"


def test_the_day_after_its_review_a_waiver_fails_the_verdict() -> None:
    for day, state in ((dt.date(2027, 6, 30), "PASSED"), (dt.date(2027, 7, 1), "FAILED")):
        ledgers, rows = lay([ledger(check())], [waiver()], [], day)
        assert verdict(ledgers, rows)["status"] == state
    assert ledgers[0].checks[0].status == "WAIVER_EXPIRED"
    assert any("past its review date" in reason for reason in verdict(ledgers, rows)["reasons"])


def test_a_renewed_waiver_counts_beside_the_old_one() -> None:
    late = waiver(review="2026-01-31")
    ledgers, _ = lay([ledger(check())], [late, waiver()], [], DAY)
    assert ledgers[0].checks[0].status == "WAIVED"


def test_waivers_of_one_finding_at_one_place_keep_their_order() -> None:
    """One permission is often waived for several reasons; a set has another order in every process."""
    several = [waiver(reason=f"Reason number {number} of the same waiver.") for number in range(6)]
    assert [distinct([*several[turn:], *several[:turn]]) for turn in range(6)] == [several] * 6
    assert distinct([*several, several[0]]) == several


@pytest.mark.parametrize(
    "other", [{"path": "prod/lake/LogsOfOthers"}, {"finding": "AwsSolutions::AwsSolutions-S1[x]"}, {"status": "PASS"}]
)
def test_a_waiver_covers_its_finding_at_its_place_and_is_stale_otherwise(other: dict[str, object]) -> None:
    ledgers, rows = lay([ledger(check(**other))], [waiver()], [], DAY)
    assert ledgers[0].checks[0].status == other.get("status", "FAIL")
    assert rows[0]["state"] == "STALE"
    assert "waivers: 1 covering nothing" in verdict(ledgers, rows)["reasons"]


def test_one_decision_over_several_stacks_is_not_stale_in_one_of_them() -> None:
    _, rows = lay([ledger(check())], [waiver(), waiver(path="prod/training")], [], DAY)
    assert [row["state"] for row in rows] == ["ACTIVE", "ACTIVE"]


def test_a_rule_that_threw_can_be_waived_but_never_passes_by_itself() -> None:
    broken = ledger(check(status="ERROR"))
    assert "1 rules that could not judge" in verdict([broken], [])["reasons"][0]
    ledgers, rows = lay([broken], [waiver()], [], DAY)
    assert verdict(ledgers, rows)["status"] == "PASSED"


def test_the_retired_pack_takes_the_waivers_of_its_twin() -> None:
    twin = check(
        tool="cdk-nag PCI.DSS.321", finding="PCI.DSS.321::PCI.DSS.321-X", twin=("HIPAA.Security::HIPAA.Security-X",)
    )
    ledgers, _ = lay([ledger(twin)], [waiver("HIPAA.Security::HIPAA.Security-X")], [], DAY)
    assert ledgers[0].checks[0].status == "WAIVED"


def test_our_own_gate_decides_alone_about_our_findings() -> None:
    ours = check(tool="mlops", finding="MLOps::ENC-1.customer-key", status="FAIL")
    ledgers, _ = lay([ledger(ours, tool="mlops")], [waiver("MLOps::ENC-1.customer-key")], [], DAY)
    assert ledgers[0].checks[0].status == "FAIL", "one that nobody may waive in prod stays open"


def test_accepted_findings_of_a_checker_that_did_not_run_are_not_stale() -> None:
    found = check(tool="checkov", rule="CKV_AWS_18", finding="checkov::CKV_AWS_18")
    absent = ledger(tool="checkov", ran=False)
    _, rows = lay([absent], [], [accepted()], DAY)
    assert rows[0]["state"] == "NOT_JUDGED"
    assert verdict([absent], rows)["status"] == "PASSED"
    ledgers, rows = lay([ledger(found, tool="checkov")], [], [accepted()], DAY)
    assert (ledgers[0].checks[0].status, rows[0]["state"]) == ("WAIVED", "ACTIVE")
    _, rows = lay([ledger(tool="checkov")], [], [accepted()], DAY)
    assert rows[0]["state"] == "UNUSED", "one file serves every environment"


def test_a_tool_that_does_not_decide_does_not_fail_the_review() -> None:
    assert verdict([ledger(check(), decides=False)], [])["status"] == "PASSED"


def test_the_worst_status_counts_and_nothing_judged_is_no_pass() -> None:
    assert worst([]) == "NOT_EVALUATED"
    for index, status in enumerate(WORST_FIRST):
        assert worst(WORST_FIRST[index:]) == status
    assert counted(["COMPLIANT", "ERROR", "COMPLIANT"]) == {"ERROR": 1, "COMPLIANT": 2}


def test_no_rule_judging_anything_is_no_pass() -> None:
    rule = Rule(
        id="ENC-1.silent",
        title="Judges nothing",
        rationale="",
        remedy="",
        severity=Severity.LOW,
        phase=Phase.INITIAL,
        check=lambda estate: iter(()),
    )
    estate = from_templates({"one": {"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}})
    silent = own_ledger(estate, [], DAY, rules=[rule])
    document = build(estate, [], [silent], [], ours={}, date=DAY)
    assert document["verdict"] == {
        "status": "FAILED",
        "reasons": ["mlops: no rule found anything to judge"],
        "counts": {},
        "left_out": [],
    }


ENTRY = """
- finding: checkov::CKV_AWS_18
  paths: ["*/lake/Logs"]
  reason: The log bucket cannot log to itself.
  owner: risk
  review: "2027-06-30"
"""


def test_accepted_findings_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ENTRY)
    assert read_accepted(tmp_path / "a.yaml") == [accepted()]
    assert read_accepted(None) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("  owner: risk\n", "", "owner"),
        ("owner: risk", "onwer: risk", "onwer"),
        ('["*/lake/Logs"]', '["*"]', "paths must name constructs"),
        ('["*/lake/Logs"]', "[]", "paths must name constructs"),
        ("The log bucket cannot log to itself.", "because", "a sentence a reviewer can judge"),
        ("2027-06-30", "next year", "a day like 2027-06-30"),
    ],
)
def test_an_entry_that_says_too_little_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    (tmp_path / "a.yaml").write_text(ENTRY.replace(old, new))
    with pytest.raises(AcceptedError, match=says):
        read_accepted(tmp_path / "a.yaml")
    with pytest.raises(AcceptedError, match="no such file"):
        read_accepted(tmp_path / "b.yaml")
