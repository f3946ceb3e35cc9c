"""The report shows the result's figures, loads nothing from outside and escapes what it is given."""

from __future__ import annotations

import re

import pytest

from mlops_local.demo.metrics import verdict
from mlops_local.demo.report import headline, render
from mlops_local.demo.result import (
    Decision,
    FileOutcome,
    LineageStep,
    Means,
    MonthResult,
    Package,
    Quality,
    Result,
    Timings,
)

HASH = "3f9a0c51e2b7d4486a1f90c2d7e5b83344aa01ff29cd8e7712ab90de45f06c1b"
FROZEN = (0.651, 0.702, 0.688, 0.679, 0.671, 0.662, 0.649, 0.652, 0.698)
NAIVE = (0.652, 0.721, 0.744, 0.738, 0.719, 0.708, 0.641, 0.632, 0.661)
PLATFORM = (0.651, 0.722, 0.745, 0.739, 0.718, 0.707, 0.652, 0.655, 0.699)
FEATURES = {"temp": 0.52, "humid": 0.21, "pressure": 0.15, "wind_speed": 0.11, "carrier": 0.03, "distance": 0.01}


def _decision(month: str, event: str, decision: str, reason: str, version: int | None = None) -> Decision:
    at = "2026-11-23T22:10:05.120000+00:00"
    return Decision(at=at, month=month, event=event, decision=decision, reason=reason, version=version)


