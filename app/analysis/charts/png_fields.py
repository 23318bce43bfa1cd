"""How lines, clouds of points and heat maps are drawn on a matplotlib axes."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from app.analysis.charts.png_axes import Legend, floats, number_axis, sparse_ticks, time_axis
from app.analysis.charts.png_text import NumberTicks
from app.analysis.charts.spec import Chart
from app.analysis.charts.style import Theme, colour, short


def draw_line(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    """Lines with gaps where values are missing, and bands."""
    data = chart.data
    legend: Legend = []
    solid = 0
    for row in data["series"]:
        dashed = bool(row.get("dashed"))
        shade = theme.faint if dashed else colour(solid)
        solid += not dashed
        x = floats(row["x"], time=data["time"])
        y = floats(row["y"])
        lonely = np.isfinite(y).sum() == 1
        if row.get("lower"):
            axes.fill_between(
                x,
                floats(row["lower"]),
                floats(row["upper"]),
                color=shade,
                alpha=0.18,
                linewidth=0,
            )
        (handle,) = axes.plot(
            x,
            y,
            color=shade,
            linewidth=1.3 if dashed else 1.9,
            linestyle="--" if dashed else "-",
            marker="o" if (data["markers"] or lonely) and not dashed else None,
            markersize=4.5,
        )
        legend.append((handle, row["name"]))
    if data["time"]:
        time_axis(axes)
    else:
        number_axis(axes.xaxis, chain.from_iterable(row["x"] for row in data["series"]))
    number_axis(axes.yaxis, years=data.get("years", False))
    for limits, setter in (
        (data.get("x_range"), axes.set_xlim),
        (data.get("y_range"), axes.set_ylim),
    ):
        if limits:
            margin = 0.02 * (limits[1] - limits[0])
            setter(limits[0] - margin, limits[1] + margin)
    axes.grid(True)
    return legend if len(legend) > 1 else []


def draw_scatter(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    """Clouds of points and the line to read them by."""
    data = chart.data
    total = sum(len(row["x"]) for row in data["series"])
    size, alpha = (28, 0.8) if total <= 200 else (11, 0.4)
    legend: Legend = []
    for index, row in enumerate(data["series"]):
        axes.scatter(
            floats(row["x"]),
            floats(row["y"]),
            s=size,
            alpha=alpha,
            color=colour(index),
            linewidths=0,
        )
        handle = axes.scatter([], [], s=30, color=colour(index), linewidths=0)
        legend.append((handle, row["name"]))
    if guide := data.get("guide"):
        (stroke,) = axes.plot(
            floats(guide["x"]), floats(guide["y"]), "--", color=theme.faint, linewidth=1.3
        )
        legend.append((stroke, guide["name"]))
    years = data.get("years", (False, False))
    for axis, key, told in ((axes.xaxis, "x", years[0]), (axes.yaxis, "y", years[1])):
        number_axis(axis, chain.from_iterable(row[key] for row in data["series"]), years=told)
    axes.grid(True)
    return legend if len(legend) > 1 else []


def draw_heatmap(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    """A field of colour with its scale, the numbers written in where given."""
    data = chart.data
    stops = theme.diverging if data["diverging"] else theme.sequential
    scale = LinearSegmentedColormap.from_list("uam", stops, bad=theme.paper)
    field = np.array([floats(row) for row in data["z"]], dtype=float)
    if field.size == 0:
        return []
    image = axes.imshow(
        field,
        cmap=scale,
        vmin=data["low"],
        vmax=data["high"],
        aspect="auto",
        interpolation="nearest",
    )
    along = 11 if chart.kind == "missingness" else 50
    sparse_ticks(axes.set_xticks, data["x"], upright=len(data["x"]) > 5, most=along)
    sparse_ticks(axes.set_yticks, data["y"])
    axes.tick_params(length=0)
    if data.get("text"):
        _cell_texts(axes, image, field, data["text"])
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.04, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(NumberTicks())
    bar.ax.tick_params(length=0, labelsize=9, colors=theme.faint)
    if chart.unit:
        bar.set_label(short(chart.unit, 40), fontsize=10, color=theme.faint)
    return []


def _cell_texts(axes: Axes, image: Any, field: Any, texts: Any) -> None:
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            if not np.isfinite(field[row, column]):
                continue
            red, green, blue, _ = image.cmap(image.norm(field[row, column]))
            bright = 0.299 * red + 0.587 * green + 0.114 * blue > 0.55
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                fontsize=9,
                color="#1F2933" if bright else "#FFFFFE",
            )
