"""Temperature: one number that makes probabilities bolder or more careful."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from app.analysis.automl.intervals import effective_rows
from app.analysis.automl.metrics import log_loss

Array = npt.NDArray[Any]

LEAST_ROWS = {"binary": 3_000, "multiclass": 500}
"""Out-of-fold rows below which a temperature would be fitted to noise."""
LEAST_GAIN = 0.001


def tempered(probabilities: Array, temperature: float) -> Array:
    """pᵢ^(1/T) / Σ pⱼ^(1/T): softmax of the log probabilities over the temperature T."""
    if temperature == 1.0:
        return probabilities
    margins = np.log(np.clip(probabilities, 1e-12, 1)) / temperature
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def find_temperature(
    task: str, truth: Array, probabilities: Array, weights: Array | None = None
) -> float:
    """The temperature with the least log loss out of fold (Guo et al. 2017), else 1.

    Kept only when, fitted on either half of the rows, it lowers the log loss of the other by
    at least 0.1 %. Rows count by their ``weights``.
    """
    if weights is not None:
        counted = weights > 0
        truth, probabilities, weights = truth[counted], probabilities[counted], weights[counted]
    if effective_rows(truth.size, weights) < LEAST_ROWS.get(task, 500):
        return 1.0
    halves = np.arange(truth.size) % 2 == 0
    before = log_loss(truth, probabilities, weights)
    after = 0.0
    for fit, judge in ((halves, ~halves), (~halves, halves)):
        own = None if weights is None else weights[fit]
        others = None if weights is None else weights[judge]
        share = 0.5 if weights is None or others is None else others.sum() / weights.sum()
        temperature = _fit(truth[fit], probabilities[fit], own)
        told = tempered(probabilities[judge], temperature)
        after += share * log_loss(truth[judge], told, others)
    return _fit(truth, probabilities, weights) if after < before * (1 - LEAST_GAIN) else 1.0


def _fit(truth: Array, probabilities: Array, weights: Array | None) -> float:
    found = minimize_scalar(
        lambda t: log_loss(truth, tempered(probabilities, float(np.exp(t))), weights),
        bounds=(-1.0, 1.0),
        method="bounded",
    )
    return float(np.exp(found.x))
