"""Partial dependence: the mean prediction as one column takes each of some values."""

from __future__ import annotations

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


def partial_dependence(outputs: Array, points: int) -> Array:
    """(points,): the means of (points × rows,) predictions, those of one point after another."""
    return np.asarray(outputs.reshape(points, -1).mean(axis=1))
