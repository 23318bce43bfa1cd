"""Which mark is drawn how on a matplotlib axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from app.analysis.charts.png_axes import Legend
from app.analysis.charts.png_bars import draw_bar, draw_box, draw_histogram
from app.analysis.charts.png_fields import draw_heatmap, draw_line, draw_scatter
from app.analysis.charts.spec import Chart, Mark
from app.analysis.charts.style import Theme

_MARKS: Mapping[Mark, Callable[[Axes, Chart, Theme], Legend]] = {
    "histogram": draw_histogram,
    "bar": draw_bar,
    "line": draw_line,
    "scatter": draw_scatter,
    "box": draw_box,
    "heatmap": draw_heatmap,
}


def draw(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    """Draw ``chart`` on ``axes``; returns what a legend should hold."""
    return _MARKS[chart.mark](axes, chart, theme)


def is_empty(chart: Chart) -> bool:
    """Whether the chart has no value to draw."""
    data = chart.data
    if chart.mark == "box":
        rows: list[Sequence[Any]] = [[box["median"] for box in data["boxes"]]]
    elif chart.mark == "heatmap":
        rows = data["z"]
    else:
        field = {"histogram": "counts", "bar": "values"}.get(chart.mark, "y")
        rows = [row[field] for row in data["series"]]
    return all(value is None for row in rows for value in row)
