"""Lines, clouds of points and heat maps as Plotly traces."""

from __future__ import annotations

from app.analysis.charts.plotly_axes import Drawn, Json, categories
from app.analysis.charts.plotly_text import escaped, label, whole
from app.analysis.charts.spec import Chart
from app.analysis.charts.style import Theme, colour, number


def draw_line(chart: Chart, theme: Theme) -> Drawn:
    """Lines with gaps where values are missing, and bands."""
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


def draw_scatter(chart: Chart, theme: Theme) -> Drawn:
    """Clouds of points and the line to read them by."""
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


def draw_heatmap(chart: Chart, theme: Theme) -> Drawn:
    """A field of colour with its scale, the numbers written in where given."""
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
    along = 11 if chart.kind == "missingness" else 40
    x_axis = categories(data["x"], most=along) | {"showgrid": False}
    y_axis = categories(data["y"], reverse=True) | {"showgrid": False}
    return [trace], {"xaxis": x_axis, "yaxis": y_axis, "height": 220 + 24 * max(6, len(data["y"]))}
