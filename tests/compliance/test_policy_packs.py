"""Our rules, AwsSolutions, NIST 800-53 r5 and HIPAA at synthesis: nothing open, no waiver stale or expired."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from mlops_constructs.governance.waivers import AppliedWaiver, Waiver, expired, read_waivers, unused
from tests.assembly import Assembly

PACKS = {"MLOps", "AwsSolutions", "NIST.800.53.R5", "HIPAA.Security"}
Finding = tuple[str, str]


def findings(assembly: Assembly, kind: str) -> Iterator[Finding]:
    """Yield qualified finding and construct path; kind is `violations` or `suppressedViolations`."""
    for report in packs(assembly).values():
        for violation in report.get(kind, []):
            for construct in violation["violatingConstructs"]:
                yield f"{report['pluginName']}::{violation['ruleName']}", construct["constructPath"]


def packs(assembly: Assembly) -> dict[str, Any]:
    return {
        report["pluginName"]: report for report in assembly.report["pluginReports"] if report["pluginName"] in PACKS
    }


def test_all_packs_ran(assembly: Assembly) -> None:
    assert set(packs(assembly)) == PACKS


def test_every_finding_is_mended_or_waived(assembly: Assembly) -> None:
    open_findings = sorted(set(findings(assembly, "violations")))
    assert not open_findings, "\n".join(f"{name} at {path}" for name, path in open_findings)


def test_the_packs_bite(assembly: Assembly) -> None:
    waived = list(findings(assembly, "suppressedViolations"))
    assert {name.split("::")[0] for name, _ in waived} == PACKS, "a pack that finds nothing at all does not work"


def test_every_waiver_is_used(assembly: Assembly) -> None:
    everything = [*findings(assembly, "violations"), *findings(assembly, "suppressedViolations")]
    stale = unused(read_waivers(assembly.folder), everything)
    assert not stale, "\n".join(
        f"waiver of {each.waiver.finding} at {each.path} covers nothing: remove it" for each in stale
    )


def test_every_acknowledgement_has_an_owner_and_a_date(assembly: Assembly) -> None:
    waivers = read_waivers(assembly.folder)
    bare = [
        f"{name} at {path}"
        for name, path in sorted(set(findings(assembly, "suppressedViolations")))
        if not any(waiver.covers(name, path) for waiver in waivers)
    ]
    assert not bare, "acknowledged without a waiver:\n" + "\n".join(bare)


def test_no_waiver_is_expired(assembly: Assembly) -> None:
    late = expired(read_waivers(assembly.folder), dt.datetime.now(dt.UTC).date())
    assert not late, "\n".join(
        f"{each.waiver.finding} at {each.path}: review was due {each.waiver.review}" for each in late
    )


@pytest.fixture
def applied() -> AppliedWaiver:
    waiver = Waiver(
        finding="AwsSolutions::AwsSolutions-S1",
        reason="The log bucket cannot log to itself.",
        owner="platform-security",
        review="2027-06-30",
    )
    return AppliedWaiver(path="prod/foundation/Logs", waiver=waiver)


def test_a_waiver_past_its_date_is_caught(applied: AppliedWaiver) -> None:
    assert expired([applied], dt.date(2027, 7, 1)) == [applied]
    assert expired([applied], dt.date(2027, 6, 30)) == []


def test_a_waiver_that_covers_nothing_is_caught(applied: AppliedWaiver) -> None:
    name = applied.waiver.finding
    assert unused([applied], [(name, "prod/foundation/Logs/Resource")]) == []
    assert unused([applied], [(name, "prod/foundation/LogsOfOthers")]) == [applied]
    assert unused([applied], [("AwsSolutions::AwsSolutions-S2", "prod/foundation/Logs")]) == [applied]
