"""Free text as numbers: words and word pairs hashed, weighted by rarity, and compressed.

Hashing learns nothing, so a table is hashed once; the weights (inverse document frequency)
and the projection (truncated SVD, i.e. latent semantic analysis) are learned per fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils.extmath import randomized_svd

BUCKETS = 2**13
COMPONENTS = 30
FIT_ROWS = 10_000
"""Rows that the projection is learned from at most: the SVD is what costs."""

_HASHER = HashingVectorizer(
    n_features=BUCKETS, ngram_range=(1, 2), alternate_sign=False, norm=None, dtype=np.float32
)


def hash_texts(texts: Sequence[str | None]) -> sparse.csr_matrix:
    """Counts of hashed words and word pairs, (n, :data:`BUCKETS`); a missing text is empty."""
    return sparse.csr_matrix(_HASHER.transform([text or "" for text in texts]))


@dataclass(slots=True)
class TextProjection:
    """One text column's learned weights (buckets,) and projection (buckets, components)."""

    weights: npt.NDArray[np.float32]
    axes: npt.NDArray[np.float32]

    @classmethod
    def fit(cls, counts: sparse.csr_matrix, seed: int) -> TextProjection:
        """Learn from the counts of the training rows; ``seed`` starts the randomised SVD."""
        n = counts.shape[0]
        document_frequency = np.bincount(counts.indices, minlength=BUCKETS)
        weights = (np.log((1 + n) / (1 + document_frequency)) + 1).astype(np.float32)
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.permutation(n)[:FIT_ROWS])
        sample = _weighted(counts[rows], weights)
        wanted = min(COMPONENTS, max(1, sample.shape[0] - 1))
        _, _, axes = randomized_svd(sample, wanted, n_iter=3, random_state=seed)
        return cls(weights, axes.T.astype(np.float32))

    @property
    def width(self) -> int:
        """Columns that :meth:`transform` makes."""
        return int(self.axes.shape[1]) + 1

    def transform(self, counts: sparse.csr_matrix) -> npt.NDArray[np.float32]:
        """Coordinates on the learned axes, and the logarithm of the length in words."""
        length = np.log1p(np.asarray(counts.sum(axis=1), dtype=np.float32))
        coordinates: Any = _weighted(counts, self.weights) @ self.axes
        return np.hstack([coordinates, length]).astype(np.float32)


def _weighted(counts: sparse.csr_matrix, weights: npt.NDArray[np.float32]) -> sparse.csr_matrix:
    """Sublinear term frequency × weight, each row scaled to length 1."""
    out = counts.copy()
    out.data = (1 + np.log(out.data)) * weights[out.indices]
    norms = np.sqrt(np.asarray(out.multiply(out).sum(axis=1))).ravel()
    norms[norms == 0] = 1
    return sparse.csr_matrix(sparse.diags(1 / norms) @ out)
