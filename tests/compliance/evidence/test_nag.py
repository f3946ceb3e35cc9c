"""The ledger of cdk-nag: it replaces a method that is not public, so what it rests on is tested."""

import json
from collections import Counter
from pathlib import Path

import pytest

from mlops_constructs.compliance.estate import load
from mlops_constructs.compliance.evidence.ledger import Ledger, nag
from mlops_constructs.compliance.evidence.ledger.javascript import PACKAGES, MissingJavaScriptError, node_modules
from mlops_constructs.compliance.evidence.ledger.nag import PACKS, NagError, nag_ledgers
from mlops_constructs.compliance.evidence.review import Review


def ledgers_of(body: dict[str, object], folder: Path) -> dict[str, Ledger]:
    path = folder / "one.template.json"
    path.write_text(json.dumps(body))
    return {ledger.tool: ledger for ledger in nag_ledgers(load(path)[0], [path])}


def test_a_bucket_gets_passes_failures_and_rules_that_do_not_concern_it(tmp_path: Path) -> None:
    ssl = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [{"Fn::GetAtt": ["B", "Arn"]}, {"Fn::Join": ["", [{"Fn::GetAtt": ["B", "Arn"]}, "/*"]]}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    body = {
        "Resources": {
            "B": {"Type": "AWS::S3::Bucket"},
            "P": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {"Bucket": {"Ref": "B"}, "PolicyDocument": {"Statement": [ssl]}},
            },
        }
    }
    solutions = ledgers_of(body, tmp_path)["cdk-nag AwsSolutions"]
    verdicts = {(check.rule, check.logical_id): check.status for check in solutions.checks}
    assert verdicts["AwsSolutions-S1", "B"] == "FAIL"
    assert verdicts["AwsSolutions-S10", "B"] == "PASS"
    assert solutions.not_applicable["AwsSolutions-RDS2"] == 2
    assert len(solutions.not_applicable) + len({check.rule for check in solutions.checks}) >= len(solutions.titles)


def test_a_rule_that_throws_is_an_error(tmp_path: Path) -> None:
    body = {
        "Parameters": {"Public": {"Type": "String"}},
        "Resources": {
            "D": {
                "Type": "AWS::DMS::ReplicationInstance",
                "Properties": {"ReplicationInstanceClass": "dms.t3.micro", "PubliclyAccessible": {"Ref": "Public"}},
            }
        },
    }
    statuses = {
        check.status
        for ledger in ledgers_of(body, tmp_path).values()
        for check in ledger.checks
        if check.rule.endswith("DMSReplicationNotPublic")
    }
    assert statuses == {"ERROR"}


def test_a_template_cdk_cannot_load_is_an_error_of_every_pack(tmp_path: Path) -> None:
    body = {"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Ref": "Nobody"}}}}}
    for ledger in ledgers_of(body, tmp_path).values():
        assert [check.status for check in ledger.checks] == ["ERROR"]
        assert "Nobody" in ledger.checks[0].message


def test_details_and_framework_ids_are_kept(foreign: Review) -> None:
    checks = foreign.document["checks"]
    findings = {check["finding"] for check in checks if check["logical_id"] == "Scientist"}
    assert "AwsSolutions::AwsSolutions-IAM5[Resource::*]" in findings
    references = {reference for check in checks for reference in check["references"]}
    assert "nist-800-53-r5 AC-3" in references
    assert any(reference.startswith("hipaa 164.312") for reference in references)
    assert not any("Control ID" in rule["title"] for rule in foreign.document["rules"])


def test_the_retired_standard_never_decides(foreign: Review) -> None:
    decides = {tool["name"]: tool["decides"] for tool in foreign.document["tools"]}
    assert not decides["cdk-nag PCI.DSS.321"]
    assert all(does for name, does in decides.items() if name != "cdk-nag PCI.DSS.321")
    assert not any("PCI" in reason for reason in foreign.document["verdict"]["reasons"])


def test_another_version_is_refused_until_somebody_read_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(nag, "READ_VERSION", "0.0.1")
    with pytest.raises(NagError, match=r"written against cdk-nag 0\.0\.1, installed is 3"):
        ledgers_of({"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}, tmp_path)


def test_javascript_comes_out_of_the_wheels() -> None:
    modules = node_modules()
    versions = {npm: json.loads((modules / npm / "package.json").read_text())["version"] for npm in PACKAGES.values()}
    assert versions["cdk-nag"] == nag.READ_VERSION
    assert node_modules() == modules


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, "no-such-distribution", "none")
    with pytest.raises(MissingJavaScriptError, match="no-such-distribution"):
        node_modules()


def test_every_pack_judges_something(foreign: Review) -> None:
    judged = Counter(check["tool"] for check in foreign.document["checks"])
    assert all(judged[f"cdk-nag {pack.name}"] for pack in PACKS)
