"""The calendar that series run on: how far two times lie apart, and which season they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.spelling import DAY_S, write_time

Array = npt.NDArray[Any]

Unit = Literal["month", "day", "weekday", "second", "number"]

MONTH_DAYS = 27
"""Times at least so many days apart are counted in months."""
LEAST_WEEKDAYS = 12
"""So many days in a row of which none is a Saturday or Sunday are working days."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Evenly spaced times: position 0 lies at ``origin``, counted in ``unit``, and the next one
    ``step`` later. ``day`` is the day that a month is written by (0: its last); ``style`` is how
    the training file spelled times.
    """

    unit: Unit
    step: float
    origin: float
    style: str
    day: int = 1

    def positions(self, times: Array) -> Array:
        """(n,) the nearest position of each time, as floats; NaN stays NaN."""
        places = (counted(times, self.unit) - self.origin) / self.step
        if self.unit == "month" and self.step > 1:
            return np.asarray(np.floor(places + 1e-9))
        return np.asarray(np.round(places))

    def times(self, positions: Array) -> Array:
        """(n,) the times (seconds, or numbers) at those positions."""
        counts = self.origin + np.asarray(positions, dtype=np.float64) * self.step
        if self.unit == "month":
            months = counts.astype(np.int64) - 1970 * 12
            first = months.astype("datetime64[M]")
            last = (first + 1).astype("datetime64[D]") - 1
            begin = first.astype("datetime64[D]")
            days = last if self.day == 0 else np.minimum(begin + (self.day - 1), last)
            return days.astype(np.int64) * DAY_S
        if self.unit == "weekday":
            days = np.busday_offset("1970-01-01", counts.astype(np.int64), roll="forward")
            return days.astype(np.int64) * DAY_S
        return counts * DAY_S if self.unit == "day" else counts

    def spelled(self, position: int) -> str | int | float:
        """The time at a position, in the style of the training file."""
        return write_time(float(self.times(np.array([position]))[0]), self.style)

    @property
    def name(self) -> str:
        """The frequency in plain words: ``monthly``, ``every 15 minutes`` …"""
        known = _NAMES.get((self.unit, self.step))
        if known is not None:
            return known
        if self.unit == "second":
            for size, word in ((3600, "hours"), (60, "minutes"), (1, "seconds")):
                if self.step >= size:
                    return f"every {self.step / size:g} {word}"
        words = {"month": "months", "day": "days", "weekday": "working days"}
        return f"every {self.step:g} {words.get(self.unit, 'units')}"

    @property
    def seasons(self) -> tuple[int, ...]:
        """Lengths of seasons (in steps) that such times usually have, the first to be tried first."""
        if self.unit == "month":
            return (round(12 / self.step),) if self.step < 12 and 12 % self.step == 0 else ()
        if self.unit == "weekday":
            return (5,) if self.step == 1 else ()
        if self.unit == "day":
            return {1.0: (7,), 7.0: (52,), 14.0: (26,)}.get(self.step, ())
        if self.unit == "second":
            lengths = [size / self.step for size in (DAY_S, 7 * DAY_S, 3600.0)]
            return tuple(int(n) for n in lengths if n == int(n) and 2 <= n <= 400)
        return ()

    @property
    def usual_horizon(self) -> int:
        """So many steps are foretold where nobody says how many."""
        return _HORIZONS.get((self.unit, self.step), 24 if self.unit == "second" else 10)


_NAMES: dict[tuple[str, float], str] = {
    ("month", 1): "monthly",
    ("month", 2): "every two months",
    ("month", 3): "quarterly",
    ("month", 6): "half-yearly",
    ("month", 12): "yearly",
    ("day", 1): "daily",
    ("day", 7): "weekly",
    ("weekday", 1): "on working days",
    ("second", 3600): "hourly",
    ("second", 60): "every minute",
    ("second", 1): "every second",
    ("second", DAY_S): "daily",
    ("number", 1): "numbered one by one",
}
_HORIZONS: dict[tuple[str, float], int] = {
    ("month", 1): 12,
    ("month", 3): 4,
    ("month", 6): 4,
    ("month", 12): 5,
    ("day", 1): 14,
    ("day", 7): 13,
    ("weekday", 1): 10,
    ("second", 3600): 24,
}


def counted(times: Array, unit: str) -> Array:
    """(n,) times (seconds since 1970, or numbers) in the grid's unit; NaN stays NaN."""
    if unit in ("second", "number"):
        return times
    missing = ~np.isfinite(times)
    days = np.floor(np.where(missing, 0.0, times) / DAY_S)
    if unit == "day":
        out = days
    else:
        dates = days.astype(np.int64).astype("datetime64[D]")
        if unit == "month":
            out = dates.astype("datetime64[M]").astype(np.int64) + 1970.0 * 12
        else:
            # A weekend belongs to the working day before it.
            out = np.busday_count("1970-01-01", dates + 1).astype(np.float64) - 1
    return np.where(missing, np.nan, out)


