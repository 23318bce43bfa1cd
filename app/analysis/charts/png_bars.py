"""How bars, histograms and boxes are drawn on a matplotlib axes."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from app.analysis.charts.png_axes import (
    Legend,
    category_axis,
    floats,
    number_axis,
    reference_line,
    time_axis,
)
from app.analysis.charts.spec import Chart
from app.analysis.charts.style import MUTED, Theme, colour, number, short


def draw_histogram(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    """Bars that touch, one see-through layer a series."""
    data = chart.data
    edges = floats(data["edges"], time=data["time"])
    if data["time"]:
        time_axis(axes)
    else:
        number_axis(axes.xaxis, data["edges"])
    series = data["series"]
    legend: Legend = []
    for index, row in enumerate(series):
        counts = np.nan_to_num(floats(row["counts"]))
        patch = axes.bar(
            edges[:-1],
            counts,
            width=np.diff(edges),
            align="edge",
            color=colour(index),
            alpha=0.6 if len(series) > 1 else 1.0,
            edgecolor=theme.paper,
            linewidth=0.5,
        )
        legend.append((patch, row["name"]))
    number_axis(axes.yaxis)
    axes.grid(axis="y")
    return legend if len(series) > 1 else []


def draw_bar(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    """Bars, upright or lying, side by side or stacked, with their numbers and error bars."""
    data = chart.data
    series, lying, stacked = data["series"], data["horizontal"], data["stacked"]
    places = np.arange(len(data["labels"]), dtype=float)
    many = 1 if stacked else max(1, len(series))
    bottom = np.zeros(len(places))
    legend: Legend = []
    for index, row in enumerate(series):
        values = floats(row["values"])
        at = places + (0.0 if stacked else (index - (many - 1) / 2) * 0.76 / many)
        shades = [MUTED if i in data["muted"] else colour(index) for i in range(len(places))]
        draw = axes.barh if lying else axes.bar
        patch = draw(at, values, 0.76 / many, bottom, color=shades)
        legend.append((patch, row["name"]))
        if stacked:
            bottom = bottom + np.nan_to_num(values)
        spread = floats(row.get("errors") or [None] * len(values))
        _error_bars(axes, at, values, spread, theme, lying=lying)
        if len(series) == 1 and len(places) <= 25:
            _numbers_at_ends(axes, at, values, np.nan_to_num(spread), theme, chart)
    category_axis(axes, data["labels"], lying=lying)
    number_axis(axes.xaxis if lying else axes.yaxis, years=data.get("years", False))
    if limits := data.get("value_range"):
        (axes.set_xlim if lying else axes.set_ylim)(*limits)
    axes.grid(axis="x" if lying else "y")
    if reference := data.get("reference"):
        reference_line(axes, reference, theme, lying=lying)
    return legend if len(series) > 1 else []


def _error_bars(
    axes: Axes, places: Any, values: Any, spread: Any, theme: Theme, *, lying: bool
) -> None:
    if not np.isfinite(spread).any():
        return
    axes.errorbar(
        values if lying else places,
        places if lying else values,
        xerr=spread if lying else None,
        yerr=None if lying else spread,
        fmt="none",
        ecolor=theme.faint,
        elinewidth=1.4,
        capsize=3,
    )


def _numbers_at_ends(
    axes: Axes, places: Any, values: Any, spread: Any, theme: Theme, chart: Chart
) -> None:
    """Each bar's number beyond its end and its error bar; of a negative bar, beyond zero."""
    lying, years = chart.data["horizontal"], chart.data.get("years", False)
    digits = 3 if chart.unit == "%" else 4
    if not np.isfinite(values).any():
        return
    axes.margins(x=0.14) if lying else axes.margins(y=0.14)
    for place, value, reach in zip(places, values, spread, strict=True):
        if not np.isfinite(value):
            continue
        end = max(0.0, value + reach)
        axes.annotate(
            number(float(value), digits, years=years),
            (end, place) if lying else (place, end),
            xytext=(4, 0) if lying else (0, 3),
            textcoords="offset points",
            fontsize=9,
            color=theme.faint,
            ha="left" if lying else "center",
            va="center" if lying else "bottom",
        )


def draw_box(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    """Lying boxes with the number of rows under each label."""
    boxes = chart.data["boxes"]
    drawn = [(place, box) for place, box in enumerate(boxes) if box["median"] is not None]
    stats = [
        {
            "med": b["median"],
            "q1": b["q1"],
            "q3": b["q3"],
            "whislo": b["low"],
            "whishi": b["high"],
            "fliers": b["outliers"],
        }
        for _, b in drawn
    ]
    if stats:
        axes.bxp(
            stats,
            positions=[place for place, _ in drawn],
            orientation="horizontal",
            widths=0.55,
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": to_rgba(colour(0), 0.25), "edgecolor": colour(0)},
            medianprops={"color": colour(1), "linewidth": 2},
            whiskerprops={"color": colour(0)},
            capprops={"color": colour(0)},
            flierprops={
                "marker": ".",
                "markersize": 4,
                "markeredgecolor": "none",
                "markerfacecolor": theme.faint,
                "alpha": 0.5,
            },
        )
    labels = [f"{short(b['label'], 24)}\n{b['n']:,} rows" for b in boxes]
    axes.set_yticks(range(len(boxes)), labels)
    axes.set_ylim(max(0.5, len(boxes) - 0.5), -0.5)
    number_axis(axes.xaxis, chain.from_iterable([b["low"], b["high"]] for _, b in drawn))
    axes.grid(axis="x")
    return []
