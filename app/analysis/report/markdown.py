"""A document as Markdown (GitHub's dialect), readable as it stands.

Text from data is escaped: none of it becomes a heading, a link, HTML, a table's border, or an
address that a renderer would turn into a link by itself.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from app.analysis.charts.style import clean
from app.analysis.report.document import (
    Block,
    BulletList,
    Callout,
    Code,
    Document,
    Figure,
    Figures,
    Heading,
    Paragraph,
    Table,
)

_ANYWHERE = re.compile(r"([\\`*_\[\]<>|~&@#$!])")
_AT_START = re.compile(r"^([-+=:]|\d+[.)](?=\s|$))")
_LINKS = re.compile(r"(?i)(://)|\b(www)\.")
_MOODS = {"info": "NOTE", "good": "TIP", "warning": "WARNING"}


def render_markdown(document: Document) -> str:
    """The whole document; its first line is ``# `` and the title."""
    parts = [f"# {escape(document.title)}", escape(document.subtitle)]
    parts.append("\n".join(f"- **{escape(k)}**: {escape(v)}" for k, v in document.facts))
    parts += [_block(block) for block in document.blocks]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """``text`` on one line, so that Markdown shows it as it is."""
    line = _ANYWHERE.sub(r"\\\1", clean(text))
    line = _LINKS.sub(lambda m: "\\://" if m[1] else f"{m[2]}\\.", line)
    start = _AT_START.match(line)
    if start is None:
        return line
    mark = start[0]
    return f"{mark[:-1]}\\{mark[-1]}{line[len(mark) :]}"


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {escape(block.text)}"
    if isinstance(block, Paragraph):
        return escape(block.text)
    if isinstance(block, BulletList):
        marks = [f"{i}." if block.numbered else "-" for i in range(1, len(block.items) + 1)]
        return "\n".join(f"{m} {escape(item)}" for m, item in zip(marks, block.items, strict=True))
    if isinstance(block, Figures):
        return " · ".join(f"**{escape(value)}** {escape(label)}" for value, label in block.items)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        return _figure(block)
    if isinstance(block, Callout):
        return f"> [!{_MOODS[block.mood]}]\n> **{escape(block.title)}**\n>\n> {escape(block.text)}"
    return _code(block)


def _table(table: Table) -> str:
    rule = ["---:" if table.alignment(i) == "right" else "---" for i in range(len(table.header))]
    lines = [_row(table.header), f"| {' | '.join(rule)} |"]
    for place, row in enumerate(table.rows):
        lines.append(_row(row, strong=place in table.strong))
    text = "\n".join(lines)
    return f"{text}\n\n{escape(table.note)}" if table.note else text


def _row(cells: tuple[str, ...], *, strong: bool = False) -> str:
    texts = [escape(cell) for cell in cells]
    if strong:
        texts = [f"**{text}**" if text else text for text in texts]
    return f"| {' | '.join(texts)} |"


def _figure(figure: Figure) -> str:
    """The picture by its place beside the report; the title stands for it where it is missing."""
    address = f"charts/{quote(figure.png.name)}"
    caption = f"\n\n{escape(figure.caption)}" if figure.caption else ""
    return f"![{escape(figure.title)}]({address})\n\n**{escape(figure.title)}**{caption}"


def _code(code: Code) -> str:
    """A fence longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall(r"`+", code.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{code.text}\n{fence}"
