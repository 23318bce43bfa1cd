"""Sizes and colours of the PDF."""

from __future__ import annotations

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm

from app.analysis.report.document import Mood
from app.analysis.report.fonts import BOLD, MONO, REGULAR

PAGE = A4
MARGIN = 20 * mm
WIDTH = PAGE[0] - 2 * MARGIN
HEIGHT = PAGE[1] - 2 * MARGIN

INK, FAINT = HexColor("#1F2933"), HexColor("#5B6672")
LINE, SOFT, ACCENT = HexColor("#D9DFE5"), HexColor("#F4F6F8"), HexColor("#0072B2")
WHITE: Color = white
MOODS: dict[Mood, Color] = {
    "info": ACCENT,
    "good": HexColor("#00795A"),
    "warning": HexColor("#B34700"),
}


def _style(name: str, size: float, *, font: str = REGULAR, **more: object) -> ParagraphStyle:
    return ParagraphStyle(
        name,
        fontName=font,
        fontSize=size,
        leading=more.pop("leading", size * 1.42),
        textColor=more.pop("color", INK),
        splitLongWords=1,
        allowWidows=0,
        allowOrphans=0,
        **more,
    )


TITLE = _style("title", 26, font=BOLD, leading=32, spaceAfter=6)
SUBTITLE = _style("subtitle", 12, color=FAINT, spaceAfter=14)
NORMAL = _style("normal", 9.5, spaceAfter=6)
LEAD = _style("lead", 11.5, spaceAfter=8)
SMALL = _style("small", 8, color=FAINT, spaceAfter=6)
HEADING_2 = _style("heading 2", 16, font=BOLD, spaceBefore=18, spaceAfter=8)
HEADING_3 = _style("heading 3", 11.5, font=BOLD, spaceBefore=12, spaceAfter=5)
ITEM = _style("item", 9.5)
CELL = _style("cell", 8)
CELL_RIGHT = _style("cell right", 8, alignment=TA_RIGHT)
CELL_STRONG = _style("cell strong", 8, font=BOLD)
CELL_STRONG_RIGHT = _style("cell strong right", 8, font=BOLD, alignment=TA_RIGHT)
HEAD = _style("head", 8, font=BOLD, color=FAINT)
HEAD_RIGHT = _style("head right", 8, font=BOLD, color=FAINT, alignment=TA_RIGHT)
TILE_VALUE = _style("tile value", 15, font=BOLD)
TILE_LABEL = _style("tile label", 8, color=FAINT)
CALLOUT_TITLE = _style("callout title", 10, font=BOLD, spaceAfter=2)
CODE = _style("code", 8.5, font=MONO)
CONTENTS = _style("contents", 10.5, leading=18, color=ACCENT)