def _month(number: int) -> MonthResult:
    month, index = f"2013-{number:02d}", number - 4
    decisions = [
        _decision(month, "Drift Detected", "drift or lower quality found", "temp 0.52, humid 0.21, pressure 0.15"),
        _decision(month, "Retraining Started", "training started", "27,662 new rows since the last training"),
    ]
    if number % 2:
        decisions.append(_decision(month, "Model Rejected", "challenger rejected", "auc 0.6612 against 0.6640"))
    else:
        decisions.append(
            _decision(
                month, "Model Registered", f"version {number} registered (Approved)", "auc 0.70 beats 0.66", number
            )
        )
        decisions.append(
            _decision(month, "Deployment Succeeded", f"version {number} serves", "endpoint verified", number)
        )
    return MonthResult(
        month=month,
        rows=27_000 + number,
        frozen=Quality(auc=FROZEN[index], log_loss=0.51, rows=27_000 + number),
        naive=Quality(auc=NAIVE[index], log_loss=0.50, rows=27_000 + number),
        platform=Quality(auc=PLATFORM[index], log_loss=0.49, rows=27_000 + number),
        served_versions={str(number // 2): 27_000 + number},
        drift={name: round(score * (0.3 + index / 9), 3) for name, score in FEATURES.items()},
        drifted=["temp"] if number % 2 else [],
        violations=[],
        monitor="Drift Detected",
        decisions=decisions,
        files_landed=7,
        files_rejected=0,
        seconds=21.5,
    )


def sample() -> Result:
    """A made-up result of nine months, also for looking at the page."""
    months = [_month(number) for number in range(4, 13)]

    def mean(values: tuple[float, ...]) -> Quality:
        return Quality(auc=sum(values) / len(values), log_loss=0.5, rows=243_072)

    means = Means(frozen=mean(FROZEN), naive=mean(NAIVE), platform=mean(PLATFORM))
    rejected = FileOutcome(
        month="2013-05",
        dataset="flights",
        file="flights-2013-05-1-cut-off.csv",
        outcome="rejected",
        rows=0,
        rows_quarantined=0,
        reason_code="broken_row",
        reason="row 3213 has 4 fields, expected 14",
        quarantine_uri=f"s3://quarantine/flight-delays/flights/{HASH}/flights-2013-05-1-cut-off.csv",
        fault="the upload broke off in the middle of a row",
    )
    contradiction = rejected.model_copy(
        update={
            "outcome": "ready",
            "reason_code": "",
            "rows_quarantined": 25,
            "fault": "25 labels contradict",
            "reason": "",
        }
    )
    return Result(
        workload="flight-delays",
        environment="local",
        months=months,
        means=means,
        beats_both=True,
        verdict=verdict(means),
        history_decisions=[
            _decision("history", "Retraining Started", "training started", "the first model"),
            _decision("history", "Model Registered", "version 1 registered (Approved)", "no champion yet", 1),
        ],
        files=[rejected, contradiction],
        packages=[
            Package(
                version=version,
                arn=f"arn:aws:sagemaker:us-east-1:000000000000:model-package/flight-delays-local/{version}",
                month="history" if version == 1 else "2013-06",
                reason="auc 0.7012 beats the champion's 0.6640",
                metrics={"auc": 0.7012},
                champion_metrics=None if version == 1 else {"auc": 0.664},
                snapshot_id=HASH,
                deployed=True,
            )
            for version in (1, 2)
        ],
        lineage=[
            LineageStep(kind="data snapshot", address="s3://artefacts/flight-delays/runs/r-1/snapshot.json", hash=HASH),
            LineageStep(kind="training job", address="arn:aws:sagemaker:us-east-1:0:training-job/train-r-1", hash=""),
            LineageStep(kind="endpoint", address="arn:aws:sagemaker:us-east-1:0:endpoint/flight-delays-local", hash=""),
        ],
        timings=Timings(functions={}, drift_to_endpoint_seconds=None),
        wall_seconds={"cdk deploy --all": 41.2, "April": 21.5},
        peak_memory_bytes=int(2.1 * 1024**3),
        tools={"python": "3.11.7", "ministack": "1.5.33"},
    )


@pytest.fixture(scope="module")
def result() -> Result:
    return sample()


@pytest.fixture(scope="module")
def page(result: Result) -> str:
    return render(result)


def test_every_quality_figure_of_every_month_is_on_the_page(page: str) -> None:
    for value in (*FROZEN, *NAIVE, *PLATFORM):
        assert f"{value:.3f}" in page


def test_only_features_beyond_their_threshold_are_framed(page: str, result: Result) -> None:
    framed = sum(len(month.drifted) for month in result.months)
    assert 0 < framed < len(result.months)
    assert page.count('<td class="beyond"') == framed
    (row,) = re.findall(r'<tr><th scope="row">temp</th>(.*?)</tr>', page, re.DOTALL)
    assert row.count('class="beyond"') == framed


def test_headline_counts_trainings_rejections_and_versions(result: Result) -> None:
    assert headline(result).startswith(
        "243,072 flights were scored in 9 months; drift led to 9 trainings, 4 challengers"
    )


def test_headline_counts_only_versions_that_served(result: Result) -> None:
    assert headline(result).endswith("and 2 model versions came to serve.")
    kept = [result.packages[0], result.packages[1].model_copy(update={"deployed": False})]
    assert headline(result.model_copy(update={"packages": kept})).endswith("and 1 model version came to serve.")


def test_page_loads_nothing_from_outside(page: str) -> None:
    assert not re.search(r"""(src|href)\s*=|url\(|@import|<script""", page)


def test_text_from_events_and_files_is_escaped(result: Result) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    file = result.files[0].model_copy(update={"reason": hostile, "file": hostile})
    month = result.months[0].model_copy(
        update={"decisions": [_decision("2013-04", hostile, hostile, hostile)], "drift": {hostile: 0.3}}
    )
    page = render(result.model_copy(update={"files": [file], "months": [month]}))
    assert hostile not in page
    assert "&lt;img src=x" in page


def test_page_says_plainly_when_the_platform_did_not_win(result: Result) -> None:
    worse = result.means.model_copy(update={"platform": Quality(auc=0.5, log_loss=0.7, rows=1)})
    said = verdict(worse)
    assert said.startswith("The platform did not beat the frozen model nor naive retraining")
    assert said in render(result.model_copy(update={"verdict": said}))


def test_one_month_renders(result: Result) -> None:
    assert "April" in render(result.model_copy(update={"months": result.months[:1]}))


def test_reason_of_every_rejected_file_and_every_lineage_hash_is_shown(page: str) -> None:
    assert "row 3213 has 4 fields, expected 14" in page
    assert "25 rows quarantined" in page
    assert HASH in page
