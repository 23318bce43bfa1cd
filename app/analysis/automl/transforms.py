"""The scale that a regression target is fitted on, a skewed one's a logarithm, and the way back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import skew

Array = npt.NDArray[Any]

SKEWED = 1.0


def is_skewed(values: Array) -> bool:
    """Whether a target leans right enough for its logarithm to be tried."""
    return bool(np.ptp(values) > 0 and skew(values) > SKEWED)


@dataclass(frozen=True, slots=True)
class TargetScale:
    """The scale that a target is fitted on: ``plain``, or the logarithm above its minimum.

    ``unit`` keeps the logarithm's bend where the values are: it is the median distance from
    the minimum. A plain target is divided by it: values that hardly scatter would be less than
    penalties and the least gain of a split, which are absolute. Being a power of two, it changes
    no digit of them.
    """

    kind: str = "plain"
    low: float = 0.0
    high: float = 0.0
    unit: float = 1.0

    @classmethod
    def fit(cls, kind: str, values: Array) -> TargetScale:
        """The scale of that kind for training values."""
        if kind == "plain":
            scatter = float(np.std(values))
            return cls(unit=2.0 ** math.floor(math.log2(scatter)) if 0 < scatter < 1 else 1.0)
        low, high = float(values.min()), float(values.max())
        return cls(kind, low, high, float(np.median(values) - low) or 1.0)

    def forth(self, values: Array) -> Array:
        """Values on the fitted scale; those below the training minimum count as the minimum."""
        if self.kind == "plain":
            return values if self.unit == 1 else values / self.unit
        return np.log1p(np.maximum(values - self.low, 0) / self.unit)

    def back(self, fitted: Array) -> Array:
        """Predictions in the target's own unit, kept within the training range."""
        if self.kind == "plain":
            return fitted if self.unit == 1 else fitted * self.unit
        values = np.expm1(np.minimum(fitted, 50)) * self.unit + self.low
        return np.clip(values, self.low, self.high)


def smearing(kind: str, truth: Array, predictions: Array) -> float:
    """The factor that makes back-transformed predictions best in squared error, out of fold.

    Fitting logarithms predicts a median, which is below the mean: Σ y·ŷ / Σ ŷ² corrects it
    (in the spirit of Duan's smearing, 1983). 1 for a plain scale.
    """
    if kind == "plain":
        return 1.0
    squares = float(np.sum(predictions**2))
    return float(np.sum(truth * predictions)) / squares if squares > 0 else 1.0
