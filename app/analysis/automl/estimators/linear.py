"""Linear models on the dense view: ridge regression and logistic regression."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.estimators.base import (
    Array,
    Circumstances,
    Estimator,
    Fitting,
    Params,
    Shape,
    spread_classes,
)
from app.analysis.automl.features.space import Matrix
from app.analysis.automl.metrics import log_loss

MOST_ROWS = 50_000
"""Rows that a logistic regression is fitted on, evenly picked where there are more."""


class Ridge(Estimator):
    """Least squares with an L2 penalty; every strength at once from one decomposition.

    The penalty ``alpha`` is per row (the loss is the mean squared error), so that a strength
    found in a fold suits a larger fit. Judging rows choose among ``alphas``.
    """

    family = "linear"
    view = "dense"

    @classmethod
    def estimate(cls, shape: Shape, params: Params) -> float:
        """Gram matrix and its decomposition, and some copies of the matrix."""
        del params
        small, large = sorted((shape.rows, shape.dense))
        return 0.01 + 4e-11 * small * small * (large + 10 * small) + 2e-8 * small * large

    def fit(self, data: Fitting, how: Circumstances) -> None:
        """Solve for all strengths, keep the best on the judging rows (else the middle one)."""
        del how
        matrix, y = data.view("dense").astype(np.float64), data.y
        self.low, self.high = float(y.min()), float(y.max())
        self.mean = float(np.average(y, weights=data.weights))
        self.centre = np.average(matrix, axis=0, weights=data.weights)
        centred, rest = matrix - self.centre, y - self.mean
        if data.weights is not None:  # least squares of rows that count so much
            root = np.sqrt(data.weights)
            centred, rest = centred * root[:, None], rest * root
        solutions = _ridge_path(centred, rest, self.params["alphas"])
        judging = data.valid_view("dense")
        best = len(solutions) // 2
        if judging is not None and data.valid_y is not None:
            errors = [
                np.average(
                    (self._apply(judging, w) - data.valid_y) ** 2, weights=data.valid_weights
                )
                for w in solutions
            ]
            best = int(np.argmin(errors))
        self.alpha = float(self.params["alphas"][best])
        self.weights = solutions[best]
        self.work = self.estimate(Shape(len(matrix), 0, matrix.shape[1], 1), self.params)

    def predict(self, matrix: Matrix, threads: int = 1) -> Array:
        """The linear prediction, kept within the range of the training target."""
        del threads
        return self._apply(matrix, self.weights)

    def _apply(self, matrix: Matrix, weights: Array) -> Array:
        values: Array = (matrix - self.centre) @ weights + self.mean
        return np.clip(values, self.low, self.high)

    @property
    def size_bytes(self) -> int:
        """One weight a feature."""
        return 2 * int(self.weights.nbytes)

    @property
    def row_price(self) -> float:
        """One multiplication a weight."""
        return 2e-9 * float(self.weights.size)

    def usage(self) -> Array:
        """Absolute weights; all features are on one scale."""
        return np.asarray(np.abs(np.atleast_2d(self.weights)).sum(axis=0))

    def settled(self, fitted: Sequence[Estimator], growth: float) -> Params:
        """The geometric mean of the folds' strengths."""
        del growth
        chosen = [f.alpha for f in fitted if isinstance(f, Ridge)]
        return {**self.params, "alphas": [float(np.exp(np.mean(np.log(chosen))))]}


def _ridge_path(matrix: Array, y: Array, alphas: Sequence[float]) -> list[Array]:
    """Weights for each penalty, from the eigenvectors of XᵀX, or of XXᵀ when X is wide."""
    n, p = matrix.shape
    wide = p > n
    values, vectors = np.linalg.eigh(matrix @ matrix.T if wide else matrix.T @ matrix)
    values = np.maximum(values, 0)
    projected = vectors.T @ (y if wide else matrix.T @ y)
    solved = [vectors @ (projected / (values + alpha * n)) for alpha in alphas]
    return [matrix.T @ w for w in solved] if wide else solved


class Logistic(Estimator):
    """Logistic regression with an L2 penalty, its strength chosen along a path from strong
    to weak, each solution starting from the last."""

    family = "linear"
    view = "dense"

    @classmethod
    def estimate(cls, shape: Shape, params: Params) -> float:
        """About 60 passes over the data for each strength."""
        outputs = 1 if shape.outputs == 2 else shape.outputs
        passes = 60 * len(params["strengths"])
        rows = min(shape.rows, MOST_ROWS)
        return 0.02 + 1.2e-9 * passes * rows * (shape.dense + 10) * outputs

    def fit(self, data: Fitting, how: Circumstances) -> None:
        """Walk the path; stop at the best strength for the judging rows (else take the only one)."""
        # More rows do not make a linear model better, only slower.
        step = -(-len(data.y) // MOST_ROWS)
        picked = np.zeros(len(data.y), dtype=bool)
        picked[::step] = True
        picked[np.unique(data.y, return_index=True)[1]] = True  # a rare class is not to be missed
        matrix, y = data.view("dense")[picked], data.y[picked]
        weights = None if data.weights is None else data.weights[picked]
        self.outputs = data.outputs
        self.present = np.unique(y)
        judging = data.valid_view("dense")
        best = np.inf
        model = LogisticRegression(warm_start=True, max_iter=100, tol=1e-3)
        for strength in self.params["strengths"]:
            if best < np.inf and how.expired():
                break
            # The mean loss is penalised, so that a strength suits any number of rows.
            model.set_params(C=strength * 1_000 / len(matrix))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(matrix, y, sample_weight=weights)
            shape = Shape(len(matrix), 0, matrix.shape[1], data.outputs)
            self.work += self.estimate(shape, {"strengths": [strength]})
            loss = -strength
            if judging is not None and data.valid_y is not None:
                loss = log_loss(data.valid_y, self._apply(model, judging), data.valid_weights)
            if loss < best:
                best, self.strength = loss, float(strength)
                self.weights = model.coef_.astype(np.float32)
                self.offset = model.intercept_.copy()
            elif judging is not None:
                break
        if best == np.inf:
            raise OutOfTime

    def predict(self, matrix: Matrix, threads: int = 1) -> Array:
        """Class probabilities."""
        del threads
        return self._probabilities(matrix @ self.weights.T + self.offset)

    def _apply(self, model: LogisticRegression, matrix: Matrix) -> Array:
        return self._probabilities(matrix @ model.coef_.T + model.intercept_)

    def _probabilities(self, margins: Array) -> Array:
        if margins.shape[1] == 1:
            margins = np.hstack([np.zeros_like(margins), margins])
        shifted = np.exp(margins - margins.max(axis=1, keepdims=True))
        return spread_classes(
            shifted / shifted.sum(axis=1, keepdims=True), self.present, self.outputs
        )

    @property
    def size_bytes(self) -> int:
        """One weight a feature and class."""
        return int(self.weights.nbytes)

    @property
    def row_price(self) -> float:
        """One multiplication a weight."""
        return 2e-9 * float(self.weights.size)

    def usage(self) -> Array:
        """Absolute weights; all features are on one scale."""
        return np.asarray(np.abs(np.atleast_2d(self.weights)).sum(axis=0))

    def settled(self, fitted: Sequence[Estimator], growth: float) -> Params:
        """The geometric mean of the folds' strengths."""
        del growth
        chosen = [f.strength for f in fitted if isinstance(f, Logistic)]
        return {**self.params, "strengths": [float(np.exp(np.mean(np.log(chosen))))]}
