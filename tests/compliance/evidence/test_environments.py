"""The review of our own production templates: nothing open in any tool, and the ledger agrees with `cdk synth`."""

import datetime as dt
import os
from pathlib import Path

import pytest

from mlops_constructs.compliance.evidence.cli import CHECKOV
from mlops_constructs.compliance.evidence.review import Request, Review, review
from mlops_constructs.compliance.evidence.statuses import FAILING
from tests.assembly import Assembly

PACKS = ("AwsSolutions", "NIST.800.53.R5", "HIPAA.Security")


@pytest.fixture(scope="module")
def production(assembly: Assembly, root: Path) -> Review:
    """With checkov where it is installed; in CI it must be."""
    program = root / CHECKOV
    if os.environ.get("CI") == "true":
        assert program.exists(), "CI runs the second opinion: make checkov"
    request = Request(
        path=assembly.folder,
        environment="prod",
        date=dt.datetime.now(dt.UTC).date(),
        accepted=root / "stacks" / "second_opinion.yaml",
        checkov=program if program.exists() else None,
    )
    return review(request)


def test_production_passes_with_its_waivers(production: Review) -> None:
    still_open = [
        f"{check['finding']} at {check['path']}"
        for check in production.document["checks"]
        if check["status"] in FAILING and check["tool"] != "cdk-nag PCI.DSS.321"
    ]
    assert production.passed, [*production.document["verdict"]["reasons"], *still_open]


def test_the_ledger_names_what_the_packs_found_during_synthesis(assembly: Assembly, production: Review) -> None:
    reported = {
        (f"{pack['pluginName']}::{violation['ruleName']}", construct["constructPath"].removesuffix("/Resource"))
        for pack in assembly.report["pluginReports"]
        if pack["pluginName"] in PACKS
        for violation in (*pack.get("violations", []), *pack.get("suppressedViolations", []))
        for construct in violation["violatingConstructs"]
        if construct["constructPath"].startswith("prod/")
    }
    ledger = {
        (check["finding"], check["path"])
        for check in production.document["checks"]
        if check["tool"] in {f"cdk-nag {pack}" for pack in PACKS} and check["status"] != "PASS"
    }
    assert reported
    assert ledger == reported


def test_every_accepted_finding_is_still_made(production: Review) -> None:
    idle = [row["finding"] for row in production.document["waivers"] if row["state"] == "UNUSED"]
    assert not idle, f"accepted in stacks/second_opinion.yaml and made nowhere in prod: {idle}"


def test_every_control_with_rules_that_judged_has_a_status(production: Review) -> None:
    controls = {control["id"]: control for control in production.document["controls"]}
    for control in controls.values():
        assert (control["status"] == "NOT_EVALUATED") == (not control["counts"]), control["id"]
    assert {controls[each]["status"] for each in ("IAM-2", "PUB-2", "ENC-1", "LOG-1", "RET-1")} <= {
        "COMPLIANT",
        "WAIVED",
    }


def test_inventories_cover_what_a_reviewer_asks_for(production: Review) -> None:
    inventories = production.document["inventories"]
    roles = inventories["access"]
    assert roles
    assert all(role["boundary"] and role["trust"] for role in roles)
    buckets = [row for row in inventories["encryption"] if row["type"] == "AWS::S3::Bucket"]
    assert buckets
    assert any(key["kind"] == "customer key" for row in buckets for key in row["keys"])
    assert {"prod/foundation/Keys/Data", "prod/foundation/Keys/Logs"} <= {row["class"] for row in inventories["data"]}


def test_every_place_is_the_line_of_its_resource(production: Review) -> None:
    lines = {path.name: path.read_text().splitlines() for path in production.templates}
    placed = [check for check in production.document["checks"] if check["logical_id"] and check["tool"] != "checkov"]
    wrong = [
        check["finding"]
        for check in placed
        if not check["tool"].startswith("cloudformation")
        and f'"{check["logical_id"]}"' not in lines[check["template"]][check["line"] - 1]
    ]
    assert not wrong
