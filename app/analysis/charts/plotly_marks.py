"""Which mark becomes which Plotly traces."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.analysis.charts.plotly_axes import Drawn
from app.analysis.charts.plotly_bars import draw_bar, draw_box, draw_histogram
from app.analysis.charts.plotly_fields import draw_heatmap, draw_line, draw_scatter
from app.analysis.charts.spec import Chart, Mark
from app.analysis.charts.style import Theme

_MARKS: Mapping[Mark, Callable[[Chart, Theme], Drawn]] = {
    "histogram": draw_histogram,
    "bar": draw_bar,
    "line": draw_line,
    "scatter": draw_scatter,
    "box": draw_box,
    "heatmap": draw_heatmap,
}


def draw(chart: Chart, theme: Theme) -> Drawn:
    """The traces of ``chart`` and their axes."""
    return _MARKS[chart.mark](chart, theme)
