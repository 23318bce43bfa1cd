"""The traces of a Plotly figure, and what of the layout they need, mark by mark.

Categories stand at positions 0, 1, 2 … with their labels as tick texts: a category that looks
like a number or a date stays a category, and two that shorten to one label stay two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from app.analysis.charts.plotly_text import escaped, label, whole
from app.analysis.charts.spec import Chart, Mark
from app.analysis.charts.style import MUTED, Theme, colour, number

Json = dict[str, Any]
Drawn = tuple[list[Json], Json]
"""Traces, and the parts of a layout that belong to them."""


def draw(chart: Chart, theme: Theme) -> Drawn:
    """The traces of ``chart`` and their axes."""
    return _MARKS[chart.mark](chart, theme)


def _histogram(chart: Chart, theme: Theme) -> Drawn:
    edges, time = chart.data["edges"], chart.data["time"]
    pairs = list(pairwise(edges))
    centres, widths = _spans(pairs, time=time)
    series = chart.data["series"]
    traces = []
    for index, row in enumerate(series):
        name = f"{escaped(row['name'])}<br>" if len(series) > 1 else ""
        hover = [
            f"{name}{_edge(a)} – {_edge(b)}: {number(count)}"
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
    return traces, {"barmode": "overlay", "bargap": 0, "xaxis": axis, "yaxis": _from_zero()}


def _bar(chart: Chart, theme: Theme) -> Drawn:
    data = chart.data
    series, lying = data["series"], data["horizontal"]
    places = list(range(len(data["labels"])))
    traces = [_bar_trace(chart, row, index, places, theme) for index, row in enumerate(series)]
    axis = _categories(data["labels"], reverse=lying)
    value_axis = _from_zero()
    layout: Json = {"barmode": "stack" if data["stacked"] else "group", "bargap": 0.25}
    layout |= (
        {"xaxis": value_axis, "yaxis": axis} if lying else {"xaxis": axis, "yaxis": value_axis}
    )
    if lying:
        layout["height"] = 170 + 26 * max(3, len(places)) * (1 if data["stacked"] else len(series))
    if reference := data.get("reference"):
        layout |= _reference(reference, theme, lying=lying)
    return traces, layout


def _bar_trace(chart: Chart, row: Json, index: int, places: list[int], theme: Theme) -> Json:
    data, name = chart.data, escaped(row["name"])
    muted = set(data["muted"])
    hover = [
        f"{whole(text)}<br>{name}: {number(value)}"
        for text, value in zip(data["labels"], row["values"], strict=True)
    ]
    lying = data["horizontal"]
    trace: Json = {
        "type": "bar",
        "orientation": "h" if lying else "v",
        "x": row["values"] if lying else places,
        "y": places if lying else row["values"],
        "name": label(row["name"]),
        "marker": {"color": [MUTED if i in muted else colour(index) for i in places]},
        "hovertext": hover,
        "hoverinfo": "text",
    }
    if errors := row.get("errors"):
        trace["error_x" if lying else "error_y"] = {
            "type": "data",
            "array": errors,
            "color": theme.faint,
            "thickness": 1.5,
            "width": 3,
        }
    elif len(data["series"]) == 1 and len(places) <= 25:
        trace |= {
            "text": [number(value) for value in row["values"]],
            "textposition": "outside",
            "cliponaxis": False,
        }
    return trace


def _line(chart: Chart, theme: Theme) -> Drawn:
    data = chart.data
    traces: list[Json] = []
    solid = 0
    for row in data["series"]:
        shade = theme.faint if row.get("dashed") else colour(solid)
        solid += not row.get("dashed")
        if row.get("lower"):
            traces += _band(row, shade)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if data["markers"] and not row.get("dashed") else "lines",
                "x": row["x"],
                "y": row["y"],
                "name": label(row["name"]),
                "line": {
                    "color": shade,
                    "width": 1.5 if row.get("dashed") else 2.2,
                    "dash": "dash" if row.get("dashed") else "solid",
                },
                "connectgaps": False,
            }
        )
    x_axis: Json = {"type": "date"} if data["time"] else {}
    y_axis: Json = {}
    for axis, limits in ((x_axis, data.get("x_range")), (y_axis, data.get("y_range"))):
        if limits:
            margin = 0.02 * (limits[1] - limits[0])
            axis["range"] = [limits[0] - margin, limits[1] + margin]
    return traces, {"xaxis": x_axis, "yaxis": y_axis}


def _band(row: Json, shade: str) -> list[Json]:
    edge: Json = {
        "type": "scatter",
        "mode": "lines",
        "line": {"width": 0, "color": shade},
        "showlegend": False,
        "hoverinfo": "skip",
        "x": row["x"],
    }
    fill = f"rgba({int(shade[1:3], 16)},{int(shade[3:5], 16)},{int(shade[5:7], 16)},0.18)"
    return [
        edge | {"y": row["lower"]},
        edge | {"y": row["upper"], "fill": "tonexty", "fillcolor": fill},
    ]


def _scatter(chart: Chart, theme: Theme) -> Drawn:
    data = chart.data
    whole_count = sum(len(row["x"]) for row in data["series"])
    size, opacity = (8, 0.8) if whole_count <= 200 else (5, 0.45)
    traces: list[Json] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": row["x"],
            "y": row["y"],
            "name": label(row["name"]),
            "marker": {"color": colour(index), "size": size, "opacity": opacity},
        }
        for index, row in enumerate(data["series"])
    ]
    if guide := data.get("guide"):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": guide["x"],
                "y": guide["y"],
                "name": label(guide["name"]),
                "hoverinfo": "skip",
                "line": {"color": theme.faint, "dash": "dash", "width": 1.5},
            }
        )
    return traces, {"xaxis": {}, "yaxis": {}}


def _box(chart: Chart, theme: Theme) -> Drawn:
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
    axis = _categories([b["label"] for b in boxes], reverse=True)
    layout: Json = {"xaxis": {}, "yaxis": axis, "height": 200 + 42 * max(2, len(boxes))}
    return [trace, points] if beyond else [trace], layout


def _heatmap(chart: Chart, theme: Theme) -> Drawn:
    data = chart.data
    stops = theme.diverging if data["diverging"] else theme.sequential
    scale = [[i / (len(stops) - 1), stop] for i, stop in enumerate(stops)]
    hover = [
        [
            f"{whole(y)}<br>{whole(x)}<br>{number(value)}"
            for x, value in zip(data["x"], row, strict=True)
        ]
        for y, row in zip(data["y"], data["z"], strict=True)
    ]
    trace: Json = {
        "type": "heatmap",
        "x": list(range(len(data["x"]))),
        "y": list(range(len(data["y"]))),
        "z": data["z"],
        "zmin": data["low"],
        "zmax": data["high"],
        "zauto": data["low"] is None,
        "colorscale": scale,
        "hovertext": hover,
        "hoverinfo": "text",
        "xgap": 1,
        "ygap": 1,
        "colorbar": {"title": {"text": label(chart.unit or ""), "side": "right"}, "thickness": 12},
    }
    if data.get("text"):
        trace |= {
            "text": [[escaped(t) for t in row] for row in data["text"]],
            "texttemplate": "%{text}",
        }
    x_axis = _categories(data["x"]) | {"showgrid": False}
    y_axis = _categories(data["y"], reverse=True) | {"showgrid": False}
    return [trace], {"xaxis": x_axis, "yaxis": y_axis, "height": 220 + 24 * max(6, len(data["y"]))}


def _categories(labels: Sequence[str], *, reverse: bool = False) -> Json:
    """An axis of categories, thinned to about 40 tick labels."""
    step = max(1, -(-len(labels) // 40))
    places = list(range(0, len(labels), step))
    last = max(0.5, len(labels) - 0.5)
    return {
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [label(labels[i]) for i in places],
        "range": [last, -0.5] if reverse else [-0.5, last],
        "showgrid": False,
    }


def _from_zero() -> Json:
    return {"rangemode": "tozero"}


def _reference(reference: Json, theme: Theme, *, lying: bool) -> Json:
    value = reference["value"]
    along, across = ("x", "y") if lying else ("y", "x")
    line = {
        "type": "line",
        f"{along}0": value,
        f"{along}1": value,
        f"{across}0": 0,
        f"{across}1": 1,
        f"{across}ref": f"{across} domain",
        "line": {"color": theme.faint, "dash": "dash", "width": 1.5},
    }
    note = {
        along: value,
        across: 1,
        f"{across}ref": f"{across} domain",
        "showarrow": False,
        "text": escaped(reference["label"]),
        "font": {"color": theme.faint, "size": 11},
        "yanchor": "bottom",
    }
    return {"shapes": [line], "annotations": [note]}


def _spans(pairs: Sequence[tuple[Any, Any]], *, time: bool) -> tuple[list[Any], list[float]]:
    """The middle and the width of each bin; widths of time are milliseconds."""
    if not time:
        return [(a + b) / 2 for a, b in pairs], [b - a for a, b in pairs]
    ends = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in pairs]
    return [(a + (b - a) / 2).isoformat() for a, b in ends], [
        (b - a).total_seconds() * 1000 for a, b in ends
    ]


def _edge(value: Any) -> str:
    return escaped(value.replace("T", " ")) if isinstance(value, str) else number(value)


_MARKS: Mapping[Mark, Callable[[Chart, Theme], Drawn]] = {
    "histogram": _histogram,
    "bar": _bar,
    "line": _line,
    "scatter": _scatter,
    "box": _box,
    "heatmap": _heatmap,
}
