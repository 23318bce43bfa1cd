"""``profile.html``: one self-contained page, readable without JavaScript and without a network.

Every name and value from the data goes through Jinja's autoescaping; a policy in the page
itself allows its own style and script by their hashes and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.analysis.charts.style import clean, number, percent, short
from app.analysis.profile.page_columns import ColumnView, column_view
from app.analysis.profile.target_rules import MEASURES

TEMPLATES = Path(__file__).parent / "templates"
MAX_COLUMNS = 400
"""Columns shown in full; a page of thousands would be too heavy to open."""

MAX_PAIRS = 40
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
            columns=views,
            left_out=columns[MAX_COLUMNS:],
            pairs=[_pair(row) for row in document["associations"] if abs(row["value"]) >= WEAK][
                :MAX_PAIRS
            ],
            pairs_total=len(document["associations"]),
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
        "number": number,
        "percent": percent,
        "short": short,
        "clean": clean,
        "size": _size,
    }
    return environment


def _pair(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "measure": MEASURES[row["measure"]], "strength": round(abs(row["value"]) * 100)}


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
