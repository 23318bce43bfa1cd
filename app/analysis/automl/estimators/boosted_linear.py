"""Trees on top of a linear model: they learn what it leaves, and start from what it says.

A table whose target is nearly a sum of its columns costs trees thousands of steps, each a stair
on a slope; a linear model says the slope at once, and the trees find where it is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import lightgbm as lgb
import numpy as np

from app.analysis.automl.estimators.base import (
    Array,
    Circumstances,
    Estimator,
    Fitting,
    Params,
    Shape,
)
from app.analysis.automl.estimators.boosting import FROZEN, Boosting, binned_rows
from app.analysis.automl.estimators.linear import Logistic, Ridge
from app.analysis.automl.features.space import Matrix, ViewName

_SUREST = 1e-6
"""Probabilities of the linear model are kept so far from 0 and 1, for its margins' sake."""


class BoostedLinear(Boosting):
    """``params`` are those of :class:`Boosting`, and ``linear``: those of the linear model, a
    ridge or logistic regression, on whose margins the trees are grown. For values and two classes:
    with many, the linear model costs more than it gives."""

    family = "boosted linear"
    view: ClassVar[ViewName] = "both"
    _OWN = Boosting._OWN | {"linear"}

    @classmethod
    def estimate(cls, shape: Shape, params: Params) -> float:
        """That of the linear model and of the trees."""
        kind = Ridge if "alphas" in params["linear"] else Logistic
        return kind.estimate(shape, params["linear"]) + super().estimate(shape, params)

    def fit(self, data: Fitting, how: Circumstances) -> None:
        """Fit the linear model, then trees to what it leaves; see :meth:`Boosting.fit`."""
        kind = Ridge if self.task == "regression" else Logistic
        self.linear: Ridge | Logistic = kind(self.task, self.params["linear"])
        self.linear.fit(data, how)
        super().fit(data, how)
        self.features = data.view("tree").shape[1]
        self.work += self.linear.work

    def _datasets(
        self, data: Fitting, how: Circumstances
    ) -> tuple[lgb.Dataset, lgb.Dataset | None]:
        """As binned for all, but started from the linear model's margins."""
        reference = binned_rows(data, how)
        tree, dense = data.view("tree"), data.view("dense")
        train = self._started(reference, tree, data.y, data.weights, self._margins(dense))
        tree_judging, judging = data.valid_view("tree"), data.valid_view("dense")
        if tree_judging is None or judging is None:
            return train, None
        margins = self._margins(judging)
        return train, self._started(train, tree_judging, data.valid_y, data.valid_weights, margins)

    @staticmethod
    def _started(
        reference: lgb.Dataset,
        matrix: Matrix,
        y: Array | None,
        weights: Array | None,
        margins: Array,
    ) -> lgb.Dataset:
        return lgb.Dataset(
            matrix,
            y,
            weight=weights,
            init_score=margins,
            reference=reference,
            params=dict(FROZEN),
        )

    def _margins(self, dense: Matrix) -> Array:
        """What the linear model says, on the scale that trees add to."""
        said = self.linear.predict(dense)
        if self.task == "regression":
            return said
        share = np.clip(said[:, 1], _SUREST, 1 - _SUREST)
        return np.asarray(np.log(share / (1 - share)))

    def predict(self, matrix: Matrix, threads: int = 1) -> Array:
        """Values within the training range, or probabilities of both classes."""
        margins = self._margins(matrix[:, self.features :])
        sums = margins + self._trees(matrix[:, : self.features], threads, raw=True)
        if isinstance(self.linear, Ridge):
            return np.asarray(np.clip(sums, self.linear.low, self.linear.high))
        share = 1 / (1 + np.exp(-sums))
        return np.column_stack([1 - share, share])

    @property
    def size_bytes(self) -> int:
        """Of both."""
        return super().size_bytes + self.linear.size_bytes

    @property
    def row_price(self) -> float:
        """Of both."""
        return super().row_price + self.linear.row_price

    def usage(self) -> Array:
        """Half of it the trees' gains, half the linear model's weights."""
        trees, linear = super().usage(), self.linear.usage()
        return np.concatenate([part / (part.sum() or 1.0) for part in (trees, linear)])

    def settled(self, fitted: Sequence[Estimator], growth: float) -> Params:
        """Both settled."""
        own = [f.linear for f in fitted if isinstance(f, BoostedLinear)]
        return {**super().settled(fitted, growth), "linear": own[0].settled(own, growth)}
