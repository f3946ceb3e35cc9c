"""Renders the result as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mlops_local.demo.charts import Series, css_class, heat_rows, line_chart
from mlops_local.demo.months import Month
from mlops_local.demo.result import Decision, Result

_TEMPLATES = Path(__file__).parent / "templates"


def write_report(result: Result, path: Path) -> None:
    """Write the report; it loads nothing from anywhere."""
    path.write_text(render(result), encoding="utf-8")


def render(result: Result) -> str:
    """The report as HTML; every text from outside is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clock": _clock, "short": short, "month": month_name, "css": css_class}
    return environment.get_template("report.html").render(
        result=result,
        headline=headline(result),
        charts=[
            _chart(result, width=920, height=330, abbreviate=3),
            _chart(result, width=360, height=280, abbreviate=1),
        ],
        heat=heat_rows([month.drift for month in result.months], [month.drifted for month in result.months]),
        first_training=[one for one in result.history_decisions if one.event != "Retraining Requested"],
        rejected=[file for file in result.files if file.outcome == "rejected" or file.fault or file.rows_quarantined],
        total_seconds=sum(result.wall_seconds.values()),
        months_argument=_months_argument(result),
    )


def headline(result: Result) -> str:
    """What happened, in one sentence with figures."""
    rows, months = sum(month.rows for month in result.months), len(result.months)
    trainings = _count(result, "Retraining Started") - 1  # the first is not a retraining
    versions, refused = sum(package.deployed for package in result.packages), _count(result, "Model Rejected")
    return (
        f"{rows:,} flights were scored in {months} month{'s' if months != 1 else ''}; drift led to {trainings} "
        f"training{'s' if trainings != 1 else ''}, {refused} challenger{'s' if refused != 1 else ''} "
        f"{'were' if refused != 1 else 'was'} turned down, and {versions} model version{'s' if versions != 1 else ''} "
        f"came to serve."
    )


def short(text: str, length: int = 16) -> str:
    """The beginning of a long hash or address, with an ellipsis."""
    return text if len(text) <= length else f"{text[:length]}…"


def month_name(month: str) -> str:
    """`April` for `2013-04`."""
    return Month(int(month[-2:])).name


def _count(result: Result, event: str) -> int:
    everything: list[Decision] = [
        *result.history_decisions,
        *(one for month in result.months for one in month.decisions),
    ]
    return sum(one.event == event for one in everything)


def _chart(result: Result, *, width: int, height: int, abbreviate: int) -> Markup:
    labels = [month_name(month.month)[:abbreviate] for month in result.months]
    return line_chart(
        labels,
        [
            Series(style="frozen", name="frozen in March", values=_auc(result, "frozen")),
            Series(style="naive", name="naive retraining", values=_auc(result, "naive")),
            Series(style="platform", name="platform", values=_auc(result, "platform")),
        ],
        width=width,
        height=height,
        title="Area under the ROC curve by month for the three ways to serve; the table below has the numbers",
    )


def _auc(result: Result, which: str) -> Sequence[float]:
    return [getattr(month, which).auc for month in result.months]


def _clock(timestamp: str) -> str:
    return datetime.fromisoformat(timestamp).strftime("%H:%M:%S")


def _months_argument(result: Result) -> str:
    first, last = int(result.months[0].month[-2:]), int(result.months[-1].month[-2:])
    return f"{first}-{last}" if last > first else str(first)
