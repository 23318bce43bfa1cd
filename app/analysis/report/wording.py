"""How numbers, names and times are written in a report, and words for kinds of things."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.analysis.charts.style import clean, number, percent

NAME_LENGTH = 60
VALUE_LENGTH = 120

TYPE_WORDS: Mapping[str, tuple[str, str]] = {
    "integer": ("whole number", "whole numbers"),
    "number": ("decimal number", "decimal numbers"),
    "boolean": ("yes/no column", "yes/no columns"),
    "datetime": ("date or time", "dates or times"),
    "categorical": ("category", "categories"),
    "text": ("free text", "free texts"),
    "id": ("key", "keys"),
    "constant": ("constant", "constants"),
}
TASK_WORDS: Mapping[str, str] = {
    "binary": "classification into two classes",
    "multiclass": "classification into several classes",
    "regression": "regression (predicting a number)",
    "forecast": "forecast",
    "clustering": "clustering (finding groups)",
}


def cut(text: object, limit: int = NAME_LENGTH) -> str:
    """``text`` on one line; what is longer than ``limit`` is cut, and its length told."""
    line = clean(text)
    if not line:
        return "(empty)"
    return line if len(line) <= limit else f"{line[:limit].rstrip()}… ({len(line):,} characters)"


def quoted(name: object) -> str:
    """A name from data inside a sentence."""
    return f"“{cut(name)}”"


def count(amount: int, singular: str, plural: str | None = None) -> str:
    """``1 row``, ``53,940 rows``."""
    return f"{amount:,} {singular if amount == 1 else plural or singular + 's'}"


def listed(items: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def score(value: Any) -> str:
    """A score to four significant digits; a dash when there is none."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return "–"
    return number(float(value), 4)


def value_text(value: Any) -> str:
    """A cell or a setting as text: numbers readable, long text cut and told."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number(float(value), 4)
    if isinstance(value, (list, tuple)):
        return ", ".join(value_text(item) for item in value) or "none"
    if isinstance(value, Mapping):
        return "; ".join(f"{cut(k)}: {value_text(v)}" for k, v in value.items()) or "none"
    return cut(value, VALUE_LENGTH)


def size(amount: Any) -> str:
    """A number of bytes: ``1.1 MB``."""
    if not isinstance(amount, (int, float)):
        return "–"
    value = float(amount)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{number(value)} {unit}"


def moment(value: Any) -> str:
    """A time in UTC as people write it: ``24 November 2026, 23:05 UTC``."""
    if value is None:
        return "–"
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return cut(value)
    if time.tzinfo is not None:
        time = time.astimezone(UTC)
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def share(part: float, whole: float) -> str:
    """``part`` of ``whole`` in percent, never rounded falsely to nothing or to all."""
    return percent(part / whole) if whole else "–"
