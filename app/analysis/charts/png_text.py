"""Text and numbers on their way into matplotlib: no mathtext, and fonts that have the glyphs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import Formatter

from app.analysis.charts.style import tick_texts

_WISHED = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans",
    "Noto Emoji",
    "Symbola",
    "Droid Sans Fallback",
)


@cache
def families() -> tuple[str, ...]:
    """The fonts to draw with: matplotlib's own, then the wider ones that this machine has."""
    there = {entry.name for entry in font_manager.fontManager.ttflist}
    return tuple(name for name in _WISHED if name in there) or ("sans-serif",)


def literal(figure: Figure, colour: str) -> None:
    """Make every text of ``figure`` literal (``$`` is a dollar) and set its fonts and ink."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)
        text.set_fontfamily(families())
        if text.get_color() == "black":
            text.set_color(colour)


class NumberTicks(Formatter):
    """Axis numbers as people write them, without an offset or an exponent on the side."""

    def __init__(self, *, years: bool = False) -> None:
        """``years`` are written without a comma."""
        self._years = years

    def __call__(self, value: float, _position: int | None = None) -> str:
        """One number."""
        return tick_texts([value], years=self._years)[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """All numbers of the axis, told apart by enough decimals."""
        return tick_texts([float(value) for value in values], years=self._years)
