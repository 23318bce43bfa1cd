"""Partial dependence: the mean prediction as one column takes each of some values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

POINTS = 20


def grid_of(values: Array) -> Array:
    """At most :data:`POINTS` values between the 2nd and the 98th percentile (Friedman 2001)."""
    known = values[~np.isnan(values)]
    if known.size == 0:
        return known
    distinct = np.unique(known)
    if distinct.size <= POINTS:
        return distinct
    # Values that occur: between two years, or two numbers of rooms, there is none.
    return np.unique(np.quantile(known, np.linspace(0.02, 0.98, POINTS), method="nearest"))


def partial_dependence(predict_at: Callable[[float], Array], grid: Sequence[float]) -> Array:
    """(points,): the mean of ``predict_at(value)``, the sample's predictions with that value."""
    return np.array([float(np.mean(predict_at(float(value)))) for value in grid])
