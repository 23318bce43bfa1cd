"""Prediction intervals of a regression from out-of-fold errors (split-conformal style).

The quantiles of out-of-fold errors, with the (n + 1) correction, cover about the share asked
for (Vovk et al.; Barber et al. 2021 for the cross-validated form). Errors often grow with the
prediction, so quantiles are taken within bands of predictions (Mondrian conformal). Where rows
count by a weight, so do their errors (Tibshirani et al. 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

COVERAGE = 0.9
LEAST_ROWS = 40
LEAST_CHECKED = 200
BIAS = 0.004
"""By about so much the coverage of out-of-fold errors differs from that of the kept model …"""
SURPRISING = 2.0
"""… but where that of the other sample is so many of its standard errors away: that tells of more."""
LEARNING = 0.1
"""Exponent of the learning curves: errors that can be learned away fall about as rows to the power
of minus this. Power laws are what is found again and again (Viering & Loog 2023); the exponent is a
cautious one: boosting had 0.09 to 0.4 on thousands of rows of which nearly all is explained, and
more on fewer rows; 0.03 to 0.1 where 0.8 to 0.9 is, none where a third is."""
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

    def covered(self, truth: Array, predictions: Array, weights: Array | None = None) -> float:
        """The share of rows, or of their weight, within their intervals."""
        low, high = self.around(predictions).T
        return float(np.average((truth >= low) & (truth <= high), weights=weights))

    def followed(
        self, truth: Array, predictions: Array, made_of: float, weights: Array | None = None
    ) -> Intervals | None:
        """These, which were made of so many rows, as many times as wide as rows of another sample
        ask for, which had no part in them; ``None`` where those are few.

        Both samples are subject to chance, and out-of-fold errors may differ from those of the
        model that is kept by about :data:`BIAS` of coverage: the other sample counts by its
        inverse variance beside that (a normal mean with a normal prior, which is wider where the
        sample says so).
        """
        if weights is not None:
            counted = weights > 0
            truth, predictions, weights = truth[counted], predictions[counted], weights[counted]
        rows = effective_rows(truth.size, weights)
        if rows < LEAST_CHECKED or np.any(self.low >= 0) or np.any(self.high <= 0):
            return None
        seen = self.covered(truth, predictions, weights)
        own, others = (COVERAGE * (1 - COVERAGE) / n for n in (max(made_of, 1.0), rows))
        surprise = ((seen - COVERAGE) / SURPRISING) ** 2 - others
        prior = own + max(BIAS**2, surprise)
        trust = prior / (prior + others)
        wanted = seen + trust * (COVERAGE - seen)
        errors, band = truth - predictions, np.searchsorted(self.edges, predictions)
        reach = errors / np.where(errors < 0, self.low[band], self.high[band])
        share = min(1.0, wanted * (1 + 1 / rows))
        return self.scaled(float(quantiles(reach, np.array([share]), weights)[0]))

    def scaled(self, factor: float) -> Intervals:
        """These, so many times as wide."""
        return Intervals(self.edges, self.low * factor, self.high * factor)


def learned_more(explained: float, times: float) -> float:
    """How wide errors are, as a share of before, for a model that learned from so many times the
    rows, where it explains that share of the target's variance: what is noise does not shrink, and
    where little is explained hardly any of what is left can be learned."""
    return float(times ** -(LEARNING * np.clip(explained, 0.0, 1.0) ** 3))


def fit_intervals(
    truth: Array, predictions: Array, weights: Array | None = None
) -> Intervals | None:
    """Intervals from out-of-fold predictions, or ``None`` when there are too few rows."""
    if weights is not None:
        counted = weights > 0
        truth, predictions, weights = truth[counted], predictions[counted], weights[counted]
    rows = effective_rows(truth.size, weights)
    if rows < LEAST_ROWS:
        return None
    bands = int(np.clip(rows // ROWS_PER_BAND, 1, MOST_BANDS))
    cuts = np.linspace(0, 1, bands + 1)[1:-1]
    edges = np.unique(quantiles(predictions, cuts, weights))
    band = np.searchsorted(edges, predictions)
    errors = truth - predictions
    sides = []
    for b in range(edges.size + 1):
        here = band == b
        sides.append(_sides(errors[here], None if weights is None else weights[here]))
    whole = _sides(errors, weights)
    if whole is None:
        return None
    pairs = np.array([whole if side is None else side for side in sides], dtype=np.float64)
    return Intervals(edges, pairs[:, 0], pairs[:, 1])


def effective_rows(rows: int, weights: Array | None) -> float:
    """How many rows of equal weight tell as much: (Σw)² / Σw² (Kish 1965)."""
    if weights is None:
        return float(rows)
    return float(weights.sum() ** 2 / np.sum(weights**2)) if np.any(weights > 0) else 0.0


def quantiles(values: Array, shares: Array, weights: Array | None) -> Array:
    """The values below which those shares of the rows, or of their weight, lie."""
    if weights is None:
        return np.asarray(np.quantile(values, shares))
    return np.asarray(np.quantile(values, shares, weights=weights, method="inverted_cdf"))


def _sides(errors: Array, weights: Array | None = None) -> tuple[float, float] | None:
    """The ⌈(n+1)(1−α/2)⌉-th smallest error, and its mirror on the other side."""
    if weights is not None:
        high, low = _reach(errors, weights), _reach(-errors, weights)
        return None if high is None or low is None else (-low, high)
    n = errors.size
    rank = int(np.ceil((n + 1) * (1 + COVERAGE) / 2))
    if rank > n:
        return None
    ordered = np.sort(errors)
    return float(ordered[n - rank]), float(ordered[rank - 1])


def _reach(errors: Array, weights: Array) -> float | None:
    """The least error up to which Σw ≥ (1−α/2)(Σw + v) lies. v is the weight of the row to come:
    Σw² / Σw, that of one drawn as the weights say. With equal weights it is the rank above."""
    if not errors.size:
        return None
    order = np.argsort(errors, kind="stable")
    total = float(weights.sum())
    needed = (total + float(np.sum(weights**2)) / total) * (1 + COVERAGE) / 2
    place = int(np.searchsorted(np.cumsum(weights[order]), needed * (1 - 1e-12)))
    return float(errors[order[place]]) if place < errors.size else None
