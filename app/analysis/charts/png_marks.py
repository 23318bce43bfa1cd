"""How each mark is drawn on a matplotlib axes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import MaxNLocator

from app.analysis.charts.png_text import NumberTicks
from app.analysis.charts.spec import Chart, Mark
from app.analysis.charts.style import MUTED, Theme, colour, number, short

Legend = list[tuple[Any, str]]
"""Handles and their labels, for the charts that need a legend."""


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


def _histogram(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    data = chart.data
    edges = _numbers(data["edges"], time=data["time"])
    if data["time"]:
        _time_axis(axes)
    else:
        _number_axis(axes.xaxis)
    series = data["series"]
    legend: Legend = []
    for index, row in enumerate(series):
        counts = np.array([count or 0 for count in row["counts"]], dtype=float)
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
    _number_axis(axes.yaxis)
    axes.grid(axis="y")
    return legend if len(series) > 1 else []


def _bar(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    data = chart.data
    series, lying = data["series"], data["horizontal"]
    places = np.arange(len(data["labels"]), dtype=float)
    many = 1 if data["stacked"] else max(1, len(series))
    thickness = 0.76 / many
    bottom = np.zeros(len(places))
    legend: Legend = []
    for index, row in enumerate(series):
        values = np.array([np.nan if v is None else v for v in row["values"]], dtype=float)
        shift = 0.0 if data["stacked"] else (index - (many - 1) / 2) * thickness
        shades = [MUTED if i in data["muted"] else colour(index) for i in range(len(places))]
        base = bottom if data["stacked"] else np.zeros(len(places))
        if lying:
            patch = axes.barh(places + shift, values, thickness, left=base, color=shades)
        else:
            patch = axes.bar(places + shift, values, thickness, bottom=base, color=shades)
        bottom = bottom + np.nan_to_num(values)
        legend.append((patch, row["name"]))
        _ends(
            axes,
            places + shift,
            values,
            row.get("errors"),
            theme,
            lying=lying,
            told=len(series) == 1 and len(places) <= 25,
        )
    _category_axis(axes, data["labels"], lying=lying)
    _number_axis(axes.xaxis if lying else axes.yaxis)
    axes.grid(axis="x" if lying else "y")
    if reference := data.get("reference"):
        _reference(axes, reference, theme, lying=lying)
    return legend if len(series) > 1 else []


def _ends(
    axes: Axes,
    places: Any,
    values: Any,
    errors: Sequence[float | None] | None,
    theme: Theme,
    *,
    lying: bool,
    told: bool,
) -> None:
    """Error bars where there are errors, else the number at the end of each bar."""
    if errors is not None:
        spread = np.array([np.nan if e is None else e for e in errors], dtype=float)
        where = (values, places) if lying else (places, values)
        axes.errorbar(
            *where,
            xerr=spread if lying else None,
            yerr=None if lying else spread,
            fmt="none",
            ecolor=theme.faint,
            elinewidth=1.4,
            capsize=3,
        )
        return
    if not told or not np.isfinite(values).any():
        return
    axes.margins(x=0.12) if lying else axes.margins(y=0.12)
    for place, value in zip(places, values, strict=True):
        if np.isfinite(value):
            axes.annotate(
                number(float(value)),
                (value, place) if lying else (place, value),
                xytext=((4 if value >= 0 else -4), 0) if lying else (0, 3 if value >= 0 else -3),
                textcoords="offset points",
                fontsize=9,
                color=theme.faint,
                ha=("left" if value >= 0 else "right") if lying else "center",
                va="center" if lying else ("bottom" if value >= 0 else "top"),
            )


def _line(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    data = chart.data
    legend: Legend = []
    solid = 0
    for row in data["series"]:
        dashed = bool(row.get("dashed"))
        shade = theme.faint if dashed else colour(solid)
        solid += not dashed
        x = _numbers(row["x"], time=data["time"])
        y = _numbers(row["y"])
        lonely = np.isfinite(y).sum() == 1
        if row.get("lower"):
            axes.fill_between(
                x,
                _numbers(row["lower"]),
                _numbers(row["upper"]),
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
        _time_axis(axes)
    else:
        _number_axis(axes.xaxis)
    _number_axis(axes.yaxis)
    for limits, setter in (
        (data.get("x_range"), axes.set_xlim),
        (data.get("y_range"), axes.set_ylim),
    ):
        if limits:
            margin = 0.02 * (limits[1] - limits[0])
            setter(limits[0] - margin, limits[1] + margin)
    axes.grid(True)
    return legend if len(legend) > 1 else []


def _scatter(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    data = chart.data
    total = sum(len(row["x"]) for row in data["series"])
    size, alpha = (28, 0.8) if total <= 200 else (11, 0.4)
    legend: Legend = []
    for index, row in enumerate(data["series"]):
        axes.scatter(
            _numbers(row["x"]),
            _numbers(row["y"]),
            s=size,
            alpha=alpha,
            color=colour(index),
            linewidths=0,
        )
        handle = axes.scatter([], [], s=30, color=colour(index), linewidths=0)
        legend.append((handle, row["name"]))
    if guide := data.get("guide"):
        (stroke,) = axes.plot(
            _numbers(guide["x"]), _numbers(guide["y"]), "--", color=theme.faint, linewidth=1.3
        )
        legend.append((stroke, guide["name"]))
    _number_axis(axes.xaxis)
    _number_axis(axes.yaxis)
    axes.grid(True)
    return legend if len(legend) > 1 else []


def _box(axes: Axes, chart: Chart, theme: Theme) -> Legend:
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
    _number_axis(axes.xaxis)
    axes.grid(axis="x")
    return []


def _heatmap(axes: Axes, chart: Chart, theme: Theme) -> Legend:
    data = chart.data
    stops = theme.diverging if data["diverging"] else theme.sequential
    scale = LinearSegmentedColormap.from_list("uam", stops)
    scale.set_bad(theme.paper)
    field = np.array([_numbers(row) for row in data["z"]], dtype=float)
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
    _sparse_ticks(axes.set_xticks, data["x"], upright=len(data["x"]) > 5)
    _sparse_ticks(axes.set_yticks, data["y"])
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


def _category_axis(axes: Axes, labels: Sequence[str], *, lying: bool) -> None:
    texts = [short(label) for label in labels]
    if lying:
        axes.set_yticks(range(len(texts)), texts)
        axes.set_ylim(max(0.5, len(texts) - 0.4), -0.6)
        return
    room = max(8, 84 // max(1, len(texts)))
    axes.set_xticks(range(len(texts)), ["\n".join(textwrap.wrap(t, room)) for t in texts])
    axes.set_xlim(-0.6, max(0.5, len(texts) - 0.4))


def _sparse_ticks(
    setter: Callable[..., Any], labels: Sequence[str], *, upright: bool = False
) -> None:
    """Tick labels of a heat map, thinned to about 40."""
    step = max(1, -(-len(labels) // 40))
    places = list(range(0, len(labels), step))
    size = 10 if len(places) <= 20 else 8
    turned = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if upright else {}
    setter(places, [short(labels[i], 22) for i in places], fontsize=size, **turned)


def _number_axis(axis: Any) -> None:
    axis.set_major_formatter(NumberTicks())
    axis.set_major_locator(MaxNLocator(nbins=7, min_n_ticks=2))


def _time_axis(axes: Axes) -> None:
    locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _numbers(values: Sequence[Any], *, time: bool = False) -> Any:
    """Values as floats with NaN for missing; times as days since 1970, matplotlib's own unit."""
    if time:
        stamps = np.array([v or "NaT" for v in values], dtype="datetime64[us]")
        days: Any = stamps.astype("int64") / 86_400_000_000
        return np.where(np.isnat(stamps), np.nan, days)
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def _reference(axes: Axes, reference: Mapping[str, Any], theme: Theme, *, lying: bool) -> None:
    line = axes.axvline if lying else axes.axhline
    line(reference["value"], color=theme.faint, linestyle="--", linewidth=1.3)
    axes.annotate(
        short(reference["label"], 40),
        (reference["value"], 1.0) if lying else (1.0, reference["value"]),
        xycoords=("data", "axes fraction") if lying else ("axes fraction", "data"),
        xytext=(0, 3) if lying else (0, 2),
        textcoords="offset points",
        fontsize=9,
        color=theme.faint,
        ha="center" if lying else "right",
        va="bottom",
    )


_MARKS: Mapping[Mark, Callable[[Axes, Chart, Theme], Legend]] = {
    "histogram": _histogram,
    "bar": _bar,
    "line": _line,
    "scatter": _scatter,
    "box": _box,
    "heatmap": _heatmap,
}
