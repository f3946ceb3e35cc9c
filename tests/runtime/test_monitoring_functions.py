"""Which predictions are monitored, and what becomes of the result."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_runtime import aws, layout
from mlops_runtime.errors import InvalidInput, ReportInvalid
from mlops_runtime.events import EVENTS, Violation
from monitor_report.logic import MAX_VIOLATIONS_BYTES, fitting
from select_window.logic import Window, label_months, labelled_from, window
from tests.runtime.conftest import WORKLOAD, Account, Call, Json, Sent

ENDPOINT = "flight-delays-local"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:monitor:2026-01"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


# -- select_window ------------------------------------------------------------------------------------------------


def test_the_default_window_is_the_days_before_today() -> None:
    today = datetime(2026, 3, 10, tzinfo=UTC)
    assert window(None, None, NOON, 1) == Window(datetime(2026, 3, 9, tzinfo=UTC), today)
    assert window(None, None, NOON, 28) == Window(datetime(2026, 2, 10, tzinfo=UTC), today)


@pytest.mark.parametrize(("start", "end"), [(NOON, None), (None, NOON), (NOON, NOON), (NOON, NOON - timedelta(1))])
def test_half_or_empty_windows_are_refused(start: datetime | None, end: datetime | None) -> None:
    with pytest.raises(InvalidInput, match="window_end"):
        window(start, end, NOON, 28)


@given(instants, st.timedeltas(timedelta(seconds=1), timedelta(days=100)))
def test_a_window_touches_consecutive_months_from_start_to_end(start: datetime, length: timedelta) -> None:
    months = Window(start, start + length).months()
    assert months == sorted(set(months))
    assert months[0] == f"{start:%Y-%m}"
    assert months[-1] == f"{start + length - timedelta(microseconds=1):%Y-%m}"


def test_labels_are_those_of_the_window_and_the_newest() -> None:
    old = Window(datetime(2013, 1, 31, 23, tzinfo=UTC), datetime(2013, 2, 1, 1, tzinfo=UTC))
    present = [f"2013-{month:02}" for month in range(1, 13)]
    assert label_months(old, present, 2) == ["2013-01", "2013-02", "2013-11", "2013-12"]


def test_quality_of_the_default_window_reaches_back_as_far_as_labels_take() -> None:
    yesterday = window(None, None, NOON, 1)
    assert labelled_from(yesterday, 2, asked=False) == datetime(2026, 3, 7, tzinfo=UTC)
    assert labelled_from(yesterday, 2, asked=True) == yesterday.start


@pytest.fixture
def capture(account: Account, environ: pytest.MonkeyPatch) -> Account:
    environ.setenv("ENDPOINT", ENDPOINT)
    environ.setenv("VARIANT", "main")
    return account


def put_capture(account: Account, name: str) -> datetime:
    now = datetime.now(UTC)
    account.put("capture", f"{WORKLOAD}/{ENDPOINT}/main/{now:%Y/%m/%d/%H}/{name}.jsonl", "{}\n")
    return now


def select(call: Call, start: datetime, end: datetime) -> Json:
    bounds: Json = {"window_start": start.isoformat(), "window_end": end.isoformat()}
    return call("select_window", {**bounds, "execution": EXECUTION})


def test_manifests_name_the_captured_and_the_label_objects(capture: Account, call: Call) -> None:
    now = put_capture(capture, "a")
    sha = "a" * 64
    for month in ("2013-01", "2013-02", "2013-03", "2013-04"):
        capture.put("curated", layout.curated(WORKLOAD, "labels", month, sha), "x")
    selected = select(call, now - timedelta(minutes=1), now + timedelta(minutes=1))
    assert (selected["traffic"], selected["objects"]) == (True, 1)
    assert selected["report_uri"] == "s3://artefacts/flight-delays/monitoring/2026-01/"
    assert capture.get_json(str(selected["capture_manifest"])) == [
        {"prefix": f"s3://capture/{WORKLOAD}/{ENDPOINT}/"},
        f"main/{now:%Y/%m/%d/%H}/a.jsonl",
    ]
    assert capture.get_json(str(selected["labels_manifest"])) == [
        {"prefix": "s3://curated/flight-delays/labels/"},
        *(f"month=2013-0{month}/{sha}.parquet" for month in (2, 3, 4)),
    ]


def test_the_scheduled_run_reads_captures_whose_labels_came_late(
    capture: Account, call: Call, environ: pytest.MonkeyPatch
) -> None:
    environ.setenv("WINDOW_DAYS", "1")
    environ.setenv("LABEL_DELAY_DAYS", "2")
    before = datetime.now(UTC) - timedelta(days=2)
    capture.put("capture", f"{WORKLOAD}/{ENDPOINT}/main/{before:%Y/%m/%d}/10/late.jsonl", "{}\n")
    selected = call("select_window", {"execution": EXECUTION})
    start = datetime.fromisoformat(str(selected["window_start"]))
    assert selected["objects"] == 1
    assert datetime.fromisoformat(str(selected["labelled_from"])) == start - timedelta(days=2)


def test_without_labels_the_job_still_gets_an_input(capture: Account, call: Call) -> None:
    now = put_capture(capture, "a")
    selected = select(call, now - timedelta(minutes=1), now + timedelta(minutes=1))
    manifest = capture.get_json(str(selected["labels_manifest"]))
    assert isinstance(manifest, list)
    assert capture.get(manifest[0]["prefix"] + manifest[1]).startswith(b"No label")


def test_no_captured_object_is_no_traffic(capture: Account, call: Call) -> None:
    selected = select(call, NOON, NOON + timedelta(days=1))
    assert (selected["traffic"], selected["capture_manifest"], selected["labels_manifest"]) == (False, None, None)


def test_an_object_older_than_the_window_in_its_own_hour_is_left_out(capture: Account, call: Call) -> None:
    now = put_capture(capture, "a")
    later = now + timedelta(seconds=2)
    assert select(call, later, later + timedelta(minutes=1))["objects"] == 0


@pytest.mark.parametrize(("hour", "minute"), [(0, 0), (23, 30)])
def test_captures_from_the_first_hour_to_the_flush_after_the_last_are_taken(
    capture: Account, call: Call, hour: int, minute: int
) -> None:
    end = datetime.now(UTC).replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=2)
    start = end - timedelta(days=28, minutes=minute)
    hours = [start - timedelta(hours=1), start, start + timedelta(days=9), end, end + timedelta(hours=1)]
    names = [f"main/{moment:%Y/%m/%d/%H}/x.jsonl" for moment in hours]
    for name in names:
        capture.put("capture", f"{WORKLOAD}/{ENDPOINT}/{name}", "{}\n")
    manifest = capture.get_json(str(select(call, start, end)["capture_manifest"]))
    assert isinstance(manifest, list)
    taken = manifest[1:]
    assert set(names[1:4]) <= set(taken)
    assert not {names[0], names[4]} & set(taken)


def test_the_window_of_a_redriven_execution_writes_to_the_same_place(capture: Account, call: Call) -> None:
    now = put_capture(capture, "a")
    bounds = (now - timedelta(minutes=1), now + timedelta(minutes=1))
    assert select(call, *bounds) == select(call, *bounds)


# -- monitor_report -----------------------------------------------------------------------------------------------

QUALITY: Json = {
    "version": 0,
    "rows": 100,
    "labelled_rows": 60,
    "drift": {"temp": 0.31, "carrier": 0.02},
    "binary_classification_metrics": {"auc": {"value": 0.61, "standard_deviation": 0.01}, "log_loss": {"value": None}},
}
VIOLATIONS: Json = {
    "violations": [
        {"feature_name": "temp", "constraint_check_type": "baseline_drift_check", "description": "0.31 above 0.1"}
    ]
}


def report(account: Account, call: Call, violations: object = VIOLATIONS, quality: object = QUALITY) -> Json:
    prefix = "flight-delays/monitoring/2026-01/"
    account.put("artefacts", f"{prefix}constraint_violations.json", json.dumps(violations))
    account.put("artefacts", f"{prefix}quality.json", json.dumps(quality))
    event: Json = {"report_uri": f"s3://artefacts/{prefix}", "execution": EXECUTION, "model_package_arn": "arn:model"}
    bounds: Json = {"window_start": NOON.isoformat(), "window_end": (NOON + timedelta(days=1)).isoformat()}
    return call("monitor_report", {**event, **bounds})


def test_a_violation_becomes_drift_detected_ready_for_the_bus(account: Account, call: Call) -> None:
    outcome = report(account, call)
    assert outcome["detail_type"] == "Drift Detected"
    detail = EVENTS[("mlops.monitoring", "Drift Detected")].model_validate(outcome["detail"]).model_dump(mode="json")
    assert detail["drift"] == {"temp": 0.31, "carrier": 0.02}
    assert detail["quality"] == {"auc": 0.61}
    assert (detail["rows"], detail["labelled_rows"], detail["execution"]) == (100, 60, EXECUTION)


@pytest.mark.parametrize(
    ("quality", "detail_type"),
    [(QUALITY, "Monitoring Completed"), ({**QUALITY, "rows": 0, "labelled_rows": 0}, "No Traffic")],
)
def test_a_window_without_violation_is_completed_or_empty(
    account: Account, call: Call, quality: Json, detail_type: str
) -> None:
    outcome = report(account, call, {"violations": []}, quality)
    assert outcome["detail_type"] == detail_type
    EVENTS[("mlops.monitoring", detail_type)].model_validate(outcome["detail"])


def test_the_window_is_in_cloudwatch_by_feature_and_metric(account: Account, call: Call) -> None:
    report(account, call)
    metrics = aws.cloudwatch().list_metrics(Namespace="MLOps/flight-delays")["Metrics"]
    named = {
        (item["MetricName"], *(d["Value"] for d in item["Dimensions"] if d["Name"] != "Environment"))
        for item in metrics
    }
    assert named == {
        ("PredictionRows",),
        ("LabelledRows",),
        ("ConstraintViolations",),
        ("FeatureDrift", "temp"),
        ("FeatureDrift", "carrier"),
        ("ModelQuality", "auc"),
    }


@pytest.mark.parametrize(
    ("violations", "quality", "words"),
    [
        ({}, QUALITY, "list of violations"),
        ({"violations": [{"feature_name": "temp"}]}, QUALITY, "constraint_check_type"),
        (VIOLATIONS, {**QUALITY, "rows": None}, "rows must be a count"),
        (VIOLATIONS, {**QUALITY, "drift": {"temp": "high"}}, "drift must be scores"),
        (VIOLATIONS, [], "expected an object"),
    ],
)
def test_a_malformed_report_is_refused(
    account: Account, call: Call, violations: Json, quality: object, words: str
) -> None:
    with pytest.raises(ReportInvalid, match=words):
        report(account, call, violations, quality)


def test_a_flood_of_violations_fits_the_bus(account: Account, call: Call, sent: Sent) -> None:
    one = {"feature_name": "temp", "constraint_check_type": "data_type_check", "description": "d" * 1000}
    outcome = report(account, call, {"violations": [one] * 1000})
    assert len(json.dumps(outcome)) < 256 * 1024
    assert call("event_emitter", {"source": "mlops.monitoring", **outcome})["event_id"]
    assert len(json.loads(sent[0]["Detail"])["violations"]) > 100


@given(st.lists(st.tuples(st.text(max_size=50), st.floats(0, 10)), max_size=30))
def test_the_worst_violations_are_kept(found: list[tuple[str, float]]) -> None:
    drift = dict(found)
    violations = [Violation(feature=name, check="c", description="d") for name in drift]
    kept = fitting(violations, drift)
    scores = [drift[item.feature] for item in kept]
    assert scores == sorted(scores, reverse=True)
    assert sum(len(item.model_dump_json()) for item in kept) <= MAX_VIOLATIONS_BYTES
