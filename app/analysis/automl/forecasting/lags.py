"""What a learned model sees of a series: what was, relative to its level, and what is known ahead.

A row stands for one series, one origin (the last time known) and one step ahead of it. Nothing in a
row comes from after its origin but the calendar and what is known in advance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.grid import Grid
from app.analysis.automl.forecasting.panel import KnownColumn
from app.analysis.automl.forecasting.spelling import DAY_S

Array = npt.NDArray[Any]

MOST_LAGS = 25
MOST_NAMED = 300
"""Series up to which each is a category of its own."""
MOST_INDICATORS = 20
"""Categories known in advance that a linear model tells apart."""


@dataclass(frozen=True, slots=True)
class Lens:
    """How rows are seen: ``lags`` values back from the origin, the season, a ``long`` one beside it
    (0: none), the calendar, the columns known in advance, and how many series there are."""

    grid: Grid
    season: int
    lags: int
    long: int
    known: tuple[KnownColumn, ...]
    series: int

    @property
    def back(self) -> int:
        """So many times before an origin are looked at."""
        return max(self.lags, 4 * self.season, 2 * self.long, 4) + 1

    @property
    def categorical(self) -> list[int]:
        """Where the tree view holds categories."""
        width = self._plain
        own = [width] if 1 < self.series <= MOST_NAMED else []
        first = width + (1 if self.series > 1 else 0)
        return own + [first + k for k, c in enumerate(self.known) if c.categories]

    @property
    def _plain(self) -> int:
        return self.lags + (3 if self.season > 1 else 0) + bool(self.long) + 3 + 2 + 5


@dataclass(frozen=True, slots=True)
class Past:
    """Values (series, times) with NaN before each series starts, and each series' scale."""

    y: Array
    scale: Array
    _padded: Array
    _sums: Array
    _counts: Array
    _pad: int

    @classmethod
    def of(cls, y: Array, scale: Array, lens: Lens) -> Past:
        """The values, made ready to be looked back at."""
        padded = np.hstack([np.full((len(y), lens.back + 1), np.nan), y])
        known = np.isfinite(padded)
        sums = np.cumsum(np.where(known, padded, 0.0), axis=1)
        return cls(y, scale, padded, sums, np.cumsum(known, axis=1), lens.back + 1)

    def at(self, series: Array, times: Array) -> Array:
        """The values of those series at those times; NaN where there is none."""
        return np.asarray(self._padded[series, np.maximum(times + self._pad, 0)])

    def mean(self, series: Array, last: Array, width: int) -> Array:
        """The mean of the ``width`` values up to ``last``; NaN where there is none."""
        high = np.maximum(last + self._pad, 0)
        low = np.maximum(high - width, 0)
        sums = self._sums[series, high] - self._sums[series, low]
        counts = self._counts[series, high] - self._counts[series, low]
        out = np.full(sums.shape, np.nan)
        return np.asarray(np.divide(sums, counts, out=out, where=counts > 0))

    def level(self, series: Array, origin: Array, season: int) -> Array:
        """What a series is measured from: the mean of its last season, or its last value."""
        if season < 2:
            return self.at(series, origin)
        return self.mean(series, origin, season)


def see(
    lens: Lens, past: Past, series: Array, origin: Array, step: Array, when: Array, known: Array
) -> Array:
    """(rows, features) for trees. ``when`` are the positions foretold on the calendar, ``known``
    (rows, columns) what is known there in advance."""
    parts = [_relative(lens, past, series, origin, step)]
    parts.append(np.column_stack([step, when % max(1, lens.season), *_calendar(lens.grid, when)]))
    if lens.series > 1:
        parts.append(series[:, None])
    if lens.known:
        parts.append(known)
    return np.hstack(parts)


def see_straight(
    lens: Lens, past: Past, series: Array, origin: Array, step: Array, when: Array, known: Array
) -> Array:
    """(rows, features) for a linear model of one step: no gaps, seasons as waves, categories
    known in advance as indicators."""
    relative = np.nan_to_num(_relative(lens, past, series, origin, step))
    parts = [relative, *_waves(lens, when)]
    for k, column in enumerate(lens.known):
        values = known[:, k]
        if column.categories:
            codes = np.arange(min(len(column.categories), MOST_INDICATORS))
            parts.append((values[:, None] == codes).astype(np.float64))
        else:
            parts.append(values[:, None])
    return np.hstack(parts)


def _relative(lens: Lens, past: Past, series: Array, origin: Array, step: Array) -> Array:
    """What was, less the level, in units of the series' scale."""
    season = lens.season
    level = past.level(series, origin, season)
    columns = [past.at(series, origin - k) for k in range(lens.lags)]
    if season > 1:
        before = origin + step - season * -(-step // season)
        columns += [past.at(series, before - season * k) for k in range(3)]
    if lens.long:
        columns.append(past.at(series, origin + step - lens.long * -(-step // lens.long)))
    width = max(season, 2)
    columns.append(past.mean(series, origin, 3))
    columns.append(past.mean(series, origin, 2 * width))
    columns.append(past.mean(series, origin - width, width))
    out: Array = (np.column_stack(columns) - level[:, None]) / past.scale[series][:, None]
    return out


def _calendar(grid: Grid, when: Array) -> list[Array]:
    """Five places in the calendar: of the year, month, week, day; and time since it began."""
    if grid.unit == "number":
        nothing = np.zeros(when.size)
        return [nothing, nothing, nothing, nothing][:3] + [when.astype(np.float64)] * 2
    seconds = grid.times(when)
    days = np.floor(seconds / DAY_S).astype(np.int64)
    dates = days.astype("datetime64[D]")
    year = dates.astype("datetime64[Y]")
    month = dates.astype("datetime64[M]")
    of_year = (month - year.astype("datetime64[M]")).astype(np.int64)
    of_month = (dates - month.astype("datetime64[D]")).astype(np.int64)
    hour = (seconds - days * DAY_S) / 3600
    return [of_year, of_month, (days + 3) % 7, hour, when.astype(np.float64)]


def _waves(lens: Lens, when: Array) -> list[Array]:
    parts = []
    for season in (lens.season, lens.long):
        if season > 1:
            for k in range(1, min(3, season // 2) + 1):
                turn = 2 * np.pi * k * when / season
                parts.append(np.column_stack([np.sin(turn), np.cos(turn)]))
    return parts
