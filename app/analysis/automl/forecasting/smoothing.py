"""Exponential smoothing (ETS) with damped trend and season, for a batch of series.

The recursions are those of Hyndman, Koehler, Ord & Snyder (2008) with additive errors. All series
and many settings of the parameters are carried through time side by side, so that one pass over
the times tries them all: a table of thousands of series costs little more than one series.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.decomposition import Seasonal, decompose
from app.analysis.automl.forecasting.histories import Histories

Array = npt.NDArray[Any]

Trend = Literal["none", "damped", "straight"]
Season = Literal["none", "add", "multiply"]

TRIED = 20
ROUNDS = 5
"""Settings tried in each pass over the times, and passes, each closer around the best so far."""
_LOW = np.array([0.001, 0.0001, 0.0001, 0.80])
_HIGH = np.array([0.999, 0.6, 0.6, 0.995])
"""Bounds of α, β/α, γ/(1−α) and φ."""


@dataclass(frozen=True, slots=True)
class Smoothed:
    """``forecast`` (series, steps), and the corrected information criterion of each series."""

    forecast: Array
    criterion: Array


def smooth(histories: Histories, steps: int, trend: Trend, season: Season, seed: int) -> Smoothed:
    """Fit by least squared one-step errors, and forecast.

    Series that are too short for the season are fitted without it; a multiplied season needs values
    above 0, and is added elsewhere.
    """
    seasonal = _first_season(histories, season)
    fitted = _fit(histories, seasonal, trend, season, seed)
    _, state = _pass(histories, seasonal, fitted, trend, season)
    forecast = _ahead(state, fitted, seasonal, steps, trend)[:, 0]
    loss = np.maximum(state.loss[:, 0], 1e-300)
    count = np.maximum(histories.n, 4).astype(np.float64)
    k = 2.0 + {"none": 1, "damped": 4, "straight": 3}[trend]
    if season != "none":
        k += 1 + (histories.season if histories.season > 1 else 0)
    room = np.maximum(count - k - 1, 0.5)
    criterion = count * np.log(loss / count) + 2 * k + 2 * k * (k + 1) / room
    return Smoothed(forecast, criterion)


def smooth_best(histories: Histories, steps: int, seed: int) -> Array:
    """(series, steps) for each series the model of the least criterion (AICc)."""
    seasons: tuple[Season, ...] = ("none", "add", "multiply")
    trends: tuple[Trend, ...] = ("none", "damped", "straight")
    tried = [
        smooth(histories, steps, trend, season, seed)
        for season in (seasons if histories.season > 1 else ("none",))
        for trend in trends
    ]
    best = np.argmin(np.stack([one.criterion for one in tried]), axis=0)
    return np.asarray(np.stack([one.forecast for one in tried])[best, np.arange(best.size)])


@dataclass(slots=True)
class _State:
    """Level and trend (series, settings), season (length, series, settings), squared errors."""

    level: Array
    trend: Array
    season: Array
    loss: Array


def _first_season(histories: Histories, season: Season) -> Seasonal:
    if season == "none" or histories.season < 2:
        neutral = np.zeros((len(histories.y), max(1, histories.season)))
        return Seasonal(neutral, np.zeros(len(histories.y), dtype=bool))
    return decompose(histories, multiply=season == "multiply")


def _fit(
    histories: Histories, seasonal: Seasonal, trend: Trend, season: Season, seed: int
) -> Array:
    """(series, 1, 4) the parameters α, β, γ, φ of the least loss."""
    rng = np.random.default_rng(seed)
    count = len(histories.y)
    share = np.array([0.25, 0.1, 0.1, 0.9])
    best = np.broadcast_to(share, (count, 1, 4)).copy()
    tried = np.concatenate([best, _spread(rng, count)], axis=1)
    least = np.full(count, np.inf)
    for number in range(ROUNDS):
        loss, _ = _pass(histories, seasonal, _settled(tried), trend, season)
        at = loss.argmin(axis=1)
        found = loss[np.arange(count), at]
        better = found < least
        best[better, 0] = tried[np.flatnonzero(better), at[better]]
        least = np.minimum(least, found)
        width = 0.5 ** (number + 1)
        around = best + width * rng.normal(size=(1, TRIED, 4)) * (_HIGH - _LOW) * 0.5
        tried = np.clip(around, _LOW, _HIGH)
    return _settled(best)


def _spread(rng: np.random.Generator, count: int) -> Array:
    """(series, settings, 4) the first settings, spread evenly in each direction."""
    places = (rng.permuted(np.tile(np.arange(TRIED), (4, 1)), axis=1).T + 0.5) / TRIED
    places[:, :3] **= 2  # small steps are the usual ones
    return np.broadcast_to(_LOW + places * (_HIGH - _LOW), (count, TRIED, 4))


def _settled(shares: Array) -> Array:
    """α, β, γ, φ of shares that may be chosen freely."""
    alpha = shares[..., 0]
    return np.stack(
        [alpha, shares[..., 1] * alpha, shares[..., 2] * (1 - alpha), shares[..., 3]], axis=-1
    )


def _begin(histories: Histories, seasonal: Seasonal, settings: int, trend: Trend) -> _State:
    """The state before the first value: level and slope of the first season or ten values."""
    flat = seasonal.out_of(histories).y
    count, length = flat.shape
    window = max(10, 2 * histories.season)
    steps = np.arange(length) - (length - histories.n)[:, None]
    early = (steps >= 0) & (steps < window) & np.isfinite(flat)
    n = early.sum(axis=1)
    x = np.where(early, steps, 0.0)
    y = np.where(early, flat, 0.0)
    middle, mean = x.sum(axis=1) / n, y.sum(axis=1) / n
    away = np.where(early, steps - middle[:, None], 0.0)
    slope = (away * y).sum(axis=1) / np.maximum((away**2).sum(axis=1), 1e-12)
    if trend == "none":
        slope = np.zeros(count)
        level = mean
    else:
        level = mean - slope * (middle + 1)
    ones = np.ones((1, settings))
    season = np.repeat(seasonal.indices.T[:, :, None], settings, axis=2)
    return _State(level[:, None] * ones, slope[:, None] * ones, season, np.zeros((count, settings)))


def _pass(
    histories: Histories, seasonal: Seasonal, settings: Array, trend: Trend, season: Season
) -> tuple[Array, _State]:
    """Carry every setting through all times: the summed squared errors, and the last state."""
    alpha, beta, gamma, phi = (settings[..., k] for k in range(4))
    if trend != "damped":
        phi = np.ones_like(phi)
    if trend == "none":
        beta = np.zeros_like(beta)
    state = _begin(histories, seasonal, settings.shape[1], trend)
    y, phases = histories.y, histories.phases
    begin = y.shape[1] - histories.n
    factors = seasonal.factors[:, None]
    multiplied, whole = bool(seasonal.factors.any()), bool((begin == 0).all())
    moving = season != "none" and histories.season > 1
    level, slope, loss = state.level, state.trend, state.loss
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for t in range(y.shape[1]):
            own = state.season[phases[t]]
            steady = level + phi * slope
            expected = np.where(factors, steady * own, steady + own) if multiplied else steady + own
            error = y[:, t : t + 1] - expected
            if not whole:
                error = np.where((begin <= t)[:, None], error, 0.0)
                steady = np.where((begin <= t)[:, None], steady, level)
                drifted = np.where((begin <= t)[:, None], phi * slope, slope)
            else:
                drifted = phi * slope
            loss = loss + error * error
            share = error / np.where(factors, own, 1.0) if multiplied else error
            if moving:
                apart = error / np.where(factors, _apart(steady), 1.0) if multiplied else error
                state.season[phases[t]] = own + gamma * apart
            level = steady + alpha * share
            slope = drifted + beta * share
    loss = np.where(np.isfinite(loss), loss, np.inf)
    return loss, _State(level, slope, state.season, loss)


def _apart(values: Array) -> Array:
    """Values kept away from 0, which they are to divide by."""
    return np.where(np.abs(values) < 1e-9, 1e-9, values)


def _ahead(state: _State, settings: Array, seasonal: Seasonal, steps: int, trend: Trend) -> Array:
    """(series, settings, steps) what follows from the last state."""
    phi = settings[..., 3] if trend == "damped" else np.ones_like(settings[..., 3])
    grown = np.cumsum(phi[..., None] ** np.arange(1, steps + 1), axis=-1)
    if trend == "none":
        grown = np.zeros_like(grown)
    steady = state.level[..., None] + grown * state.trend[..., None]
    own = np.moveaxis(state.season[np.arange(steps) % len(state.season)], 0, -1)
    return np.where(seasonal.factors[:, None, None], steady * own, steady + own)
