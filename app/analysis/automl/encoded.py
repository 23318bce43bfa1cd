"""Rows encoded once, of which columns are then exchanged: what explanations ask of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.combined import Combined, Part
from app.analysis.automl.features.space import Matrix, ViewName
from app.analysis.automl.features.table import RawTable

Array = npt.NDArray[Any]
Views = dict[ViewName, Matrix]


class Encoded:
    """A model's own view of some rows. Columns can be shuffled or taken from other rows
    without encoding anything again, since each feature belongs to one column."""

    def __init__(self, model: Combined, table: RawTable) -> None:
        self._model = model
        self._views = [part.encode(table) for part in model.parts]
        self._owners = [_owners(part) for part in model.parts]
        self.rows = table.rows

    def shuffled(self, column: str, order: Array) -> Array:
        """Predictions with that column's values taken from rows ``order``."""
        views = [
            {
                name: _exchanged(matrix, owners[name] == column, order)
                for name, matrix in part.items()
            }
            for part, owners in zip(self._views, self._owners, strict=True)
        ]
        return self._predict(views)

    def mixed(
        self, other: Encoded, groups: Sequence[frozenset[str]], moved: Array, rows: Array
    ) -> Array:
        """Predictions of m rows of mine (``rows``), in which the columns of the groups that
        ``moved`` (m, groups) marks have the values of ``other``'s only row."""
        views = []
        for mine, theirs, owners in zip(self._views, other._views, self._owners, strict=True):
            mixed: Views = {}
            for name, matrix in mine.items():
                group = np.array([_group_of(owner, groups) for owner in owners[name]], np.intp)
                mixed[name] = np.where(moved[:, group], theirs[name][0], matrix[rows])
            views.append(mixed)
        return self._predict(views)

    def _predict(self, views: list[Views]) -> Array:
        pairs = zip(self._model.parts, views, strict=True)
        return self._model.combine([part.predict(view) for part, view in pairs])


def _owners(part: Part) -> dict[ViewName, Array]:
    return {name: np.array(part.space.owners(name), dtype=object) for name in part.views}


def _exchanged(matrix: Matrix, features: Array, order: Array) -> Matrix:
    if not features.any():
        return matrix
    out = matrix.copy()
    out[:, features] = matrix[np.ix_(order, np.flatnonzero(features))]
    return out


def _group_of(owner: str, groups: Sequence[frozenset[str]]) -> int:
    return next(i for i, group in enumerate(groups) if owner in group)
