"""Axes of a Plotly figure.

Categories stand at positions 0, 1, 2 … with their labels as tick texts: a category that looks
like a number or a date stays a category, and two that shorten to one label stay two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.analysis.charts.plotly_text import escaped, label
from app.analysis.charts.style import Theme, number, year

Json = dict[str, Any]
Drawn = tuple[list[Json], Json]
"""Traces, and the parts of a layout that belong to them."""


def categories(labels: Sequence[str], *, reverse: bool = False, most: int = 40) -> Json:
    """An axis of categories, thinned to at most ``most`` tick labels."""
    step = max(1, -(-len(labels) // most))
    places = list(range(0, len(labels), step))
    last = max(0.5, len(labels) - 0.5)
    return {
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [label(labels[i]) for i in places],
        "range": [last, -0.5] if reverse else [-0.5, last],
        "showgrid": False,
    }


def from_zero() -> Json:
    """A value axis that always shows zero."""
    return {"rangemode": "tozero"}


def reference_line(reference: Json, theme: Theme, *, lying: bool) -> Json:
    """A dashed line across the bars and its label, as parts of a layout."""
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


def spans(pairs: Sequence[tuple[Any, Any]], *, time: bool) -> tuple[list[Any], list[float]]:
    """The middle and the width of each bin; widths of time are milliseconds."""
    if not time:
        return [(a + b) / 2 for a, b in pairs], [b - a for a, b in pairs]
    ends = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in pairs]
    return [(a + (b - a) / 2).isoformat() for a, b in ends], [
        (b - a).total_seconds() * 1000 for a, b in ends
    ]


def bin_text(low: Any, high: Any, *, years: bool = False) -> str:
    """From where to where a bin goes, for a hover; a bin of years names its first and last."""
    if years:
        first, last = year(math.ceil(low)), year(math.floor(high))
        return first if low + 1 == high else f"{first} – {last}"
    return f"{_edge_text(low)} – {_edge_text(high)}"


def _edge_text(value: Any) -> str:
    return escaped(value.replace("T", " ")) if isinstance(value, str) else number(value)
