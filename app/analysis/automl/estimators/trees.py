"""Trees grown by scikit-learn and kept as plain arrays: one small readable, or a forest.

As arrays they are a third of the size, answer one row in well under a millisecond, and can be
loaded by any later version of scikit-learn, or by none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

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

MOST_ROWS = 50_000
"""Rows that the small tree is grown on: a dozen leaves need no more."""
CHUNK = 25
"""Trees grown between two looks at the clock."""
MOST_SHARES = 3_750_000
"""Shares of classes that all leaves of a forest may hold: 60 MB while it grows, half of it kept."""
_PAIRS = 200_000
"""Row × tree pairs that walk together: enough to keep NumPy busy, small enough for the cache."""


@dataclass(slots=True)
class FlatTrees:
    """All nodes of all trees, end to end.

    ``child`` holds two places a node, the left and the right one; a leaf's are itself.
    """

    roots: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float64]
    child: npt.NDArray[np.int32]
    nan_left: npt.NDArray[np.bool_]
    answer: npt.NDArray[np.float32]
    depth: float

    @classmethod
    def of(cls, trees: list[Any]) -> FlatTrees:
        """From scikit-learn's fitted ``tree_`` objects."""
        starts = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1].astype(np.int32)

        def joined(parts: list[Array], kind: Any) -> Array:
            return np.concatenate(parts).astype(kind)

        children = [_children(tree, start) for tree, start in zip(trees, starts, strict=True)]
        weights = joined([tree.weighted_n_node_samples for tree in trees], np.float64)
        child = joined(children, np.int32)
        inner = child[::2] != np.arange(len(weights))
        return cls(
            roots=starts,
            feature=joined([np.maximum(tree.feature, 0) for tree in trees], np.int32),
            threshold=joined([tree.threshold for tree in trees], np.float64),
            child=child,
            nan_left=joined([tree.missing_go_to_left for tree in trees], np.bool_),
            answer=np.concatenate([tree.value[:, 0, :].astype(np.float32) for tree in trees]),
            depth=float(weights[inner].sum() / max(1.0, weights[starts].sum())),
        )

    def predict(self, matrix: Matrix) -> Array:
        """(n, outputs): the mean of the trees' answers."""
        step = max(1, _PAIRS // self.roots.size)
        parts = [self._walk(matrix[i : i + step]) for i in range(0, len(matrix), step)]
        return np.concatenate(parts) if parts else np.zeros((0, self.answer.shape[1]))

    def _walk(self, matrix: Matrix) -> Array:
        """All rows down all trees, one level at a time; who has reached a leaf rests."""
        trees = self.roots.size
        node = np.tile(self.roots, len(matrix))
        start = np.repeat(np.arange(len(matrix)) * matrix.shape[1], trees)
        values = matrix.ravel()
        has_nan = bool(np.isnan(values).any())
        walking = np.arange(node.size)
        while walking.size:
            here = node[walking]
            value = values.take(start[walking] + self.feature.take(here))
            right = ~(value <= self.threshold.take(here))
            if has_nan:
                right &= ~(np.isnan(value) & self.nan_left.take(here))
            following = self.child.take(2 * here + right)
            node[walking] = following
            walking = walking[following != here]
        answers = self.answer[node].reshape(len(matrix), trees, -1)
        return np.asarray(answers.mean(axis=1, dtype=np.float64))

    def asked(self, features: int) -> Array:
        """(features,) how many inner nodes split on each."""
        inner = self.child[::2] != np.arange(self.feature.size)
        return np.bincount(self.feature[inner], minlength=features)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (self.feature, self.threshold, self.child, self.nan_left, self.answer)
        return sum(array.nbytes for array in arrays)


def _children(tree: Any, start: int) -> Array:
    own = np.arange(tree.node_count)
    sides = [np.where(side < 0, own, side) for side in (tree.children_left, tree.children_right)]
    return (np.column_stack(sides) + start).ravel()


class _Trees(Estimator):
    """What a tree and a forest share: the view, and answering from flat arrays."""

    view = "tree"

    def predict(self, matrix: Matrix, threads: int = 1) -> Array:
        """Values, or class shares of the leaves, averaged over the trees."""
        del threads
        answers = self.flat.predict(matrix)
        if self.task == "regression":
            return answers[:, 0]
        return spread_classes(answers, self.present, self.outputs)

    @property
    def size_bytes(self) -> int:
        """Bytes of the nodes."""
        return self.flat.nbytes

    def usage(self) -> Array:
        """How many nodes ask for each feature."""
        return self.flat.asked(self.features)

    @property
    def row_price(self) -> float:
        """One look at each level of each tree on a row's way."""
        return 2e-8 * self.flat.depth * self.flat.roots.size

    def _keep(self, trees: list[Any], data: Fitting, y: Array) -> None:
        self.flat = FlatTrees.of(trees)
        self.outputs = data.outputs
        self.features = data.view("tree").shape[1]
        self.present = np.unique(y) if self.task != "regression" else np.zeros(1, np.int64)


class SmallTree(_Trees):
    """One tree of a few leaves, that a person can read."""

    family = "tree"

    @classmethod
    def estimate(cls, shape: Shape, params: Params) -> float:
        """One sort per feature and level."""
        del params
        return 0.002 + 4e-7 * min(shape.rows, MOST_ROWS) * shape.tree

    def fit(self, data: Fitting, how: Circumstances) -> None:
        """Grow it best leaf first, on evenly picked rows where there are very many."""
        kind = DecisionTreeRegressor if data.task == "regression" else DecisionTreeClassifier
        step = -(-len(data.y) // MOST_ROWS)
        matrix = data.view("tree")[::step]
        model = kind(random_state=how.seed, **self.params)
        weights = None if data.weights is None else data.weights[::step]
        model.fit(matrix, data.y[::step], sample_weight=weights)
        self._keep([model.tree_], data, data.y[::step])
        self.work = self.estimate(Shape(len(matrix), matrix.shape[1], 0, 1), self.params)


class Forest(_Trees):
    """Many deep trees on resampled or randomly cut data, averaged.

    ``kind`` is ``extra`` (random thresholds) or ``random`` (bootstrap); the rest are
    scikit-learn's parameters.
    """

    family = "forest"

    @classmethod
    def estimate(cls, shape: Shape, params: Params) -> float:
        """Per tree: features looked at × rows × depth; random thresholds need no sorting."""
        trees, share = params["n_estimators"], params["max_features"]
        per_cell = 9e-9 if params["kind"] == "extra" else 3e-8
        depth = np.log2(max(4, shape.rows))
        width = 1 + 0.05 * (shape.outputs - 1)
        return float(
            0.05 + trees * (2e-4 + per_cell * shape.rows * depth * shape.tree * share * width)
        )

    @classmethod
    def variants(cls, shape: Shape, params: Params) -> list[Params]:
        """With fewer leaves where there are many classes, whose shares each node holds."""
        most = MOST_SHARES // (params["n_estimators"] * shape.outputs)
        return [{**params, "max_leaf_nodes": max(2, min(params["max_leaf_nodes"], most))}]

    def fit(self, data: Fitting, how: Circumstances) -> None:
        """Grow the trees in chunks until all are there or time is out."""
        params = dict(self.params)
        kind, wanted = params.pop("kind"), params.pop("n_estimators")
        model = _forest_class(kind, data.task)(
            warm_start=True, n_jobs=how.threads, random_state=how.seed, n_estimators=0, **params
        )
        matrix = data.view("tree")
        grown = 0
        while grown < wanted:
            if grown and how.expired():
                break
            grown = min(wanted, grown + CHUNK)
            model.set_params(n_estimators=grown)
            model.fit(matrix, data.y, sample_weight=data.weights)
        if how.expired() and grown < 2 * CHUNK:
            raise OutOfTime
        self._keep([tree.tree_ for tree in model.estimators_], data, data.y)
        shape = Shape(len(matrix), matrix.shape[1], 0, data.outputs)
        self.work = self.estimate(shape, {**self.params, "n_estimators": grown})


def _forest_class(kind: str, task: str) -> Any:
    if task == "regression":
        return ExtraTreesRegressor if kind == "extra" else RandomForestRegressor
    return ExtraTreesClassifier if kind == "extra" else RandomForestClassifier
