"""Numbers for estimators that need them complete and on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.floating[Any]]

SKEWED = 0.99
"""Beyond this absolute skewness a column is mapped to normal scores (notes: linear models)."""
QUANTILES = 129
LARGEST = float(np.finfo(np.float32).max)
"""Beyond it a number has no place among single floats, which all estimators learn from."""
LIMIT = 6.0
"""Standardised values are cut here, so that one wild row cannot move a linear prediction."""


def in_range(values: Floats) -> Floats:
    """The values, NaN for those that are infinite or beyond :data:`LARGEST`."""
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


@dataclass(slots=True)
class NumberScaler:
    """Medians, missing flags, normal scores and scales of (n, k) numbers, learned from rows."""

    median: Floats
    flagged: npt.NDArray[np.intp]
    skewed: npt.NDArray[np.intp]
    grid: Floats
    mean: Floats
    scale: Floats

    @classmethod
    def fit(cls, numbers: Floats) -> NumberScaler:
        """Learn from training rows; NaN is missing, and a column may be missing altogether."""
        missing = np.isnan(numbers)
        empty = missing.all(axis=0)
        median = np.zeros(numbers.shape[1])
        median[~empty] = np.nanmedian(numbers[:, ~empty], axis=0)
        filled = np.where(missing, median, numbers)
        skewed = np.flatnonzero(np.abs(_skewness(filled)) > SKEWED)
        skewed = np.array([j for j in skewed if np.unique(filled[:, j]).size > 10], dtype=np.intp)
        grid = np.quantile(filled[:, skewed], np.linspace(0, 1, QUANTILES), axis=0)
        flagged = np.flatnonzero(missing.any(axis=0) & ~empty)
        scaler = cls(median, flagged, skewed, grid, np.zeros(1), np.ones(1))
        filled = scaler._normal(filled)
        scaler.mean = filled.mean(axis=0)
        spread = filled.std(axis=0)
        scaler.scale = np.where(spread > 0, spread, 1.0)
        return scaler

    def transform(self, numbers: Floats) -> npt.NDArray[np.float32]:
        """(n, k + flags) complete numbers of mean 0 and deviation 1, then the missing flags."""
        missing = np.isnan(numbers)
        filled = self._normal(np.where(missing, self.median, numbers))
        scaled = np.clip((filled - self.mean) / self.scale, -LIMIT, LIMIT)
        return np.hstack([scaled, missing[:, self.flagged]]).astype(np.float32)

    def _normal(self, filled: Floats) -> Floats:
        """Skewed columns as normal scores of their ranks, interpolated between quantiles."""
        levels = np.linspace(0, 1, QUANTILES)
        for k, j in enumerate(self.skewed):
            values = self.grid[:, k]
            # The mean of the ranks from below and from above treats ties alike.
            below = np.interp(filled[:, j], values, levels)
            above = 1 - np.interp(-filled[:, j], -values[::-1], levels)
            rank = np.clip((below + above) / 2, 1e-3, 1 - 1e-3)
            filled[:, j] = special.ndtri(rank)
        return filled


def _skewness(filled: Floats) -> Floats:
    centred = filled - filled.mean(axis=0)
    variance = (centred**2).mean(axis=0)
    safe = np.where(variance > 0, variance, 1.0)
    return np.asarray((centred**3).mean(axis=0) / safe**1.5)
