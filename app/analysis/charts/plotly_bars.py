"""Bars, histograms and boxes as Plotly traces."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from app.analysis.charts.plotly_axes import (
    Drawn,
    Json,
    bin_text,
    categories,
    from_zero,
    reference_line,
    spans,
)
from app.analysis.charts.plotly_text import escaped, label, whole
from app.analysis.charts.spec import Chart
from app.analysis.charts.style import MUTED, Theme, are_years, colour, number


def draw_histogram(chart: Chart, theme: Theme) -> Drawn:
    """Bars that touch, one see-through layer a series."""
    edges, time = chart.data["edges"], chart.data["time"]
    pairs = list(pairwise(edges))
    centres, widths = spans(pairs, time=time)
    series = chart.data["series"]
    years = not time and are_years(edges)
    traces = []
    for index, row in enumerate(series):
        name = f"{escaped(row['name'])}<br>" if len(series) > 1 else ""
        hover = [
            f"{name}{bin_text(a, b, years=years)}: {number(count)}"
            for (a, b), count in zip(pairs, row["counts"], strict=True)
        ]
        traces.append(
            {
                "type": "bar",
                "x": centres,
                "y": row["counts"],
                "width": widths,
                "name": label(row["name"]),
                "marker": {
                    "color": colour(index),
                    "opacity": 0.65 if len(series) > 1 else 1,
                    "line": {"width": 0.5, "color": theme.paper},
                },
                "hovertext": hover,
                "hoverinfo": "text",
            }
        )
    axis: Json = {"type": "date"} if time else {}
    return traces, {"barmode": "overlay", "bargap": 0, "xaxis": axis, "yaxis": from_zero()}


def draw_bar(chart: Chart, theme: Theme) -> Drawn:
    """Bars, upright or lying, side by side or stacked, with their numbers or error bars."""
    data = chart.data
    series, lying = data["series"], data["horizontal"]
    traces = [_bar_trace(chart, row, index, theme) for index, row in enumerate(series)]
    axis, value_axis = categories(data["labels"], reverse=lying), from_zero()
    if limits := data.get("value_range"):
        value_axis = {"range": limits}
    layout: Json = {
        "barmode": "stack" if data["stacked"] else "group",
        "bargap": 0.25,
        "xaxis": value_axis if lying else axis,
        "yaxis": axis if lying else value_axis,
    }
    if lying:
        rows = max(3, len(data["labels"])) * (1 if data["stacked"] else len(series))
        layout["height"] = 170 + 26 * rows
    if reference := data.get("reference"):
        layout |= reference_line(reference, theme, lying=lying)
    return traces, layout


def _bar_trace(chart: Chart, row: Json, index: int, theme: Theme) -> Json:
    data, lying = chart.data, chart.data["horizontal"]
    places = list(range(len(data["labels"])))
    muted = set(data["muted"])
    trace: Json = {
        "type": "bar",
        "orientation": "h" if lying else "v",
        "x": row["values"] if lying else places,
        "y": places if lying else row["values"],
        "name": label(row["name"]),
        "marker": {"color": [MUTED if i in muted else colour(index) for i in places]},
        "hovertext": _hovers(data, row),
        "hoverinfo": "text",
    }
    if errors := row.get("errors"):
        bar: Json = {"type": "data", "array": errors, "thickness": 1.5, "width": 3}
        trace["error_x" if lying else "error_y"] = bar | {"color": theme.faint}
    elif len(data["series"]) == 1 and len(places) <= 25:
        digits = 3 if chart.unit == "%" else 4
        years = data.get("years", False)
        trace["text"] = [number(value, digits, years=years) for value in row["values"]]
        trace |= {"textposition": "outside", "cliponaxis": False}
    return trace


def _hovers(data: Mapping[str, Any], row: Json) -> list[str]:
    """The whole label, the number, and ± its error where there is one."""
    name = escaped(row["name"])
    labels, years = data["labels"], data.get("years", False)
    errors = row.get("errors") or [None] * len(labels)
    return [
        f"{whole(text)}<br>{name}: {number(value, 4, years=years)}"
        + ("" if error is None else f" ± {number(error)}")
        for text, value, error in zip(labels, row["values"], errors, strict=True)
    ]


def draw_box(chart: Chart, theme: Theme) -> Drawn:
    """Lying boxes with the number of rows under each label."""
    boxes = chart.data["boxes"]
    drawn = [(i, b) for i, b in enumerate(boxes) if b["median"] is not None]
    trace: Json = {
        "type": "box",
        "orientation": "h",
        "y": [i for i, _ in drawn],
        "q1": [b["q1"] for _, b in drawn],
        "median": [b["median"] for _, b in drawn],
        "q3": [b["q3"] for _, b in drawn],
        "lowerfence": [b["low"] for _, b in drawn],
        "upperfence": [b["high"] for _, b in drawn],
        "marker": {"color": colour(0)},
        "line": {"color": colour(0)},
        "name": label(chart.y_label),
        "showlegend": False,
    }
    beyond = [(value, i) for i, b in drawn for value in b["outliers"]]
    points: Json = {
        "type": "scatter",
        "mode": "markers",
        "showlegend": False,
        "name": "outliers",
        "x": [value for value, _ in beyond],
        "y": [i for _, i in beyond],
        "marker": {"color": theme.faint, "size": 4, "opacity": 0.6},
    }
    axis = categories([b["label"] for b in boxes], reverse=True)
    layout: Json = {"xaxis": {}, "yaxis": axis, "height": 200 + 42 * max(2, len(boxes))}
    return [trace, points] if beyond else [trace], layout
