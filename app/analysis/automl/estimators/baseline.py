"""The dumb baseline that every leaderboard holds: it looks at no feature at all."""

from __future__ import annotations

import numpy as np

from app.analysis.automl.estimators.base import Array, Circumstances, Estimator, Fitting, Shape
from app.analysis.automl.features.space import Matrix


class Baseline(Estimator):
    """Always the classes' shares in the training rows, or the mean (or median) target."""

    family = "baseline"
    view = "tree"

    @classmethod
    def estimate(cls, shape: Shape, params: dict[str, object]) -> float:
        """Next to nothing."""
        del shape, params
        return 0.001

    def fit(self, data: Fitting, how: Circumstances) -> None:
        """Count."""
        del how
        if data.task == "regression":
            middle = _median if self.params.get("median") else np.average
            self.answer = np.array([middle(data.y, weights=data.weights)])
        else:
            counts = np.bincount(data.y, weights=data.weights, minlength=data.outputs)
            self.answer = counts / counts.sum()
        self.features = data.view("tree").shape[1]
        self.work = 0.001

    def usage(self) -> Array:
        """No feature is looked at."""
        return np.zeros(self.features)

    def predict(self, matrix: Matrix, threads: int = 1) -> Array:
        """The same answer for every row."""
        del threads
        repeated = np.tile(self.answer, (len(matrix), 1))
        return repeated[:, 0] if self.task == "regression" else repeated

    @property
    def size_bytes(self) -> int:
        """A few numbers."""
        return int(self.answer.nbytes)

    @property
    def row_price(self) -> float:
        """Nothing to speak of."""
        return 1e-8


def _median(values: Array, weights: Array | None) -> float:
    """The value that half of the weight lies below."""
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])
