"""The Theta method (Assimakopoulos & Nikolopoulos 2000), for a batch of series.

It is simple exponential smoothing with half the slope of the straight trend as drift (Hyndman &
Billah 2003), on series without their season.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.decomposition import decompose
from app.analysis.automl.forecasting.histories import Histories

Array = npt.NDArray[Any]

ALPHAS = np.concatenate([np.linspace(0.02, 0.98, 25), [0.9999]])


def theta(histories: Histories, steps: int, *, multiply: bool) -> Array:
    """(series, steps) the forecast; the smoothing is that of the least squared one-step error."""
    seasonal = decompose(histories, multiply=multiply, test=True)
    flat = seasonal.out_of(histories)
    y = flat.y
    level = np.zeros((len(y), ALPHAS.size))
    loss = np.zeros_like(level)
    begin = y.shape[1] - flat.n
    for t in range(y.shape[1]):
        now = y[:, t : t + 1]
        started, first = (begin < t)[:, None], (begin == t)[:, None]
        error = np.where(started, now - level, 0.0)
        loss += error**2
        level = np.where(first, now, level + ALPHAS * error)
    best = loss.argmin(axis=1)
    rows = np.arange(len(y))
    alpha, last = ALPHAS[best], level[rows, best]
    slope = _slopes(flat)
    lag = (1 - (1 - alpha) ** flat.n) / alpha
    ahead = np.arange(steps)
    forecast = last[:, None] + slope[:, None] / 2 * (ahead + lag[:, None])
    return seasonal.into(forecast)


def _slopes(histories: Histories) -> Array:
    """(series,) the slope of the straight trend by least squares."""
    steps = np.arange(histories.y.shape[1], dtype=np.float64)
    known = np.isfinite(histories.y)
    middle = np.where(known, steps, 0.0).sum(axis=1) / histories.n
    away = np.where(known, steps - middle[:, None], 0.0)
    spread = np.maximum((away**2).sum(axis=1), 1e-12)
    return np.asarray((away * np.where(known, histories.y, 0.0)).sum(axis=1) / spread)
