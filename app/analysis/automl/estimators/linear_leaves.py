"""Trees whose leaves are small linear models: slopes within steps (Shi et al. 2019, LightGBM)."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np

from app.analysis.automl.estimators.base import Array, Circumstances, Fitting, Params, Shape
from app.analysis.automl.estimators.boosting import FROZEN, Boosting
from app.analysis.automl.features.numbers import LIMIT
from app.analysis.automl.features.space import Matrix

_SETTLED: Params = {**FROZEN, "linear_tree": True}
"""Linear leaves are settled when the data are binned, so these are binned for them alone."""
_DEARER = 1.25
"""A round costs so many times that of plain leaves."""


class LinearLeaves(Boosting):
    """``params`` are those of :class:`Boosting`; ``linear_lambda`` is the leaves' ridge penalty.

    Features and target are standardised, which the penalty needs; a slope never leads beyond
    the training range of the target.
    """

    family = "linear leaves"

    @classmethod
    def estimate(cls, shape: Shape, params: Params) -> float:
        """That of plain leaves, and a quarter for the slopes."""
        return _DEARER * super().estimate(shape, params)

    def fit(self, data: Fitting, how: Circumstances) -> None:
        """See :meth:`Boosting.fit`."""
        matrix, y = data.view("tree"), data.y
        known = ~np.isnan(matrix)
        count = np.maximum(known.sum(axis=0), 1)
        filled = np.where(known, matrix, 0).astype(np.float64)
        self.centre = filled.sum(axis=0) / count
        spread = np.sqrt(np.where(known, (matrix - self.centre) ** 2, 0).sum(axis=0) / count)
        self.spread = np.where(spread > 0, spread, 1.0)
        # Codes of categories are no sizes.
        self.centre[data.space.categorical], self.spread[data.space.categorical] = 0.0, 1.0
        self.plain = np.asarray(data.space.categorical, dtype=np.intp)
        self.mean, self.scale = float(y.mean()), float(y.std()) or 1.0
        self.low, self.high = float(y.min()), float(y.max())
        super().fit(data, how)
        self.work *= _DEARER

    def _datasets(
        self, data: Fitting, how: Circumstances
    ) -> tuple[lgb.Dataset, lgb.Dataset | None]:
        """The rows as these leaves need them, binned once for all configurations."""
        if "linear leaves" not in data.kept:
            settings = {**_SETTLED, "num_threads": how.threads, "force_col_wise": True}
            train = lgb.Dataset(
                self._scaled(data.view("tree")),
                (data.y - self.mean) / self.scale,
                weight=data.weights,
                categorical_feature=data.space.categorical,
                params=settings,
            ).construct()
            matrix, judging = data.valid_view("tree"), None
            if matrix is not None and data.valid_y is not None:
                judging = lgb.Dataset(
                    self._scaled(matrix),
                    (data.valid_y - self.mean) / self.scale,
                    weight=data.valid_weights,
                    reference=train,
                    categorical_feature=data.space.categorical,
                    params=settings,
                ).construct()
            data.kept["linear leaves"] = train, judging
        kept: tuple[lgb.Dataset, lgb.Dataset | None] = data.kept["linear leaves"]
        return kept

    def _settings(self, data: Fitting, how: Circumstances) -> Params:
        return {**super()._settings(data, how), **_SETTLED}

    def _scaled(self, matrix: Matrix) -> Matrix:
        scaled = np.clip((matrix - self.centre) / self.spread, -LIMIT, LIMIT)
        scaled[:, self.plain] = matrix[:, self.plain]
        return np.ascontiguousarray(scaled, dtype=np.float32)

    def predict(self, matrix: Matrix, threads: int = 1) -> Array:
        """Values within the training range."""
        values = self._trees(self._scaled(matrix), threads, raw=False) * self.scale + self.mean
        return np.clip(values, self.low, self.high)

    @property
    def size_bytes(self) -> int:
        """A leaf has some slopes beside its value."""
        return 4 * super().size_bytes

    @property
    def row_price(self) -> float:
        """A few multiplications in each leaf."""
        return 1.5 * super().row_price
