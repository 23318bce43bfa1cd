"""The decision: how a label follows from probabilities, where not simply by the largest.

For two classes that is a threshold; for any number of them costs, of which class weights are a
special case: to miss a class costs its weight. The label is the one whose expected cost is least
(Elkan, 2001, "The foundations of cost-sensitive learning").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Kind = Literal["largest", "threshold", "class_weight", "costs"]


@dataclass(frozen=True, slots=True)
class Decision:
    """``threshold`` is of the positive class's probability; ``costs`` (n, n) say what it costs
    to call a row of the class of that line by the class of that column."""

    kind: Kind = "largest"
    threshold: float | None = None
    costs: Array | None = None

    def positions(self, probabilities: Array) -> Array:
        """(n,) the class that each row of probabilities is called by."""
        if self.threshold is not None:
            return np.asarray(probabilities[:, 1] >= self.threshold, dtype=np.intp)
        if self.costs is not None:
            return np.asarray((probabilities @ self.costs).argmin(axis=1))
        return np.asarray(probabilities.argmax(axis=1))


LARGEST = Decision()
"""The most probable class."""


def weighted_costs(weights: Array) -> Array:
    """(n, n): what each mistake costs, where missing a class costs its weight."""
    costs = np.tile(weights[:, None], (1, weights.size)).astype(np.float64)
    np.fill_diagonal(costs, 0.0)
    return costs


def mean_cost(truth: Array, called: Array, costs: Array, weights: Array | None = None) -> float:
    """The mean cost of a row that is of one class and was called by another."""
    return float(np.average(costs[truth, called], weights=weights))
