from typing import Any

import pytest

from tests.compliance.pack.judging import DELETED, KEY, changed, failed, passes, resource

TRAIL = {
    "IsLogging": True,
    "EnableLogFileValidation": True,
    "IsMultiRegionTrail": True,
    "IncludeGlobalServiceEvents": True,
    "S3BucketName": {"Ref": "Records"},
    "KMSKeyId": KEY,
    "InsightSelectors": [{"InsightType": "ApiCallRateInsight"}],
    "EventSelectors": [
        {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
        }
    ],
}


def fields(**values: Any) -> dict[str, Any]:
    return {"FieldSelectors": [{"Field": name.replace("_", "."), "Equals": [value]} for name, value in values.items()]}


ADVANCED = {
    "AdvancedEventSelectors": [
        fields(eventCategory="Management"),
        fields(eventCategory="Data", resources_type="AWS::S3::Object"),
    ]
}


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        ("LOG-3.trail-whole", "IsLogging", False),
        ("LOG-3.trail-whole", "EnableLogFileValidation", DELETED),
        ("LOG-3.trail-whole", "IsMultiRegionTrail", False),
        ("LOG-3.trail-whole", "IncludeGlobalServiceEvents", DELETED),
        ("LOG-3.trail-insights", "InsightSelectors", DELETED),
        ("LOG-3.trail-management-events", "EventSelectors.0.ReadWriteType", "WriteOnly"),
        ("LOG-3.trail-management-events", "EventSelectors.0.IncludeManagementEvents", False),
        ("LOG-3.trail-data-events", "EventSelectors", DELETED),
        ("LOG-3.trail-data-events", "EventSelectors.0.DataResources", DELETED),
    ],
)
def test_a_gap_in_the_trail_is_found(rule: str, path: str, value: Any) -> None:
    assert passes(rule, {"It": resource("AWS::CloudTrail::Trail", TRAIL)})
    assert failed(rule, {"It": resource("AWS::CloudTrail::Trail", changed(TRAIL, path, value))})


@pytest.mark.parametrize(
    ("rule", "selectors"),
    [
        ("LOG-3.trail-management-events", [fields(eventCategory="Data")]),
        ("LOG-3.trail-management-events", [fields(eventCategory="Management", readOnly="false")]),
        ("LOG-3.trail-data-events", [fields(eventCategory="Management")]),
    ],
)
def test_advanced_selectors_are_read_too(rule: str, selectors: list[Any]) -> None:
    assert passes(rule, {"It": resource("AWS::CloudTrail::Trail", ADVANCED)})
    assert failed(rule, {"It": resource("AWS::CloudTrail::Trail", {"AdvancedEventSelectors": selectors})})


def test_insights_are_for_production() -> None:
    bare = {"It": resource("AWS::CloudTrail::Trail")}
    assert failed("LOG-3.trail-insights", bare) and not failed("LOG-3.trail-insights", bare, stage="staging")


LOCKED = {
    "ObjectLockEnabled": True,
    "ObjectLockConfiguration": {"Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 365}}},
}
DEFAULT = "ObjectLockConfiguration.Rule.DefaultRetention"


@pytest.mark.parametrize(
    ("path", "value"),
    [("ObjectLockEnabled", False), (DEFAULT, DELETED), (f"{DEFAULT}.Days", 30), (f"{DEFAULT}.Mode", DELETED)],
)
def test_the_trails_files_cannot_be_changed(path: str, value: Any) -> None:
    def template(bucket: Any) -> dict[str, Any]:
        return {"Trail": resource("AWS::CloudTrail::Trail", TRAIL), "Records": resource("AWS::S3::Bucket", bucket)}

    rule, weak = "LOG-3.trail-immutable", changed(LOCKED, path, value)
    years = changed(LOCKED, DEFAULT, {"Mode": "GOVERNANCE", "Years": 1})
    assert passes(rule, template(LOCKED)) and passes(rule, template(years))
    assert failed(rule, template(weak)) == {("Trail", "S3BucketName")}
    assert not failed(rule, template(weak), stage="dev")


def test_a_recorder_records_everything_and_delivers() -> None:
    group = {"RecordingGroup": {"AllSupported": True, "IncludeGlobalResourceTypes": True}}
    recorder = {"Recorder": resource("AWS::Config::ConfigurationRecorder", group)}
    assert failed("LOG-3.recorder-delivers", recorder)
    assert passes("LOG-3.recorder-delivers", recorder | {"Channel": resource("AWS::Config::DeliveryChannel")})
    assert passes("LOG-3.trail-whole", recorder)
    for name in ("AllSupported", "IncludeGlobalResourceTypes"):
        part = changed(group, f"RecordingGroup.{name}", False)
        assert failed("LOG-3.trail-whole", {"Recorder": resource("AWS::Config::ConfigurationRecorder", part)})
