"""A document as one self-contained HTML page: no script, no network, pictures inside."""

from __future__ import annotations

import base64

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from app.analysis.report.document import Document, Figure
from app.analysis.report.page import STYLE, TEMPLATE

_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined)
_PAGE = _ENVIRONMENT.from_string(TEMPLATE)


def render_html(document: Document) -> str:
    """The whole page. Its policy (CSP) forbids scripts and every request, should text slip out."""
    return _PAGE.render(
        document=document,
        blocks=[(type(block).__name__, block) for block in document.blocks],
        picture=_picture,
        style=Markup(STYLE),  # noqa: S704 (our own constant, nothing of a user's)
    )


def _picture(figure: Figure) -> str:
    """The PNG as a data address."""
    return f"data:image/png;base64,{base64.b64encode(figure.png.read_bytes()).decode('ascii')}"
