"""Dates as numbers: what a calendar says, computed, not learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

PARTS = ("epoch", "year", "month", "day", "weekday", "yearday")
TIMED_PARTS = (*PARTS, "hour")
CYCLES = {"month": 12, "weekday": 7, "hour": 24}
"""Parts that mean something as a label rather than a size, and how many values they have."""

_DAY = 86_400


def parts_of(timed: bool) -> tuple[str, ...]:
    """The names of the parts of one date column."""
    return TIMED_PARTS if timed else PARTS


def date_parts(seconds: Floats, timed: bool) -> npt.NDArray[np.float64]:
    """(n, parts) of seconds since 1970: days since 1970, year, month 0–11, day of the month,
    weekday 0–6 from Monday, day of the year, and the hour where ``timed``; NaN for missing."""
    missing = np.isnan(seconds)
    whole = np.floor(np.where(missing, 0.0, seconds))
    days = np.floor(whole / _DAY).astype("int64").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    years = days.astype("datetime64[Y]")
    number = days.astype(np.int64)
    columns = [
        whole / _DAY,
        years.astype(np.int64) + 1970,
        months.astype(np.int64) % 12,
        (days - months).astype(np.int64) + 1,
        (number + 3) % 7,  # 1970-01-01 was a Thursday
        (days - years).astype(np.int64),
    ]
    if timed:
        columns.append(np.floor(whole % _DAY / 3_600))
    out = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
    out[missing] = np.nan
    return out


def cycle_indicators(parts: Floats, timed: bool) -> npt.NDArray[np.float32]:
    """One-hot columns of month, weekday (and hour) from :func:`date_parts`; zeros if missing."""
    names = parts_of(timed)
    blocks = []
    for name, size in CYCLES.items():
        if name in names:
            value = parts[:, names.index(name)]
            blocks.append(value[:, None] == np.arange(size))
    return np.hstack(blocks).astype(np.float32)
