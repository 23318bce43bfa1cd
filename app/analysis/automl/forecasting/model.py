"""The stored forecast: what each series is said to do next, ready to be looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.grid import Grid
from app.analysis.automl.forecasting.panel import KnownColumn

Array = npt.NDArray[Any]

REACH = 3
"""So many horizons ahead are answered; beyond the first it is told."""


@dataclass(frozen=True, slots=True)
class Future:
    """Rows to foretell: the number of the series (−1: unknown), the position on the calendar, and
    (rows, columns) what is known there in advance, NaN where nothing is."""

    series: Array
    when: Array
    known: Array

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.series.size)


@dataclass(slots=True)
class ForecastModel:
    """``history`` (series, times) is what was, with gaps filled; ``end`` the position after each
    series' last value. ``base`` (series, reach) is the share of the forecast that depends on the
    history alone; ``direct`` are learned models with their weights, ``tail`` (series, times) what
    they look back at. ``widths`` (reach,) are half intervals in units of ``scale``. ``low`` bounds
    what is foretold. ``known`` (columns, series, times) is what the table held in advance.
    """

    grid: Grid
    names: tuple[str, ...]
    season: int
    horizon: int
    history: Array
    end: Array
    base: Array
    scale: Array
    widths: Array | None = None
    low: float | None = None
    direct: tuple[tuple[float, Any], ...] = ()
    tail: Array = field(default_factory=lambda: np.empty((0, 0)))
    known_columns: tuple[KnownColumn, ...] = ()
    known: Array = field(default_factory=lambda: np.empty((0, 0, 0)))
    row_price: float = 1e-6

    @property
    def reach(self) -> int:
        """The furthest step that is answered."""
        return int(self.base.shape[1])

    def facts(self) -> dict[str, Any]:
        """The calendar in plain values: frequency, season, horizon, reach, series, first, last."""
        return {
            "frequency": self.grid.name,
            "season": self.season,
            "horizon": self.horizon,
            "reach": self.reach,
            "series": len(self.names),
            "first": self.grid.spelled(0),
            "last": self.grid.spelled(int(self.end.max()) - 1),
        }

    def steps(self, future: Future) -> Array:
        """(rows,) how many steps after its series' last value each row lies; ≤ 0: in the past. Of
        an unknown series the latest end counts."""
        last = np.where(future.series < 0, self.end.max(), self.end[future.series]) - 1
        return np.asarray(future.when - last)

    def predict(self, future: Future, threads: int = 1) -> Array:
        """(rows, 4): the forecast, its interval (NaN without one), and the step ahead.

        What lies in the past is answered by what was; an unknown series by the mean of all.
        """
        del threads
        step = self.steps(future)
        out = np.full((future.rows, 4), np.nan)
        out[:, 3] = step
        past = step <= 0
        if past.any():
            out[past, 0] = self._past(future.series[past], future.when[past])
        ahead = np.flatnonzero(~past & (future.series >= 0))
        if ahead.size:
            own = Future(future.series[ahead], future.when[ahead], future.known[ahead])
            out[ahead, :3] = self._ahead(own, step[ahead])
        for row in np.flatnonzero(~past & (future.series < 0)):
            out[row, 0] = self._mean_of_all(int(future.when[row]))
        return out

    def following(self, steps: int) -> Future:
        """The next ``steps`` of every series, with what the table held of them in advance."""
        series = np.repeat(np.arange(len(self.names)), steps)
        when = self.end[series] - 1 + np.tile(np.arange(1, steps + 1), len(self.names))
        return Future(series, when, self.known_of(series, when))

    def known_of(self, series: Array, when: Array) -> Array:
        """(rows, columns) what the table held in advance; NaN where it held nothing."""
        count = len(self.known_columns)
        if not count:
            return np.empty((when.size, 0))
        reach = self.known.shape[2]
        inside = (when >= 0) & (when < reach) & (series >= 0)
        values = self.known[:, np.maximum(series, 0), np.clip(when, 0, reach - 1)].T
        return np.where(inside[:, None], values, np.nan)

    def _ahead(self, future: Future, step: Array) -> Array:
        step = np.minimum(step, self.reach)
        value = self.base[future.series, step - 1].astype(np.float64)
        for weight, model in self.direct:
            found = model.forecast(self.tail, future.series, step, future.when, future.known)
            value = value + weight * found
        if self.low is not None:
            value = np.maximum(value, self.low)
        if self.widths is None:
            return np.column_stack([value, np.full((value.size, 2), np.nan)])
        half = self.widths[step - 1] * self.scale[future.series]
        bottom = value - half if self.low is None else np.maximum(value - half, self.low)
        return np.column_stack([value, bottom, value + half])

    def _past(self, series: Array, when: Array) -> Array:
        """What was; of an unknown series the mean of all, before the beginning the first value."""
        when = np.clip(when, 0, self.history.shape[1] - 1)
        known = np.isfinite(self.history)
        counts = np.maximum(1, known.sum(axis=0))
        mean = np.where(known, self.history, 0.0).sum(axis=0) / counts
        first = self.history[np.arange(len(self.history)), known.argmax(axis=1)]
        value = np.where(series < 0, mean[when], self.history[series, when])
        return np.where(np.isfinite(value), value, np.where(series < 0, mean[-1], first[series]))

    def _mean_of_all(self, when: int) -> float:
        every = np.arange(len(self.names))
        step = when - (self.end - 1)
        fits = (step >= 1) & (step <= self.reach)
        chosen = every[fits] if fits.any() else every
        at = np.full(chosen.size, when)
        future = Future(chosen, at, self.known_of(chosen, at))
        return float(self._ahead(future, np.clip(step[chosen], 1, self.reach))[:, 0].mean())
