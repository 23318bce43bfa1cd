"""Why one row got its prediction: additive shares per column, for any model.

The shares are Shapley values of the interventional game (Lundberg & Lee 2017; Janzing et al.
2020), estimated along random walks (Štrumbelj & Kononenko 2014): starting from a reference
row, columns take the explained row's values one after another, and each column is credited
with the change it makes. Every walk ends at the explained row, so the shares of each walk,
and so their means, sum exactly to the prediction minus the mean of the references.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Walks:
    """``orders`` (w, players): in which order players move; ``references`` (w,): from which row."""

    orders: npt.NDArray[np.intp]
    references: npt.NDArray[np.intp]


def draw_walks(players: int, references: int, seed: int) -> Walks:
    """Two walks from each reference, the second in the opposite order (antithetic, for less
    noise); the same seed draws the same walks, so that explanations can be repeated."""
    rng = np.random.default_rng(seed)
    forth = np.array([rng.permutation(players) for _ in range(references)], dtype=np.intp)
    forth = forth.reshape(references, players)
    start = np.arange(references)
    return Walks(np.vstack([forth, forth[:, ::-1]]), np.concatenate([start, start]))


def additive_shares(
    value: Callable[[Array, Array], Array], walks: Walks
) -> tuple[float, npt.NDArray[np.float64]]:
    """The base and each player's share: base + Σ shares is the explained row's prediction.

    ``value(moved, references)`` predicts m mixed rows: ``moved`` (m, players) says which
    players have the explained row's values, the others have those of ``references`` (m,).
    """
    count, players = walks.orders.shape
    # Step s of a walk has moved the first s players of its order.
    place = np.argsort(walks.orders, axis=1)
    steps = np.arange(players + 1)
    moved = place[:, None, :] < steps[None, :, None]
    values = value(
        moved.reshape(count * (players + 1), players), np.repeat(walks.references, players + 1)
    ).reshape(count, players + 1)
    changes = np.diff(values, axis=1)
    shares = np.zeros(players)
    np.add.at(shares, walks.orders.ravel(), changes.ravel())
    return float(values[:, 0].mean()), shares / count
