"""The events are the contract between workflows: strict, versioned, published as schemas."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mlops_runtime import events, schemas

HEAD = {"workload": "flight-delays", "environment": "local", "occurred_at": "2026-01-02T04:04:05+01:00"}


def test_checked_in_schemas_equal_the_models() -> None:
    assert schemas.FILE.read_text(encoding="utf-8") == schemas.render(), "run: python -m mlops_runtime.schemas"


def test_every_schema_is_draft_4_without_later_keywords() -> None:
    for entry in schemas.all_schemas().values():
        text = json.dumps(entry["schema"])
        assert '"const"' not in text
        assert '"$defs"' not in text
        assert '"exclusiveMinimum"' not in text


def test_every_reference_in_a_schema_resolves() -> None:
    for name, entry in schemas.all_schemas().items():
        schema = entry["schema"]
        assert isinstance(schema, dict)
        text = json.dumps(schema)
        if "#/definitions/Violation" in text:
            assert "Violation" in schema["definitions"], name  # type: ignore[operator]


def test_every_schema_requires_the_common_fields() -> None:
    for entry in schemas.all_schemas().values():
        detail = entry["schema"]["properties"]["detail"]  # type: ignore[index,call-overload]
        common = {"schema_version", "workload", "environment", "execution", "occurred_at"}
        assert common <= set(detail["required"])  # type: ignore[index,call-overload,arg-type]


def test_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        events.RetrainingRequested.model_validate({**HEAD, "requested_by": "me", "reason": "why", "urgent": True})


def test_instants_travel_as_utc() -> None:
    detail = events.RetrainingRequested.model_validate({**HEAD, "requested_by": "me", "reason": "why"})
    assert detail.model_dump(mode="json")["occurred_at"] == "2026-01-02T03:04:05Z"


def test_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValidationError):
        events.RetrainingRequested.model_validate(
            {**HEAD, "occurred_at": "2026-01-02T03:04:05", "requested_by": "me", "reason": "why"}
        )


def test_unknown_suppression_code_is_refused() -> None:
    with pytest.raises(ValidationError):
        events.RetrainingSuppressed.model_validate({**HEAD, "reason_code": "mood", "reason": "r", "trigger": "t"})


def test_address_of_is_the_inverse_of_the_table() -> None:
    assert {events.address_of(model) for model in events.EVENTS.values()} == set(events.EVENTS)


@given(
    st.datetimes(timezones=st.just(UTC)), st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False))
)
def test_a_report_survives_the_bus(instant: datetime, drift: dict[str, float]) -> None:
    report = events.DriftDetected(
        workload="w",
        environment="e",
        occurred_at=instant,
        window_start=instant,
        window_end=instant,
        rows=1,
        labelled_rows=0,
        violations=[events.Violation(feature="f", check="drift_check", description="d")],
        drift=drift,
        quality={},
        report_uri="s3://b/k/",
        model_package_arn="arn",
    )
    assert events.DriftDetected.model_validate_json(report.model_dump_json()) == report
