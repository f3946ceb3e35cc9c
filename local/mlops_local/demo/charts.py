"""Charts of the report as inline SVG: drawn once for wide and once for narrow screens, so that text stays readable."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from markupsafe import Markup, escape

STEP = 0.05  # of the AUC axis


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line: CSS class, name for the legend, one value per month."""

    style: str
    name: str
    values: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """Maps months and values to pixels."""

    width: int
    height: int
    count: int
    low: float
    high: float
    left: int = 44
    right: int = 14
    top: int = 14
    bottom: int = 30

    def x(self, index: int) -> float:
        usable = self.width - self.left - self.right
        return self.left + (usable / 2 if self.count == 1 else usable * (0.03 + 0.94 * index / (self.count - 1)))

    def y(self, value: float) -> float:
        usable = self.height - self.top - self.bottom
        return self.top + usable * (self.high - value) / (self.high - self.low)


def line_chart(labels: Sequence[str], series: Sequence[Series], *, width: int, height: int, title: str) -> Markup:
    """Lines over months with a value axis that spans the data, every value reachable as a tooltip.

    Args:
        labels: one per month.
        series: drawn in order, the last on top.
        width: of the drawing, in pixels; the page scales it down but never up.
        height: in pixels.
        title: read to those who cannot see the chart.
    """
    values = [value for one in series for value in one.values]
    low, high = floor(min(values) / STEP) * STEP, ceil(max(values) / STEP) * STEP
    frame = _Frame(width=width, height=height, count=len(labels), low=low, high=high if high > low else low + STEP)
    parts = [*_grid(frame), *_months(frame, labels), *(_line(frame, labels, one) for one in series)]
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}" style="max-width:{}px">{}</svg>').format(
        width, height, title, width, Markup("").join(parts)
    )


def _grid(frame: _Frame) -> list[Markup]:
    lines = []
    for number in range(round((frame.high - frame.low) / STEP) + 1):
        value = frame.low + number * STEP
        y = round(frame.y(value), 1)
        lines.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                frame.left, frame.width - frame.right, y, y
            )
        )
        lines.append(
            Markup('<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>').format(
                frame.left - 7, y + 4, f"{value:.2f}"
            )
        )
    return lines


def _months(frame: _Frame, labels: Sequence[str]) -> list[Markup]:
    return [
        Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            round(frame.x(index), 1), frame.height - 9, label
        )
        for index, label in enumerate(labels)
    ]


def _line(frame: _Frame, labels: Sequence[str], one: Series) -> Markup:
    points = [(round(frame.x(index), 1), round(frame.y(value), 1)) for index, value in enumerate(one.values)]
    path = " ".join(f"{x},{y}" for x, y in points)
    dots = [
        Markup('<circle cx="{}" cy="{}" r="4"><title>{}</title></circle>').format(
            x, y, f"{one.name}, {label}: {value:.3f}"
        )
        for (x, y), label, value in zip(points, labels, one.values, strict=True)
    ]
    return Markup('<g class="series {}"><polyline points="{}"/>{}</g>').format(one.style, path, Markup("").join(dots))


@dataclass(frozen=True, kw_only=True)
class HeatRow:
    """Drift of one feature over the months; None where the monitor said nothing."""

    feature: str
    cells: Sequence[HeatCell]


@dataclass(frozen=True, kw_only=True)
class HeatCell:
    """One cell: shown text, background and text colour, and whether the feature was beyond its threshold."""

    text: str
    background: str
    colour: str
    beyond: bool


def heat_rows(drift: Sequence[Mapping[str, float]], drifted: Sequence[Collection[str]]) -> list[HeatRow]:
    """Features by falling mean drift; colour grows with the score up to 0.5, where it is full.

    Args:
        drift: Score by feature, for each month.
        drifted: Features beyond their threshold, for each month.
    """
    features = {name for month in drift for name in month}
    order = sorted(features, key=lambda name: (-sum(month.get(name, 0.0) for month in drift), name))
    months = list(zip(drift, drifted, strict=True))
    return [
        HeatRow(feature=name, cells=[_cell(scores.get(name), beyond=name in beyond) for scores, beyond in months])
        for name in order
    ]


def _cell(score: float | None, *, beyond: bool) -> HeatCell:
    if score is None:
        return HeatCell(text="", background="transparent", colour="inherit", beyond=beyond)
    strength = min(score / 0.5, 1.0)
    # From white to a dark orange in equal steps per channel; white text where the ground is dark.
    red, green, blue = (round(255 + (end - 255) * strength) for end in (178, 63, 8))
    return HeatCell(
        text=f"{score:.2f}",
        background=f"rgb({red},{green},{blue})",
        colour="#fff" if strength > 0.62 else "#1d2430",
        beyond=beyond,
    )


def css_class(name: str) -> str:
    """A safe CSS class from an event's name, e.g. `Drift Detected` to `drift-detected`."""
    return str(escape(name.lower().replace(" ", "-")))
