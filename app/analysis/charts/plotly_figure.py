"""A chart as a Plotly figure: a plain dict, valid for any Plotly, made without importing it."""

from __future__ import annotations

from typing import Any

from app.analysis.charts.plotly_marks import draw
from app.analysis.charts.plotly_text import label, lines
from app.analysis.charts.spec import Chart
from app.analysis.charts.style import DARK, LIGHT, NOTE_WIDTH, PALETTE, TITLE_WIDTH, Theme


def render_plotly(chart: Chart, *, dark: bool = False) -> dict[str, Any]:
    """``chart`` as ``{"data": [traces], "layout": {…}}``; JSON values only.

    ``layout.meta`` carries the name, kind, columns and notes of the chart.
    """
    theme = DARK if dark else LIGHT
    traces, own = draw(chart, theme)
    if not _has_points(traces):
        own = own | {"annotations": [_nothing(theme)]}
    return {"data": traces, "layout": _layout(chart, traces, own, theme)}


def _layout(
    chart: Chart, traces: list[dict[str, Any]], own: dict[str, Any], theme: Theme
) -> dict[str, Any]:
    named = [trace for trace in traces if trace.get("showlegend", True)]
    return {
        **own,
        "title": _title(chart, theme),
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": theme.ink},
        "paper_bgcolor": theme.paper,
        "plot_bgcolor": theme.paper,
        "colorway": list(PALETTE),
        "showlegend": len(named) > 1,
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        "margin": {"l": 60, "r": 30, "t": 60, "b": 50},
        "xaxis": _axis(own.get("xaxis", {}), chart.x_label, theme),
        "yaxis": _axis(own.get("yaxis", {}), chart.y_label, theme),
        "hoverlabel": {"align": "left"},
        "meta": {
            "name": chart.name,
            "kind": chart.kind,
            "columns": list(chart.columns),
            "notes": list(chart.notes),
        },
    }


def _title(chart: Chart, theme: Theme) -> dict[str, Any]:
    title: dict[str, Any] = {
        "text": lines(chart.title, TITLE_WIDTH, 3),
        "x": 0.01,
        "xanchor": "left",
        "automargin": True,
        "yref": "container",
        "font": {"size": 16},
    }
    if chart.notes:
        title["subtitle"] = {
            "text": lines(" ".join(chart.notes), NOTE_WIDTH, 3),
            "font": {"size": 11, "color": theme.faint},
        }
    return title


def _axis(own: dict[str, Any], text: str, theme: Theme) -> dict[str, Any]:
    return {
        "title": {"text": label(text) if text else ""},
        "automargin": True,
        "gridcolor": theme.grid,
        "linecolor": theme.grid,
        "zeroline": False,
        **own,
    }


def _has_points(traces: list[dict[str, Any]]) -> bool:
    """Whether anything would be seen."""
    for trace in traces:
        values = trace.get("z") or trace.get("y") or []
        flat = [v for row in values for v in (row if isinstance(row, list) else [row])]
        if any(value is not None for value in flat):
            return True
    return False


def _nothing(theme: Theme) -> dict[str, Any]:
    return {
        "text": "no values to show",
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "showarrow": False,
        "font": {"size": 15, "color": theme.faint},
    }
