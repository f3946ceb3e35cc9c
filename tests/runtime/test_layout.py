"""Keys carry identity, never a clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_runtime import layout

SHA = "a" * 64


def test_keys_are_those_the_platform_documents() -> None:
    assert layout.raw("w", "flights", SHA) == f"w/flights/{SHA}.csv"
    assert layout.staged_prefix("w", "flights", SHA) == f"staged/w/flights/file={SHA}/"
    assert layout.staged_meta("w", "flights", SHA) == f"staged-meta/w/flights/{SHA}.json"
    assert layout.curated("w", "flights", "2013-04", SHA) == f"w/flights/month=2013-04/{SHA}.parquet"
    assert layout.snapshot_manifest("w", "run-1", "labels") == "w/runs/run-1/snapshot/labels.manifest"
    assert layout.table("flight-delays", "flights") == "flight_delays_flights"


def test_month_of_a_curated_key_is_its_partition() -> None:
    assert layout.month_of(layout.curated("w", "s", "2013-12", SHA)) == "2013-12"


@pytest.mark.parametrize("month", ["2013-13", "2013-1", "13-01", "2013-01-01"])
def test_a_month_that_is_none_is_refused(month: str) -> None:
    with pytest.raises(ValueError, match="YYYY-MM"):
        layout.curated_month("w", "s", month)


@pytest.mark.parametrize("sha", ["", "A" * 64, "a" * 63, "../../secret"])
def test_a_hash_that_is_none_is_refused(sha: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        layout.raw("w", "s", sha)


@pytest.mark.parametrize("key", ["file.csv", "w/file.csv", "w//file.csv", "w/s/"])
def test_a_landing_key_without_source_folder_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="<workload>/<source>"):
        layout.LandedFile.parse(key)


def test_a_landed_file_may_lie_in_sub_folders() -> None:
    assert layout.LandedFile.parse("w/s/2013/jan.csv") == layout.LandedFile("w", "s", "2013/jan.csv")


@given(st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)), st.integers(0, 500_000))
def test_hour_folders_sort_as_their_hours_do(start: datetime, minutes: int) -> None:
    later = start + timedelta(minutes=minutes)
    one, other = (layout.capture_hour("w", "e", "v", moment) for moment in (start, later))
    assert one <= other
    assert (one == other) == (f"{start:%Y%m%d%H}" == f"{later:%Y%m%d%H}")


@given(st.from_regex(r"[a-z0-9-]{3,20}", fullmatch=True), st.from_regex(r"[a-z0-9/.]{1,30}", fullmatch=True))
def test_uri_round_trip(bucket: str, key: str) -> None:
    uri = layout.S3Uri(bucket, key)
    assert layout.S3Uri.parse(str(uri)) == uri
