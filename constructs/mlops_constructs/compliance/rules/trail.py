"""LOG-3: the account's own trail and its configuration recorder are whole, and nobody can change what they wrote."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mlops_constructs.compliance.estate import Estate, Resource
from mlops_constructs.compliance.policy import texts
from mlops_constructs.compliance.rule import Judgement, Phase, Rule, Severity
from mlops_constructs.compliance.rules.buckets import locked_days
from mlops_constructs.compliance.rules.expectations import check, mappings
from mlops_constructs.compliance.rules.logging import least_days
from mlops_constructs.compliance.values import is_false, is_true

_EVERYTHING = ("All", None)
_CHEAPER_STAGES = ("local", "dev", "staging")  # insights cost per event


def _trail_selects(estate: Estate) -> Iterator[Judgement]:
    for trail in estate.of("AWS::CloudTrail::Trail"):
        if trail.get("AdvancedEventSelectors"):
            # A selector that names more than the category (readOnly, eventSource) leaves some of them out.
            whole = [fields for fields in _selected(trail) if fields.get("eventCategory") == ("Management",)]
            ok = any(not fields.keys() - {"eventCategory"} for fields in whole)
            message = "its selectors leave out management events"
        else:
            selectors = mappings(trail.get("EventSelectors"))
            ok = not selectors or any(
                each.get("ReadWriteType") in _EVERYTHING and not is_false(each.get("IncludeManagementEvents", True))
                for each in selectors
            )
            message = "no selector takes all management events"
        yield Judgement(trail, ok, "EventSelectors", "" if ok else message)


def _trail_takes_data(estate: Estate) -> Iterator[Judgement]:
    """Judge whether some trail records reads and writes of the environment's buckets."""
    for trail in estate.of("AWS::CloudTrail::Trail"):
        chosen = [value for fields in _selected(trail) for value in fields.get("resources.type", ())]
        chosen += list(trail.values("EventSelectors.*.DataResources.*.Type"))
        ok = "AWS::S3::Object" in chosen
        yield Judgement(trail, ok, "AWS::S3::Object", "" if ok else "nobody records who reads and writes objects")


def _selected(trail: Resource) -> Iterator[dict[str, tuple[str, ...]]]:
    """Yield for each advanced selector its fields with the values they must equal; () stands for other operators."""
    for selector in mappings(trail.get("AdvancedEventSelectors")):
        fields = mappings(selector.get("FieldSelectors"))
        yield {str(each.get("Field")): texts(each.get("Equals")) for each in fields}


def _trail_insights(estate: Estate) -> Iterator[Judgement]:
    if estate.stage in _CHEAPER_STAGES:
        return
    for trail in estate.of("AWS::CloudTrail::Trail"):
        ok = bool(mappings(trail.get("InsightSelectors")))
        yield Judgement(trail, ok, "InsightSelectors", "" if ok else "unusual rates of calls and errors go unnoticed")


def _trail_bucket(estate: Estate) -> Iterator[Judgement]:
    if not estate.guarded:
        return
    for trail in estate.of("AWS::CloudTrail::Trail"):
        bucket = estate.find(trail.get("S3BucketName"), "AWS::S3::Bucket")
        if bucket is not None:
            least = least_days(estate)
            ok = is_true(bucket.get("ObjectLockEnabled")) and locked_days(bucket) >= least
            message = f"files in {bucket.logical_id} are not locked against change and deletion for {least} days"
            yield Judgement(trail, ok, "S3BucketName", "" if ok else message)


def _recorder_delivers(estate: Estate) -> Iterator[Judgement]:
    channels = list(estate.of("AWS::Config::DeliveryChannel"))
    for recorder in estate.of("AWS::Config::ConfigurationRecorder"):
        yield Judgement(recorder, bool(channels), "", "" if channels else "no delivery channel takes what it records")


_rule = partial(Rule, phase=Phase.RELIABLE)


RULES: tuple[Rule, ...] = (
    _rule(
        id="LOG-3.trail-whole",
        title="The trail runs, in every region, with global services and validated files; the recorder records all "
        "types",
        rationale="A trail with a gap proves nothing.",
        remedy="Set the property named to the value expected.",
        severity=Severity.HIGH,
        check=check("LOG-3.trail-whole"),
    ),
    _rule(
        id="LOG-3.trail-management-events",
        title="The trail takes all management events",
        rationale="Read events show reconnaissance, write events the change.",
        remedy="Select management events with ReadWriteType All.",
        severity=Severity.HIGH,
        check=_trail_selects,
    ),
    _rule(
        id="LOG-3.trail-data-events",
        title="The trail takes reads and writes of objects in S3",
        rationale="Management events do not show who read the data.",
        remedy="Select data events of AWS::S3::Object, at least for the buckets that hold data.",
        severity=Severity.MEDIUM,
        check=_trail_takes_data,
    ),
    _rule(
        id="LOG-3.trail-insights",
        title="The trail of production looks for unusual rates of calls and errors",
        rationale="A stolen key shows in the rate of its calls first.",
        remedy="Add InsightSelectors for ApiCallRateInsight and ApiErrorRateInsight.",
        severity=Severity.LOW,
        check=_trail_insights,
    ),
    _rule(
        id="LOG-3.trail-immutable",
        title="Nobody can change or delete the trail's files before their time",
        rationale="Whoever breaks in deletes the traces first.",
        remedy="Enable Object Lock on the trail's bucket, with a default retention as long as logs are kept.",
        severity=Severity.HIGH,
        check=_trail_bucket,
    ),
    _rule(
        id="LOG-3.recorder-delivers",
        title="What the recorder records is delivered",
        rationale="A recorder without a delivery channel does not start.",
        remedy="Add an AWS::Config::DeliveryChannel.",
        severity=Severity.HIGH,
        check=_recorder_delivers,
    ),
)
