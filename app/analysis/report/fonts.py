"""The PDF's fonts: DejaVu, which matplotlib brings along, so that nothing is downloaded."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from pathlib import Path

import matplotlib
from reportlab import rl_config
from reportlab.lib.fonts import addMapping
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from app.analysis.charts.style import clean

REGULAR, BOLD, MONO = "UAM-Sans", "UAM-Sans-Bold", "UAM-Mono"
_FILES = {REGULAR: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf", MONO: "DejaVuSansMono.ttf"}
UNSHOWN = "□"
"""What stands for a character that the font cannot draw."""


@lru_cache(maxsize=1)
def register() -> frozenset[int]:
    """Make the fonts known to reportlab; returns the code points that all of them can draw."""
    # Base 85 would write the pictures as text, a quarter larger and by far the slowest part.
    rl_config.useA85 = 0
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    drawable: set[int] | None = None
    for name, file in _FILES.items():
        font = TTFont(name, str(folder / file))
        pdfmetrics.registerFont(font)
        glyphs = set(font.face.charToGlyph)
        drawable = glyphs if drawable is None else drawable & glyphs
    addMapping(REGULAR, 0, 0, REGULAR)
    addMapping(REGULAR, 1, 0, BOLD)
    return frozenset(drawable or ())


def markup(text: str) -> str:
    """``text`` for a reportlab paragraph: drawable characters only, nothing of it markup."""
    return escape(shown(clean(text)), quote=False)


def shown(text: str) -> str:
    """``text`` with :data:`UNSHOWN` for each character that the font cannot draw."""
    drawable = register()
    return "".join(c if ord(c) in drawable or c in "\n " else UNSHOWN for c in text)
