"""Permutation importance: how much worse predictions get when a column is shuffled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def permutation_importance(
    shuffled: Callable[[str, Array], Array],
    error: Callable[[Array], float],
    columns: Sequence[str],
    *,
    rows: int,
    repeats: int,
    seed: int,
    expired: Callable[[], bool] = lambda: False,
) -> list[dict[str, Any]]:
    """``[{feature, value, std}]``, most important first (Breiman 2001; Fisher et al. 2019).

    ``shuffled(column, order)`` predicts all rows with that column's values taken from rows
    ``order``; ``error`` is what should be small. ``value`` is the mean increase of the error
    over ``repeats`` shuffles, in the metric's unit, ``std`` its spread over them. A value
    near or below 0 says that the column did not help. Once the time has ``expired`` no further
    column is measured.
    """
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(rows) for _ in range(repeats)]
    before = error(shuffled("", np.arange(rows)))
    out: list[dict[str, Any]] = []
    for column in columns:
        if out and expired():
            break
        rises = [error(shuffled(column, order)) - before for order in orders]
        value, spread = float(np.mean(rises)), float(np.std(rises))
        if np.isfinite(value):
            out.append({"feature": column, "value": value, "std": spread})
    return sorted(out, key=lambda row: -row["value"])
