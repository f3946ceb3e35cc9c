"""From the report's files to the event and the metrics: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mlops_runtime.errors import ReportInvalid
from mlops_runtime.evaluation import metrics_of, rows_of
from mlops_runtime.events import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef

DetailType = Literal["Drift Detected", "Monitoring Completed", "No Traffic"]

# Step Functions hands at most 256 KiB from state to state, EventBridge takes as much per entry: the violations, the
# only part without natural bound, get less than half of it.
MAX_VIOLATIONS_BYTES = 96 * 1024
_MAX_DESCRIPTION = 500


@dataclass(frozen=True)
class Report:
    """What one window looked like; `violations` is complete, however many there are."""

    rows: int
    labelled_rows: int
    violations: Sequence[Violation]
    drift: Mapping[str, float]
    quality: Mapping[str, float]

    @property
    def detail_type(self) -> DetailType:
        """The event the window ends in."""
        if self.rows == 0:
            return "No Traffic"
        return "Drift Detected" if self.violations else "Monitoring Completed"


def read_report(violations: object, quality: object, where: str) -> Report:
    """Read `constraint_violations.json` and `quality.json`.

    Raises:
        ReportInvalid: One of them has another layout.
    """
    if not isinstance(quality, dict):
        raise ReportInvalid(f"{where}quality.json: expected an object, got {type(quality).__name__}")
    here = f"{where}quality.json"
    drift = quality.get("drift", {})
    if not isinstance(drift, dict) or not all(isinstance(score, int | float) for score in drift.values()):
        raise ReportInvalid(f"{here}: drift must be scores by feature, got {drift!r}")
    return Report(
        rows=rows_of(quality, "rows", here, ReportInvalid),
        labelled_rows=rows_of(quality, "labelled_rows", here, ReportInvalid),
        violations=_violations(violations, f"{where}constraint_violations.json"),
        drift={str(feature): float(score) for feature, score in drift.items()},
        quality=metrics_of(quality, here, ReportInvalid),
    )


def _violations(document: object, where: str) -> list[Violation]:
    listed = document.get("violations") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ReportInvalid(f"{where}: expected an object with a list of violations")
    try:
        return [
            Violation(
                feature=str(item["feature_name"]),
                check=str(item["constraint_check_type"]),
                description=str(item["description"])[:_MAX_DESCRIPTION],
            )
            for item in listed
        ]
    except (KeyError, TypeError) as error:
        raise ReportInvalid(f"{where}: a violation lacks {error}") from None


def fitting(violations: Sequence[Violation], drift: Mapping[str, float]) -> list[Violation]:
    """As many violations as the bus carries, the most drifted features first; the report in S3 has them all."""
    worst_first = sorted(violations, key=lambda item: -drift.get(item.feature, 0.0))
    kept, size = [], 0
    for violation in worst_first:
        size += len(violation.model_dump_json().encode()) + 1
        if size > MAX_VIOLATIONS_BYTES:
            break
        kept.append(violation)
    return kept


def metric_data(report: Report, environment: str) -> list[MetricDatumTypeDef]:
    """The window as CloudWatch metrics."""
    data = [
        _datum("PredictionRows", report.rows, environment),
        _datum("LabelledRows", report.labelled_rows, environment),
        _datum("ConstraintViolations", len(report.violations), environment),
    ]
    data += [_datum("FeatureDrift", score, environment, Feature=name) for name, score in sorted(report.drift.items())]
    data += [_datum("ModelQuality", value, environment, Metric=name) for name, value in sorted(report.quality.items())]
    return data


def _datum(name: str, value: float, environment: str, **dimensions: str) -> MetricDatumTypeDef:
    named = {"Environment": environment, **dimensions}
    return {
        "MetricName": name,
        "Value": value,
        "Unit": "None" if dimensions else "Count",
        "Dimensions": [{"Name": key, "Value": text} for key, text in named.items()],
    }
