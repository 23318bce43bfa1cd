"""One look for every rendering: colours, sizes, and how text and numbers are written.

The palette is Okabe and Ito's ("Color Universal Design", 2008), made to be told apart with
every common kind of colour blindness; the two colour scales are built from its blue and
vermilion. Text from data is shortened and stripped of control characters here.
"""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6BB1", "#7F7F7F")
MUTED = "#A7B0BA"
NEGATIVE = "#D55E00"

WIDTH_IN, HEIGHT_IN, DPI = 7.2, 4.5, 150
"""Size of a PNG: 1080 × 675 pixels, so that 10 pt text still reads at half size."""

YEARS = 1600, 2200
"""Whole numbers that are all within this span are written as years."""

LABEL_LENGTH = 28
TITLE_WIDTH = 64
NOTE_WIDTH = 110
LEGEND_WIDTH = 80
HOVER_LENGTH = 600


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of paper and ink."""

    paper: str
    ink: str
    faint: str
    grid: str
    middle: str
    sequential: tuple[str, ...]
    """From nothing to much: ever further from the paper, lighter on a dark one."""
    diverging: tuple[str, ...]
    """From −1 over 0 to +1, alike."""


LIGHT = Theme(
    paper="#FFFFFF",
    ink="#1F2933",
    faint="#5B6672",
    grid="#E3E7EB",
    middle="#F6F8FA",
    sequential=("#F6F8FA", "#56B4E9", "#0072B2", "#00324F"),
    diverging=("#8A3A00", "#D55E00", "#F6F8FA", "#0072B2", "#00405F"),
)
DARK = Theme(
    paper="#15191E",
    ink="#E6EAEE",
    faint="#9AA5B1",
    grid="#313840",
    middle="#2A3038",
    sequential=("#2A3038", "#0072B2", "#56B4E9", "#CBE8FA"),
    diverging=("#FFC9A0", "#D55E00", "#2A3038", "#0072B2", "#A5DAF7"),
)


def colour(index: int) -> str:
    """The colour of series number ``index``; they repeat after eight."""
    return PALETTE[index % len(PALETTE)]


def clean(text: object) -> str:
    """``text`` on one line: control and direction-changing characters become spaces."""
    kept = (
        " " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in str(text)
    )
    return re.sub(r"\s+", " ", "".join(kept)).strip()


def short(text: object, limit: int = LABEL_LENGTH) -> str:
    """``text`` in at most ``limit`` characters, cut in the middle: long names differ at their ends."""
    line = clean(text)
    if len(line) <= limit:
        return line or "(empty)"
    head = (limit - 1) * 2 // 3
    return f"{line[:head].rstrip()}…{line[len(line) - (limit - 1 - head) :].lstrip()}"


def wrapped(text: object, width: int, lines: int) -> str:
    """``text`` broken into at most ``lines`` lines of ``width`` ordinary characters, the rest
    as "…"; wide ones (capitals, Chinese, Japanese, Korean) count for more."""
    line = clean(text)
    fitting = max(8, int(width * len(line) / max(1.0, sum(map(_breadth, line)))))
    return "\n".join(textwrap.wrap(line, min(width, fitting), max_lines=lines, placeholder="…"))


def _breadth(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.9
    return 1.25 if character.isupper() or character in "mwMW@%$<>{}" else 1.0


def number(value: float | None, digits: int = 3, *, years: bool = False) -> str:
    """``value`` for people: ``336,776``, ``0.0123``, ``1.2M``, ``1.5e-09``; ``–`` when missing.
    A figure of ``years``, such as their mean, reads as one: ``1978.4``."""
    if value is None or not math.isfinite(value):
        return "–"
    if years and YEARS[0] <= value <= YEARS[1]:
        return year(value)
    size = abs(value)
    if value == int(value) and size < 1e6:
        return f"{int(value):,}"
    for scale, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if scale * 0.9995 <= size < 1e15:
            return f"{value / scale:.{digits}g}{suffix}"
    if size >= 1e15 or size < 1e-4:
        return f"{value:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals > 2 else text


def are_years(values: Iterable[Any]) -> bool:
    """Whether values of a column read as years: whole numbers, or the halves between them that
    edges of bins are, from 1600 to 2200. None at all are not."""
    given = [value for value in values if value is not None and not math.isnan(value)]
    low, high = YEARS
    # Bins begin and end beside their years, and the last may reach beyond.
    return bool(given) and all(low - 1 <= v <= high + 1 and (2 * v) % 1 == 0 for v in given)


def holds_years(entry: Mapping[str, Any]) -> bool:
    """Whether a column of numbers reads as years, by its entry in ``profile.json`` (``min``,
    ``max``, ``histogram``): whole numbers from 1600 to 2200."""
    low, high = entry.get("min"), entry.get("max")
    if isinstance(low, int) and isinstance(high, int):
        return YEARS[0] <= low and high <= YEARS[1]
    # Whole numbers with gaps are often kept as decimals; their bins begin half way between them.
    return isinstance(low, float) and are_years((entry.get("histogram") or {}).get("edges") or ())


def year(value: float) -> str:
    """A year as people write it: ``1978``, not ``1,978``."""
    return f"{value:.1f}".removesuffix(".0")


def percent(share: float | None) -> str:
    """A share between 0 and 1 as a percentage that never rounds to 0 % or 100 % falsely."""
    if share is None or not math.isfinite(share):
        return "–"
    if 0 < share < 0.001:
        return "<0.1 %"
    if 0.999 < share < 1:
        return ">99.9 %"
    text = f"{share * 100:.1f}" if share < 0.1 or share > 0.9 else f"{share * 100:.0f}"
    return f"{text.removesuffix('.0')} %"


def chance(p_value: float) -> str:
    """A p-value; below 1e-15, where no test is that exact, only so much: ``<1e-15``."""
    return "<1e-15" if p_value < 1e-15 else f"{p_value:.2g}"


def tick_texts(values: list[float], *, years: bool = False) -> list[str]:
    """Axis labels for evenly spaced ``values``, precise enough to differ from each other."""
    if years and all(0 <= value < 10_000 for value in values):
        return [f"{value:.4f}".rstrip("0").rstrip(".") for value in values]
    top = max((abs(value) for value in values), default=0.0)
    step = min((b - a for a, b in pairwise(values)), default=top or 1.0)
    if top == 0 or step <= 0:
        return [number(value) for value in values]
    scale, suffix = next(
        ((s, n) for s, n in ((1e12, "T"), (1e9, "B"), (1e6, "M")) if top >= s), (1.0, "")
    )
    decimals = _decimals(step / scale)
    if decimals > 3 and suffix:
        scale, suffix, decimals = 1.0, "", _decimals(step)
    if decimals > 5 or top >= 1e15:
        digits = max(3, math.ceil(math.log10(top / step)) + 2)
        return [f"{value:.{min(digits, 15)}g}" for value in values]
    return [f"{value / scale + 0.0:,.{decimals}f}{suffix}" for value in values]


def _decimals(step: float) -> int:
    """How many decimals it takes to write multiples of ``step`` without rounding them away."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    exact = abs(round(step, decimals) - step) < 0.01 * step
    return decimals if exact else decimals + 1
