"""The simple methods: naive, seasonal naive, drift and means. Each forecasts a batch of series."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.histories import Histories

Array = npt.NDArray[Any]


def seasonal_naive(histories: Histories, steps: int) -> Array:
    """(series, steps) the last season again and again; what it lacks is the last value."""
    season = min(histories.season, histories.y.shape[1])
    last = histories.y[:, -season:]
    last = np.where(np.isfinite(last), last, histories.y[:, -1:])
    return np.asarray(last[:, np.arange(steps) % season])


def drift(histories: Histories, steps: int) -> Array:
    """(series, steps) the straight line through the first and the last value, on top of the last
    season where there is one."""
    first = _first(histories)
    slope = (histories.y[:, -1] - first) / np.maximum(1, histories.n - 1)
    season = min(histories.season, histories.y.shape[1])
    laps = 1 + np.arange(steps) // season if season > 1 else 1 + np.arange(steps)
    grown = slope[:, None] * laps * (season if season > 1 else 1)
    return np.asarray(seasonal_naive(histories, steps) + grown)


def recent_mean(histories: Histories, steps: int, seasons: int) -> Array:
    """(series, steps) the mean of the last few values of the same place in the season."""
    season = min(histories.season, histories.y.shape[1])
    rows = [
        histories.y[:, histories.y.shape[1] - season * (k + 1) : histories.y.shape[1] - season * k]
        for k in range(seasons)
        if season * (k + 1) <= histories.y.shape[1]
    ]
    stack = np.stack(rows)
    known = np.isfinite(stack)
    counts = known.sum(axis=0)
    sums = np.where(known, stack, 0.0).sum(axis=0)
    mean = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    mean = np.where(np.isfinite(mean), mean, histories.y[:, -1:])
    return mean[:, np.arange(steps) % season]


def _first(histories: Histories) -> Array:
    columns = histories.y.shape[1] - histories.n
    return np.asarray(histories.y[np.arange(len(histories.y)), columns])
