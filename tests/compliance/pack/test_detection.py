from typing import Any

import pytest

from tests.compliance.pack.judging import failed, passes, resource

TOPIC = "arn:aws:sns:eu-west-1:111122223333:alerts"
HUB = {"Hub": resource("AWS::SecurityHub::Hub")}
DETECTOR = {"Enable": True, "FindingPublishingFrequency": "FIFTEEN_MINUTES"}


@pytest.mark.parametrize(
    ("kind", "properties", "ok"),
    [
        ("AWS::GuardDuty::Detector", DETECTOR, True),
        ("AWS::GuardDuty::Detector", DETECTOR | {"Enable": False}, False),
        ("AWS::GuardDuty::Detector", {"Enable": True}, False),
        ("AWS::Macie::Session", {}, True),
        ("AWS::Macie::Session", {"Status": "PAUSED"}, False),
        ("AWS::SecurityHub::Hub", {"AutoEnableControls": False}, False),
        ("AWS::InspectorV2::Filter", {"FilterAction": "SUPPRESS"}, False),
    ],
)
def test_detection_is_on(kind: str, properties: dict[str, Any], ok: bool) -> None:
    assert passes("AUD-1.detectors-on", {"It": resource(kind, properties)}) is ok


@pytest.mark.parametrize(("status", "ok"), [("ENABLED", True), ("DISABLED", False)])
def test_the_buckets_are_watched(status: str, ok: bool) -> None:
    features = {"Features": [{"Name": "S3_DATA_EVENTS", "Status": status}]}
    assert passes("AUD-1.data-threats", {"It": resource("AWS::GuardDuty::Detector", features)}) is ok


def test_the_hub_measures_against_best_practices() -> None:
    bare = {"Hub": resource("AWS::SecurityHub::Hub", {"EnableDefaultStandards": False})}
    arn = "arn:aws:securityhub:eu-west-1::standards/aws-foundational-security-best-practices/v/1.0.0"
    standard = {"Standard": resource("AWS::SecurityHub::Standard", {"StandardsArn": arn})}
    assert passes("AUD-1.standards", HUB) and passes("AUD-1.standards", bare | standard)
    assert failed("AUD-1.standards", bare) == {("Hub", "")}


def routed(labels: list[str] | None = None, target: str = TOPIC, **changes: Any) -> dict[str, Any]:
    severity = {"findings": {"Severity": {"Label": labels}}} if labels else {}
    pattern = {"source": ["aws.securityhub"], "detail-type": ["Security Hub Findings - Imported"], "detail": severity}
    rule = {"EventPattern": pattern, "Targets": [{"Id": "0", "Arn": target}], **changes}
    return HUB | {"Rule": resource("AWS::Events::Rule", rule)}


def test_serious_findings_reach_somebody() -> None:
    assert passes("AUD-2.findings-routed", routed())
    assert passes("AUD-2.findings-routed", routed(["CRITICAL", "HIGH"]))


@pytest.mark.parametrize(
    "template",
    [
        HUB,
        routed(["CRITICAL"]),
        routed(State="DISABLED"),
        routed(Targets=[]),
        routed(target="arn:aws:sqs:eu-west-1:111122223333:kept"),
        routed(EventPattern={"source": ["aws.s3"]}),
        routed(EventPattern={"source": ["aws.securityhub"], "detail-type": ["AWS API Call via CloudTrail"]}),
    ],
)
def test_serious_findings_that_reach_nobody_are_found(template: dict[str, Any]) -> None:
    assert failed("AUD-2.findings-routed", template) == {("Hub", "")}
