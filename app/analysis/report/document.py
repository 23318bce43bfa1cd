"""What a report is made of: plain data, without a thought of how it will look.

All text in it is plain text. Names and values from data stand in it as they are; it is the
renderers' business that none of it is ever taken for markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Tone = Literal["normal", "lead", "small"]
Mood = Literal["info", "good", "warning"]
Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A title of level 2 (a section) or 3; ``anchor`` is a safe name to link to."""

    text: str
    anchor: str
    level: Literal[2, 3] = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str
    tone: Tone = "normal"


@dataclass(frozen=True, slots=True)
class BulletList:
    """Points, one after another; ``numbered`` where their order counts."""

    items: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """A few numbers that catch the eye: (value, what it is)."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header, all of one length.

    ``align`` has one entry a column, ``widths`` relative widths (all alike when empty);
    ``strong`` are the indices of rows that stand out; ``note`` tells what was left out.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: tuple[Align, ...] = ()
    widths: tuple[float, ...] = ()
    strong: frozenset[int] = frozenset()
    note: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError("every row of a table has as many cells as its header")

    def alignment(self, column: int) -> Align:
        """How a column is aligned: to the left unless said otherwise."""
        return self.align[column] if column < len(self.align) else "left"


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture: a PNG file that bears ``title``, the finding; ``caption`` says how to read it."""

    name: str
    title: str
    caption: str
    png: Path


@dataclass(frozen=True, slots=True)
class Callout:
    """Something that must not be overlooked."""

    mood: Mood
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to type."""

    text: str


Block = Heading | Paragraph | BulletList | Figures | Table | Figure | Callout | Code


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report: its title, one line below it, facts for the title page, and its blocks."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]

    def sections(self) -> tuple[Heading, ...]:
        """The headings of level 2, in order."""
        return tuple(b for b in self.blocks if isinstance(b, Heading) and b.level == 2)
