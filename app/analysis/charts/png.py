"""A chart as a PNG, drawn by matplotlib without a display and without its global state."""

from __future__ import annotations

import io
import logging
import warnings

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from app.analysis.charts import png_marks
from app.analysis.charts.png_axes import Legend
from app.analysis.charts.png_text import literal
from app.analysis.charts.spec import Chart
from app.analysis.charts.style import (
    DARK,
    DPI,
    HEIGHT_IN,
    LEGEND_WIDTH,
    LIGHT,
    NOTE_WIDTH,
    TITLE_WIDTH,
    WIDTH_IN,
    Theme,
    short,
    wrapped,
)

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def render_png(chart: Chart, *, dark: bool = False) -> bytes:
    """``chart`` as the bytes of a PNG, 1,080 pixels wide and as high as its rows need."""
    theme = DARK if dark else LIGHT
    figure = Figure(
        figsize=(WIDTH_IN, _height(chart)), dpi=DPI, facecolor=theme.paper, layout="constrained"
    )
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _dress(axes, theme)
    if png_marks.is_empty(chart):
        _say_nothing(axes, theme)
    else:
        _legend(axes, png_marks.draw(axes, chart, theme), theme)
    _texts(figure, axes, chart, theme)
    literal(figure, theme.ink)
    return _bytes(figure)


def _height(chart: Chart) -> float:
    """Inches: bars, boxes and rows that lie need room each."""
    data = chart.data
    if chart.mark == "bar" and data["horizontal"]:
        each = 1 if data["stacked"] else max(1, len(data["series"]) * 0.7)
        return min(16.0, max(2.8, 1.5 + 0.27 * len(data["labels"]) * each))
    if chart.mark == "box":
        return min(16.0, max(2.8, 1.4 + 0.55 * len(data["boxes"])))
    if chart.mark == "heatmap":
        return min(9.5, max(HEIGHT_IN, 2.2 + 0.22 * len(data["y"])))
    return HEIGHT_IN


def _dress(axes: Axes, theme: Theme) -> None:
    axes.set_facecolor(theme.paper)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme.faint, labelsize=10, length=3)
    axes.grid(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.grid)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_tick_params(grid_color=theme.grid, grid_linewidth=0.8)


def _texts(figure: Figure, axes: Axes, chart: Chart, theme: Theme) -> None:
    figure.suptitle(
        wrapped(chart.title, TITLE_WIDTH, 3),
        x=0.012,
        ha="left",
        fontsize=13,
        fontweight="bold",
        color=theme.ink,
    )
    unit = f" ({short(chart.unit, 20)})" if chart.unit and chart.mark != "heatmap" else ""
    value_on_x = chart.mark in ("box", "histogram") or chart.data.get("horizontal", False)
    x_label, y_label = chart.x_label, chart.y_label
    if x_label:
        axes.set_xlabel(short(x_label, 60) + (unit if value_on_x else ""), fontsize=11)
    if y_label:
        axes.set_ylabel(
            short(y_label, int(8 * figure.get_figheight())) + ("" if value_on_x else unit),
            fontsize=11,
        )
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(theme.faint)
    if chart.notes:
        figure.supxlabel(
            wrapped(" ".join(chart.notes), NOTE_WIDTH, 3),
            x=0.012,
            ha="left",
            fontsize=9,
            color=theme.faint,
        )


def _legend(axes: Axes, entries: Legend, theme: Theme) -> None:
    """A legend above the axes. Its texts are set afterwards: a label with ``_`` would vanish."""
    if not entries:
        return
    names = [short(name, 24) for _, name in entries]
    # Long names take more of a line than four places leave them.
    beside = max(1, LEGEND_WIDTH // (max(map(len, names)) + 5))
    legend = axes.legend(
        [handle for handle, _ in entries],
        [str(i) for i in range(len(entries))],
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=min(4, beside, len(entries)),
        frameon=False,
        fontsize=10,
        handlelength=1.4,
        columnspacing=1.2,
        borderaxespad=0.3,
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)
        text.set_color(theme.ink)


def _say_nothing(axes: Axes, theme: Theme) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(
        0.5,
        0.5,
        "no values to show",
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=13,
        color=theme.faint,
    )


def _bytes(figure: Figure) -> bytes:
    """The PNG; a glyph that no font has is drawn as a box, without a warning each time."""
    out = io.BytesIO()
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*missing.*")
        # savefig would draw twice, first for the layout alone.
        canvas.print_png(out, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return out.getvalue()
