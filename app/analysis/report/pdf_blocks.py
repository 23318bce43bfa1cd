"""The blocks of a document as reportlab's flowables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reportlab.lib.utils import ImageReader
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    Image,
    KeepTogether,
    ListFlowable,
    ListItem,
    Spacer,
)
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from app.analysis.report import pdf_styles as look
from app.analysis.report.document import (
    Block,
    BulletList,
    Callout,
    Code,
    Figure,
    Figures,
    Heading,
    Paragraph,
    Table,
)
from app.analysis.report.fonts import REGULAR, markup

_TILES_IN_A_ROW = 5
_LONGEST_FIGURE = 0.44
"""Part of a page's height that a figure may take: two fit on one page."""

_ROOM = {2: 160, 3: 95}
"""Points that must be left on a page for a heading of each level and what begins below it."""


def flowables(block: Block, following: Block | None = None) -> list[Flowable]:
    """The flowables that draw ``block``; a heading goes where ``following`` begins."""
    drawn = _MAKERS[type(block)](block)
    if not isinstance(block, Heading):
        return drawn
    if isinstance(following, Figure):
        return [CondPageBreak(look.HEIGHT * (_LONGEST_FIGURE + 0.1)), *drawn]
    return [CondPageBreak(_ROOM[block.level]), *drawn]


def tiles_of_facts(facts: tuple[tuple[str, str], ...]) -> Flowable:
    """The title page's facts: label and value in two columns."""
    rows = [[Text(markup(k), look.TILE_LABEL), Text(markup(v), look.NORMAL)] for k, v in facts]
    if not rows:
        return Spacer(1, 1)
    return Grid(
        rows,
        [look.WIDTH * 0.16, look.WIDTH * 0.84],
        style=[*_TOP, ("LEFTPADDING", (0, 0), (-1, -1), 0)],
    )


_TOP: list[Any] = [("VALIGN", (0, 0), (-1, -1), "TOP")]


def _heading(block: Heading) -> list[Flowable]:
    style = look.HEADING_2 if block.level == 2 else look.HEADING_3
    text = Text(markup(block.text), style)
    text.heading = block
    return [text]


def _paragraph(block: Paragraph) -> list[Flowable]:
    styles = {"normal": look.NORMAL, "lead": look.LEAD, "small": look.SMALL}
    return [Text(markup(block.text), styles[block.tone])]


def _bullets(block: BulletList) -> list[Flowable]:
    items = [ListItem(Text(markup(item), look.ITEM), spaceAfter=3) for item in block.items]
    kind: dict[str, Any] = (
        {"bulletType": "1"} if block.numbered else {"bulletType": "bullet", "start": "•"}
    )
    listing = ListFlowable(
        items,
        bulletFontName=REGULAR,
        bulletFontSize=9,
        bulletColor=look.FAINT,
        leftIndent=12,
        **kind,
    )
    return [listing, Spacer(1, 6)]


def _figures(block: Figures) -> list[Flowable]:
    found: list[Flowable] = []
    for start in range(0, len(block.items), _TILES_IN_A_ROW):
        row = block.items[start : start + _TILES_IN_A_ROW]
        cells = [
            [Text(markup(v), look.TILE_VALUE), Text(markup(k), look.TILE_LABEL)] for v, k in row
        ]
        width = look.WIDTH / len(row)
        style = [*_TOP, ("BACKGROUND", (0, 0), (-1, -1), look.SOFT), ("INNERGRID", (0, 0), (-1, -1), 4, look.WHITE),
                 ("TOPPADDING", (0, 0), (-1, -1), 7), ("BOTTOMPADDING", (0, 0), (-1, -1), 8)]  # fmt: skip
        found += [Grid([cells], [width] * len(row), style=style), Spacer(1, 8)]
    return found


def _callout(block: Callout) -> list[Flowable]:
    inside = [Text(markup(block.title), look.CALLOUT_TITLE), Text(markup(block.text), look.NORMAL)]
    style = [("BACKGROUND", (0, 0), (-1, -1), look.SOFT), ("LINEBEFORE", (0, 0), (0, -1), 3, look.MOODS[block.mood]),
             ("LEFTPADDING", (0, 0), (-1, -1), 10), ("TOPPADDING", (0, 0), (-1, -1), 7)]  # fmt: skip
    return [Grid([[inside]], [look.WIDTH], style=style), Spacer(1, 8)]


def _code(block: Code) -> list[Flowable]:
    text = "<br/>".join(markup(line) for line in block.text.splitlines())
    style = [("BACKGROUND", (0, 0), (-1, -1), look.SOFT), ("LEFTPADDING", (0, 0), (-1, -1), 8)]
    return [Grid([[Text(text, look.CODE)]], [look.WIDTH], style=style), Spacer(1, 8)]


def _table(block: Table) -> list[Flowable]:
    """A grid whose header repeats on each page and whose rows may break between pages."""
    head = [
        Text(markup(cell), look.HEAD_RIGHT if block.alignment(i) == "right" else look.HEAD)
        for i, cell in enumerate(block.header)
    ]
    rows = [_cells(block, place) for place in range(len(block.rows))]
    style = [
        *_TOP,
        ("LINEBELOW", (0, 0), (-1, 0), 1, look.FAINT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.5, look.LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        *(("BACKGROUND", (0, i + 1), (-1, i + 1), look.SOFT) for i in sorted(block.strong)),
    ]
    grid = Grid(
        [head, *rows], _widths(block), repeatRows=1, splitByRow=1, splitInRow=1, style=style
    )
    note = [Text(markup(block.note), look.SMALL)] if block.note else []
    return [grid, Spacer(1, 5), *note, Spacer(1, 3)]


def _cells(block: Table, place: int) -> list[Flowable]:
    strong = place in block.strong
    left = look.CELL_STRONG if strong else look.CELL
    right = look.CELL_STRONG_RIGHT if strong else look.CELL_RIGHT
    return [
        Text(markup(cell), right if block.alignment(i) == "right" else left)
        for i, cell in enumerate(block.rows[place])
    ]


def _widths(block: Table) -> list[float]:
    relative = block.widths or (1.0,) * len(block.header)
    return [look.WIDTH * width / sum(relative) for width in relative]


def _figure(block: Figure) -> list[Flowable]:
    """The picture, which bears its title, and its caption, never parted by the end of a page."""
    width, height = ImageReader(str(block.png)).getSize()
    scale = min(look.WIDTH * 0.92 / width, look.HEIGHT * _LONGEST_FIGURE / height)
    picture = Image(str(block.png), width * scale, height * scale, hAlign="LEFT")
    caption = [Text(markup(block.caption), look.SMALL)] if block.caption else []
    return [KeepTogether([picture, *caption, Spacer(1, 10)])]


_MAKERS: Mapping[type, Callable[[Any], list[Flowable]]] = {
    Heading: _heading,
    Paragraph: _paragraph,
    BulletList: _bullets,
    Figures: _figures,
    Callout: _callout,
    Code: _code,
    Table: _table,
    Figure: _figure,
}
