"""Text from data on its way into Plotly: never markup, never a template, never a formula.

Plotly reads text as a small HTML, hover templates as ``%{…}``, and text between ``$`` as TeX
where MathJax is loaded. It decodes entities last, so entities switch all three off.
"""

from __future__ import annotations

from app.analysis.charts.style import HOVER_LENGTH, clean, short, wrapped

_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "$": "&#36;", "%": "&#37;"}
)


def escaped(text: object) -> str:
    """``text`` on one line, as Plotly will show it literally."""
    return clean(text).translate(_ENTITIES)


def label(text: object) -> str:
    """A short form of ``text`` for an axis or a legend, escaped."""
    return short(text).translate(_ENTITIES)


def whole(text: object) -> str:
    """All of ``text`` for a hover, wrapped and escaped; past 600 characters its length is told."""
    line = clean(text)
    rest = f" … ({len(line):,} characters)" if len(line) > HOVER_LENGTH else ""
    return lines((line[:HOVER_LENGTH] or "(empty)") + rest, 60, 12)


def lines(text: object, width: int, count: int) -> str:
    """``text`` escaped and broken into at most ``count`` lines of ``width`` characters."""
    return "<br>".join(
        part.translate(_ENTITIES) for part in wrapped(text, width, count).split("\n")
    )
