"""Prediction intervals of a regression from out-of-fold errors (split-conformal style).

The quantiles of out-of-fold errors, with the (n + 1) correction, cover about the share asked
for (Vovk et al.; Barber et al. 2021 for the cross-validated form). Errors often grow with the
prediction, so quantiles are taken within bands of predictions (Mondrian conformal).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

COVERAGE = 0.9
LEAST_ROWS = 40
ROWS_PER_BAND = 200
MOST_BANDS = 10


@dataclass(frozen=True, slots=True)
class Intervals:
    """``edges`` cut predictions into bands; ``low`` and ``high`` are added to a prediction."""

    edges: Array
    low: Array
    high: Array

    def around(self, predictions: Array) -> Array:
        """(n, 2): the interval of each prediction, at :data:`COVERAGE`."""
        band = np.searchsorted(self.edges, predictions)
        return np.column_stack([predictions + self.low[band], predictions + self.high[band]])


def fit_intervals(truth: Array, predictions: Array) -> Intervals | None:
    """Intervals from out-of-fold predictions, or ``None`` when there are too few rows."""
    if truth.size < LEAST_ROWS:
        return None
    bands = int(np.clip(truth.size // ROWS_PER_BAND, 1, MOST_BANDS))
    edges = np.unique(np.quantile(predictions, np.linspace(0, 1, bands + 1)[1:-1]))
    band = np.searchsorted(edges, predictions)
    errors = truth - predictions
    sides = [_sides(errors[band == b]) for b in range(edges.size + 1)]
    whole = _sides(errors)
    sides = [whole if side is None else side for side in sides]
    pairs = np.array(sides, dtype=np.float64)
    return Intervals(edges, pairs[:, 0], pairs[:, 1])


def _sides(errors: Array) -> tuple[float, float] | None:
    """The ⌈(n+1)(1−α/2)⌉-th smallest error, and its mirror on the other side."""
    n = errors.size
    rank = int(np.ceil((n + 1) * (1 + COVERAGE) / 2))
    if rank > n:
        return None
    ordered = np.sort(errors)
    return float(ordered[n - rank]), float(ordered[rank - 1])
