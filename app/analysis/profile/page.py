"""``profile.html``: one self-contained page, readable without JavaScript and without a network.

Every name and value from the data goes through Jinja's autoescaping; a policy in the page
itself allows its own style and script by their hashes and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.analysis.charts.style import chance, clean, number, percent, short
from app.analysis.profile.page_columns import ColumnView, column_view
from app.analysis.profile.target_rules import MEASURES

TEMPLATES = Path(__file__).parent / "templates"
MAX_COLUMNS = 400
"""Columns shown in full; a page of thousands would be too heavy to open."""

MAX_PAIRS = 40
PICTURED = 10
"""Alerts that are shown with a picture of their column."""

SPREADS = frozenset(
    [
        "skewed",
        "outliers",
        "infinite",
        "lopsided",
        "high_cardinality",
        "imbalance",
        "drift",
        "date_gaps",
        "odd_spelling",
        "missing",
    ]
)
"""Kinds of alerts of which the spread of the column's values says more."""

WEAK = 0.1
"""Associations below are in ``profile.json`` only."""


def render_page(document: Mapping[str, Any]) -> str:
    """The page of a ``profile.json`` document, as HTML."""
    columns = document["columns"]
    style = (TEMPLATES / "profile.css").read_text("utf-8")
    script = (TEMPLATES / "profile.js").read_text("utf-8")
    views: list[ColumnView] = [
        column_view(place, column) for place, column in enumerate(columns[:MAX_COLUMNS])
    ]
    return (
        page_environment()
        .get_template("profile.html")
        .render(
            dataset=document["dataset"],
            target=document["target"],
            alerts=document["alerts"],
            sparks=_sparks(document["alerts"], views),
            columns=views,
            left_out=columns[MAX_COLUMNS:],
            pairs=_pairs(document["associations"]),
            pairs_total=len({(row["a"], row["b"]) for row in document["associations"]}),
            clusters=document["clusters"],
            drift=document["drift"],
            sampling=document["sampling"],
            places={column["name"]: place for place, column in enumerate(columns[:MAX_COLUMNS])},
            style=style,
            style_hash=inline_hash(style),
            script=script,
            script_hash=inline_hash(script),
        )
    )


def page_environment() -> Environment:
    """Jinja for the pages: everything from the data is escaped, what is undefined is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "chance": chance,
        "number": number,
        "percent": percent,
        "short": short,
        "clean": clean,
        "size": _size,
    }
    return environment


def _sparks(alerts: Sequence[Mapping[str, Any]], views: Sequence[ColumnView]) -> dict[str, Any]:
    """The views of the columns of which the first alerts show a small picture."""
    named = {view.name: view for view in views}
    wanted = (alert.get("column") for alert in alerts[:PICTURED] if alert["kind"] in SPREADS)
    return {name: named[name] for name in wanted if name in named}


def _pairs(associations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line for each of the strongest pairs, its strongest measure first and the others after."""
    pairs: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in associations:
        if abs(row["value"]) >= WEAK:
            pairs.setdefault((row["a"], row["b"]), []).append(row)
    return [
        {
            "a": a,
            "b": b,
            "measure": MEASURES[rows[0]["measure"]],
            "value": rows[0]["value"],
            "strength": round(abs(rows[0]["value"]) * 100),
            "others": ", ".join(
                f"{MEASURES[row['measure']]} {row['value']:.3f}" for row in rows[1:]
            ),
        }
        for (a, b), rows in list(pairs.items())[:MAX_PAIRS]
    ]


def _size(size: int | None) -> str:
    """Bytes for people: ``12.3 MB``."""
    if size is None:
        return "–"
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"


def inline_hash(text: str) -> str:
    """The hash by which a content security policy knows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
