"""Figures of forecasts: MASE, and errors in the target's unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FIGURES = ("mase", "rmse", "mae", "wape")


def figure(name: str, truth: Array, forecast: Array, scale: Array) -> float:
    """One figure over all windows, series and steps whose truth is known; NaN for none.

    ``truth`` and ``forecast`` are (…, steps), ``scale`` (…) the mean absolute error of the seasonal
    naive forecast within each history. MASE (Hyndman & Koehler 2006) is the mean over windows and
    series; ``wape`` the summed errors by the summed sizes of the truth.
    """
    error = np.where(np.isfinite(truth), truth - forecast, np.nan)
    known = np.isfinite(error)
    if not known.any():
        return float("nan")
    if name == "mase":
        counts = known.sum(axis=-1)
        sums = np.where(known, np.abs(error), 0.0).sum(axis=-1)
        judged = counts > 0
        return float(np.mean(sums[judged] / counts[judged] / scale[judged]))
    if name == "rmse":
        return float(np.sqrt(np.mean(error[known] ** 2)))
    total = float(np.abs(error[known]).sum())
    if name == "mae":
        return total / int(known.sum())
    size = float(np.abs(truth[known]).sum())
    return total / size if size > 0 else float("nan")
