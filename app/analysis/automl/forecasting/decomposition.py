"""Seasonal indices by classical decomposition, for a batch of series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.histories import Histories

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Seasonal:
    """``indices`` (series, season) by place in the season; factors where ``factors`` says so, else
    summands. Neutral (1 or 0) for series without a season."""

    indices: Array
    factors: Array

    def out_of(self, histories: Histories) -> Histories:
        """The histories without their season."""
        own = self.indices[:, histories.phases]
        by = np.where(self.factors[:, None], own, 1.0)
        less = np.where(self.factors[:, None], 0.0, own)
        return histories.with_values(histories.y / by - less)

    def into(self, forecast: Array) -> Array:
        """A forecast (series, steps) with the season put back in."""
        own = self.indices[:, np.arange(forecast.shape[1]) % self.indices.shape[1]]
        return np.where(self.factors[:, None], forecast * own, forecast + own)


def decompose(histories: Histories, *, multiply: bool, test: bool = False) -> Seasonal:
    """Seasonal indices as means of what stands beside a centred moving average of one season.

    Series of fewer than two seasons get none; factors are used where ``multiply`` is asked for and
    all values are above 0. With ``test`` only series whose autocorrelation shows a season get one.
    """
    y, season = histories.y, histories.season
    low = np.where(np.isfinite(y), y, np.inf).min(axis=1)
    factors = (low > 0) & multiply
    neutral = np.where(factors, 1.0, 0.0)[:, None] * np.ones(max(1, season))
    if season < 2 or y.shape[1] < 2 * season:
        return Seasonal(neutral, factors)
    trend = moving_average(y, season)
    with np.errstate(divide="ignore", invalid="ignore"):
        beside = np.where(factors[:, None], y / trend, y - trend)
    indices = neutral.copy()
    for place in range(season):
        indices[:, place] = _means(beside[:, histories.phases == place])
    known = np.isfinite(indices).all(axis=1) & (histories.n >= 2 * season)
    if test:
        known &= _seasonal(histories)
    level = indices.mean(axis=1, keepdims=True)
    by = np.where(factors[:, None] & (level > 0), level, 1.0)
    settled = np.where(factors[:, None], indices / by, indices - level)
    # A factor near 0 would blow up what it divides.
    known &= np.where(factors, settled.min(axis=1) > 0.01, True)
    return Seasonal(np.where(known[:, None], settled, neutral), factors)


def moving_average(y: Array, season: int) -> Array:
    """(series, times) the centred mean of one season around each time, NaN near the ends."""
    known = np.isfinite(y)
    sums = np.cumsum(np.where(known, y, 0.0), axis=1)
    counts = np.cumsum(known, axis=1)
    zero = np.zeros((len(y), 1))
    sums, counts = np.hstack([zero, sums]), np.hstack([zero, counts])
    width, half = season, season // 2
    out = np.full(y.shape, np.nan)
    span = y.shape[1] - width + 1
    means = (sums[:, width:] - sums[:, :-width]) / width
    means = np.where(counts[:, width:] - counts[:, :-width] == width, means, np.nan)
    if season % 2:
        out[:, half : half + span] = means
    elif span > 1:
        out[:, half : half + span - 1] = (means[:, 1:] + means[:, :-1]) / 2
    return out


def _seasonal(histories: Histories) -> Array:
    """(series,) whether the autocorrelation at the season passes what chance gives."""
    steps = np.arange(histories.y.shape[1], dtype=np.float64)
    known = np.isfinite(histories.y)
    y = np.where(known, histories.y, 0.0)
    n = histories.n.astype(np.float64)
    middle = (known * steps).sum(axis=1) / n
    mean = y.sum(axis=1) / n
    away = np.where(known, steps - middle[:, None], 0.0)
    spread = np.maximum((away**2).sum(axis=1), 1e-12)
    slope = (away * y).sum(axis=1) / spread
    rest = np.where(known, y - mean[:, None] - slope[:, None] * away, 0.0)
    power = np.maximum((rest**2).sum(axis=1), 1e-300)
    found = [
        (rest[:, lag:] * rest[:, :-lag]).sum(axis=1) / power
        for lag in range(1, histories.season + 1)
    ]
    before = np.array(found[:-1])
    bound = 1.645 * np.sqrt((1 + 2 * (before**2).sum(axis=0)) / n)
    return np.asarray(np.abs(found[-1]) > bound)


def _means(values: Array) -> Array:
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0))