def find_grid(series: Sequence[Array], style: str) -> Grid:
    """The grid on which the times of all series lie, or nearly do; each is sorted, all differ."""
    every = np.unique(np.concatenate(list(series))) if series else np.empty(0)
    if style == "number":
        step = _usual(series) or 1.0
        return Grid("number", step, float(every[0]) if every.size else 0.0, style)
    if np.any(every % DAY_S != 0):
        gap = _usual(series) or 3600.0
        if gap < MONTH_DAYS * DAY_S and not (gap % DAY_S == 0 and _same_hour(every)):
            return Grid("second", gap, float(every[0]), style)
    days = [np.unique(np.floor(one / DAY_S)) for one in series]
    gap = _usual(days) or 1.0
    if gap >= MONTH_DAYS:
        return _months(series, every, style)
    whole = np.unique(np.floor(every / DAY_S))
    # 1970-01-01 was a Thursday; Saturday and Sunday are then 2 and 3 days after one.
    weekend = np.isin(whole % 7, (2, 3)).any()
    if gap == 1 and not weekend and whole.size >= LEAST_WEEKDAYS:
        return Grid("weekday", 1.0, float(counted(whole[:1] * DAY_S, "weekday")[0]), style)
    origin = float(whole[0])
    if gap == 7:  # by the usual day of the week, from which single weeks may stray
        usual = int(np.bincount((whole % 7).astype(np.int64)).argmax())
        origin += ((usual - origin % 7) + 3) % 7 - 3
    return Grid("day", gap, origin, style)


def _same_hour(every: Array) -> bool:
    return np.unique(every % DAY_S).size == 1


def _usual(series: Sequence[Array]) -> float | None:
    """The most frequent distance between neighbours, else their median; ``None`` without any."""
    gaps = [np.diff(one) for one in series if one.size > 1]
    if not gaps:
        return None
    every = np.round(np.concatenate(gaps), 6)
    values, counts = np.unique(every, return_counts=True)
    if counts.max() * 2 >= every.size:
        return float(values[counts.argmax()])
    return float(np.median(every))


def _months(series: Sequence[Array], every: Array, style: str) -> Grid:
    months = [np.unique(counted(one, "month")) for one in series]
    step = max(1.0, float(round(_usual(months) or 1.0)))
    dates = every.astype(np.int64).astype("datetime64[s]").astype("datetime64[D]")
    day = dates.astype(np.int64) - dates.astype("datetime64[M]").astype("datetime64[D]").astype(
        np.int64
    )
    ends = (dates + 1).astype("datetime64[M]") != dates.astype("datetime64[M]")
    usual = 0 if ends.mean() > 0.5 else int(np.bincount(day + 1).argmax())
    return Grid("month", step, float(counted(every[:1], "month")[0]), style, usual)
