"""Categories: own codes for boosting, one-hot columns for linear models, target means for many."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]

ONE_HOT_MAX = 40
"""Levels of one column that get an indicator of their own; rarer ones share "all zeros"."""
UNORDERED_MAX = 50
"""Levels up to which a booster may part them as it likes. Of thousands it finds parts that tell
the training rows apart and nothing else; there codes count by frequency, beside the means."""
MEAN_FROM = 9
"""From this many levels a column is also described by the target's mean per level."""
SMOOTHING = 10.0
"""Rows' worth of the overall mean that each level's mean is mixed with."""
INNER_FOLDS = 5


@dataclass(slots=True)
class CategoryCodes:
    """One column's levels as the training rows knew them.

    ``lookup`` maps an interned id to a code: 0 is the most frequent level; its last two
    places answer for "unseen" and "missing" (the ids −2 and −1). An unseen level is −1; a
    missing value is a level of its own when training rows had it, else −1.
    """

    lookup: npt.NDArray[np.int32]
    levels: int

    @classmethod
    def fit(cls, ids: Ints, vocabulary: int) -> CategoryCodes:
        """Learn the levels from the ids of training rows; ``vocabulary`` ids exist at most."""
        counts = np.bincount(ids + 2, minlength=vocabulary + 2)
        known = np.append(counts[2:], counts[:2])  # unseen and missing last, as ids −2 and −1
        order = np.argsort(-known, kind="stable")
        order = order[known[order] > 0]
        lookup = np.full(vocabulary + 2, -1, dtype=np.int32)
        lookup[order] = np.arange(order.size)
        return cls(lookup, int(order.size))

    def transform(self, ids: Ints) -> npt.NDArray[np.int32]:
        """The code of each id, −1 for a level that no training row had."""
        return self.lookup[ids]

    @property
    def indicators(self) -> int:
        """How many one-hot columns :meth:`one_hot` makes."""
        return min(self.levels, ONE_HOT_MAX)

    def one_hot(self, codes: Ints) -> npt.NDArray[np.float32]:
        """(n, indicators): 1 in the column of the row's level, zeros for rare and unseen ones."""
        hot: npt.NDArray[np.bool_] = codes[:, None] == np.arange(self.indicators)
        return hot.astype(np.float32)


@dataclass(slots=True)
class TargetMeans:
    """The target's mean per level, smoothed towards the overall mean (Micci-Barreca 2001).

    ``training`` holds the training rows' own values, each from the other inner folds, so that
    no row sees its own target; it is dropped from what is stored.
    """

    means: npt.NDArray[np.float32]
    overall: npt.NDArray[np.float32]
    training: npt.NDArray[np.float32] = field(repr=False)

    @classmethod
    def fit(cls, codes: Ints, levels: int, target: Floats, seed: int) -> TargetMeans:
        """Learn from codes (n,) and target (n, m); ``seed`` deals the rows to inner folds."""
        fold = np.random.default_rng(seed).permutation(codes.size) % INNER_FOLDS
        training = np.empty(target.shape, dtype=np.float32)
        for k in range(INNER_FOLDS):
            inside, outside = fold != k, fold == k
            if outside.any():
                means, overall = _smoothed(codes[inside], levels, target[inside])
                training[outside] = _look_up(codes[outside], means, overall)
        means, overall = _smoothed(codes, levels, target)
        return cls(means, overall, training)

    def transform(self, codes: Ints) -> npt.NDArray[np.float32]:
        """(n, m) means of each row's level; the overall mean for one unseen."""
        return _look_up(codes, self.means, self.overall)

    def forget(self) -> None:
        """Drop the training rows' values: a stored model does not need them."""
        self.training = np.empty((0, self.overall.size), dtype=np.float32)


def _smoothed(
    codes: Ints, levels: int, target: Floats
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    overall = target.mean(axis=0) if len(target) else np.zeros(target.shape[1])
    known = codes >= 0
    count = np.bincount(codes[known], minlength=levels)
    sums = np.column_stack(
        [np.bincount(codes[known], column[known], minlength=levels) for column in target.T]
    )
    means = (sums + SMOOTHING * overall) / (count + SMOOTHING)[:, None]
    return means.astype(np.float32), overall.astype(np.float32)


def _look_up(
    codes: Ints, means: npt.NDArray[np.float32], overall: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    return np.vstack([means, overall])[codes]  # code −1 picks the last row
