"""Times as tables spell them: dates, months, quarters, ISO weeks, years, or mere numbers.

Every spelling is read as seconds since 1970 in UTC, of the first moment of what it names; a number
that names no date stays what it is. What was read can be written again in the same style.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.analysis.automl.cells import is_missing
from app.analysis.calendar import MONTHS

Array = npt.NDArray[Any]

DAY_S = 86_400.0
YEARS = (1000, 2999)
_EPOCH = date(1970, 1, 1)

# The beginnings of names of months: English, German, French, Spanish, Italian, Portuguese, Dutch.
_NAMED = {
    1: ("jan", "jän", "ene", "gen"),
    2: ("feb", "fev"),
    3: ("mar", "mrt", "mae", "mrz"),
    4: ("apr", "avr", "abr"),
    5: ("may", "mai", "maj", "mei", "mag"),
    6: ("jun", "juin", "giu"),
    7: ("jul", "juil", "lug"),
    8: ("aug", "aou", "ago"),
    9: ("sep", "set"),
    10: ("oct", "okt", "ott", "out"),
    11: ("nov",),
    12: ("dec", "dez", "dic"),
}
_MONTH_OF = {name: month for month, names in _NAMED.items() for name in names}
_DATES = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d %b %Y",
    "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y", "%d.%m.%y",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spelled:
    """One moment that was read, in seconds since 1970 (or as a number), and its style."""

    value: float
    style: str


def read_times(series: pd.Series[Any]) -> tuple[Array, str, list[str]]:
    """(n,) the column's times, NaN where there is none; their style; and the first few cells
    that are no times.

    In the style ``number`` the values are the column's own, in all others seconds since 1970.
    """
    if pd.api.types.is_datetime64_any_dtype(series):
        stamps = series.to_numpy(dtype="datetime64[us]")
        seconds = np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / 1e6)
        return seconds, "date", []
    if pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return _read_numbers(values)
    return read_cells(series.tolist())


def read_cells(cells: Sequence[Any], style: str | None = None) -> tuple[Array, str, list[str]]:
    """The same of single cells, as JSON holds them; with ``style`` numbers are read by it."""
    known: dict[Any, Spelled | None] = {}
    out = np.full(len(cells), np.nan)
    styles: Counter[str] = Counter()
    bad: dict[str, None] = {}
    for i, cell in enumerate(cells):
        if is_missing(cell):
            continue
        key = (type(cell), cell) if isinstance(cell, (str, int, float)) else str(cell)
        if key not in known:
            known[key] = read_time(cell, style)
        found = known[key]
        if found is None:
            bad[str(cell)[:60]] = None
        else:
            out[i] = found.value
            styles[found.style] += 1
    usual = styles.most_common(1)[0][0] if styles else "date"
    return out, usual, list(bad)


def read_time(cell: Any, style: str | None = None) -> Spelled | None:
    """The moment that one cell names, or ``None`` when it names none.

    A bare number is a time of ``style``; without one only if it looks like a year.
    """
    if isinstance(cell, datetime):
        moment = cell if cell.tzinfo is not None else cell.replace(tzinfo=UTC)
        return Spelled(moment.timestamp(), "date")
    if isinstance(cell, date):
        return Spelled(_seconds(cell), "date")
    if isinstance(cell, bool):
        return None
    if isinstance(cell, (int, float)):
        return _read_number(float(cell), style)
    text = str(cell).strip()
    if style in _NUMERIC:
        try:
            return _read_number(float(text), style)
        except ValueError:
            pass  # spelled otherwise after all
    return _read_text(text)


def write_time(value: float, style: str) -> str | int | float:
    """The moment as the training file would spell it; dates by ISO 8601."""
    if style == "number":
        return int(value) if value == math.floor(value) else float(f"{value:.10g}")
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=round(value, 6))
    if style in _WRITERS:
        return _WRITERS[style](moment)
    if (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0):
        return moment.date().isoformat()
    return moment.replace(tzinfo=None).isoformat()


def _read_numbers(values: Array) -> tuple[Array, str, list[str]]:
    known = values[np.isfinite(values)]
    style = _style_of(known)
    if style == "number":
        return values, style, []
    out = np.full(values.shape, np.nan)
    for value in np.unique(known):
        found = _read_number(float(value), style)
        out[values == value] = np.nan if found is None else found.value
    return out, style, []


def _style_of(known: Array) -> str:
    """What numbers mean: years, months as 202401, days as 20240131, decimal years, or nothing."""
    if not known.size:
        return "number"
    low, high = known.min(), known.max()
    if np.all(known == np.floor(known)):
        if YEARS[0] <= low and high <= YEARS[1]:
            # Counters rarely start at 1000; a year is what people number so.
            return "year"
        month = known % 100
        if _within(known // 100) and np.all((month >= 1) & (month <= 12)):
            return "yyyymm"
        day, month = known % 100, known // 100 % 100
        whole = np.all((day >= 1) & (day <= 31) & (month >= 1) & (month <= 12))
        return "yyyymmdd" if _within(known // 10_000) and whole else "number"
    twelfths = known * 12
    near = np.all(np.abs(twelfths - np.round(twelfths)) < 0.1)
    return "decimal year" if YEARS[0] <= low and high <= YEARS[1] and near else "number"


def _within(years: Array) -> bool:
    return bool(np.all((years >= YEARS[0]) & (years <= YEARS[1])))


def _read_number(value: float, style: str | None) -> Spelled | None:
    if style == "number":
        return Spelled(value, "number")
    whole = value == math.floor(value)
    if style == "decimal year":
        months = round(value * 12)
        return _month(months // 12, months % 12 + 1, "decimal year")
    if not whole:
        return None
    number = int(value)
    if style == "yyyymm":
        return _month(number // 100, number % 100, style)
    if style == "yyyymmdd":
        return _day(number // 10_000, number // 100 % 100, number % 100, style)
    if YEARS[0] <= number <= YEARS[1]:
        return _month(number, 1, "year")
    return None


def _read_text(text: str) -> Spelled | None:
    for pattern, read in _PATTERNS:
        found = pattern.fullmatch(text)
        if found is not None:
            return read(*found.groups())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _read_date(text)
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return Spelled(moment.timestamp(), "date")


def _read_date(text: str) -> Spelled | None:
    for form in _DATES:
        try:
            return Spelled(_seconds(datetime.strptime(text, form).date()), "date")  # noqa: DTZ007
        except ValueError:
            continue
    return None


def _month(year: int, month: int, style: str) -> Spelled | None:
    return _day(year, month, 1, style)


def _day(year: int, month: int, day: int, style: str) -> Spelled | None:
    try:
        return Spelled(_seconds(date(year, month, day)), style)
    except ValueError:
        return None


def _week(year: str, week: str, day: str | None = None) -> Spelled | None:
    try:
        return Spelled(_seconds(date.fromisocalendar(int(year), int(week), int(day or 1))), "week")
    except ValueError:
        return None


def _named(name: str, year: str, style: str) -> Spelled | None:
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    month = next(
        (m for start, m in _MONTH_OF.items() if plain.startswith(start) or name.lower() == start),
        None,
    )
    if plain.startswith("juil"):
        month = 7
    if month is None:
        return None
    number = int(year)
    if len(year) == 2:
        number += 2000 if number < 70 else 1900
    return _month(number, month, style)


def _seconds(day: date) -> float:
    return (day - _EPOCH).days * DAY_S


Reader = Callable[..., Spelled | None]
_NAME = r"([^\W\d_]{3,10})\.?"
_SEP = r"[\s\-./,]*"
_PATTERNS: tuple[tuple[re.Pattern[str], Reader], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), read)
    for pattern, read in (
        (r"(\d{4})", lambda y: _read_number(float(y), "year")),
        (rf"(\d{{4}}){_SEP}Q([1-4])", lambda y, q: _month(int(y), 3 * int(q) - 2, "quarter")),
        (rf"Q([1-4]){_SEP}(\d{{4}})", lambda q, y: _month(int(y), 3 * int(q) - 2, "quarter")),
        (rf"(\d{{4}}){_SEP}[HS]([12])", lambda y, h: _month(int(y), 6 * int(h) - 5, "half")),
        (r"(\d{4})[\s\-/]?W(?:eek|k)?[\s\-]?(\d{1,2})(?:-?([1-7]))?", _week),
        (r"(?:W|Week|KW|CW)[\s\-]?(\d{1,2})[\s\-/,]*(\d{4})", lambda w, y: _week(y, w)),
        (r"(\d{4})[\s\-./]?M?(\d{1,2})", lambda y, m: _month(int(y), int(m), "month")),
        (r"(\d{1,2})[\-./](\d{4})", lambda m, y: _month(int(y), int(m), "month")),
        (rf"{_NAME}{_SEP}'?(\d{{4}}|\d{{2}})", lambda n, y: _named(n, y, "named month")),
        (rf"(\d{{4}}){_SEP}{_NAME}", lambda y, n: _named(n, y, "named month")),
    )
)
_NUMERIC = frozenset({"number", "year", "yyyymm", "yyyymmdd", "decimal year"})


def _iso_week(moment: datetime) -> str:
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02d}"


_WRITERS: dict[str, Callable[[datetime], str | int | float]] = {
    "year": lambda m: m.year,
    "yyyymm": lambda m: m.year * 100 + m.month,
    "yyyymmdd": lambda m: m.year * 10_000 + m.month * 100 + m.day,
    "decimal year": lambda m: round(m.year + (m.month - 1) / 12, 4),
    "quarter": lambda m: f"{m.year}Q{(m.month + 2) // 3}",
    "half": lambda m: f"{m.year}H{(m.month + 5) // 6}",
    "week": _iso_week,
    "month": lambda m: f"{m.year}-{m.month:02d}",
    "named month": lambda m: f"{MONTHS[m.month - 1][:3]} {m.year}",
}
