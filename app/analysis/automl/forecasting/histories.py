"""Histories of many series side by side, all ending at the last column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Histories:
    """``y`` (series, times): each series' values up to its last column, NaN before its first;
    ``n`` their lengths; ``season`` the length of a season, 1 for none."""

    y: Array
    n: Array
    season: int

    @classmethod
    def of(cls, rows: Sequence[Array], season: int, most: int | None = None) -> Histories:
        """Of single series; of longer ones only the last ``most`` values."""
        kept = [row if most is None else row[-most:] for row in rows]
        longest = max(row.size for row in kept)
        y = np.full((len(kept), longest), np.nan)
        for i, row in enumerate(kept):
            y[i, longest - row.size :] = row
        return cls(y, np.array([row.size for row in kept]), season)

    @property
    def phases(self) -> Array:
        """(times,) the place of each time within the season; the next time's is 0."""
        return np.arange(-self.y.shape[1], 0) % self.season

    def take(self, rows: Array) -> Histories:
        """Some of the series."""
        return Histories(self.y[rows], self.n[rows], self.season)

    def with_values(self, y: Array) -> Histories:
        """The same series with other values."""
        return Histories(y, self.n, self.season)


def naive_scale(histories: Histories) -> Array:
    """(series,) the mean absolute error of the seasonal naive forecast within the history.

    It is what MASE divides by (Hyndman & Koehler 2006). Where it is 0 or cannot be told, that of
    the plain naive forecast, else the mean size of the values, else 1.
    """
    scale = np.full(len(histories.y), np.nan)
    for lag in dict.fromkeys((histories.season, 1)):
        if lag >= histories.y.shape[1]:
            continue
        steps = np.abs(histories.y[:, lag:] - histories.y[:, :-lag])
        found = _row_means(steps)
        scale = np.where(np.isfinite(scale) & (scale > 0), scale, found)
    sizes = _row_means(np.abs(histories.y))
    scale = np.where(np.isfinite(scale) & (scale > 1e-9 * sizes), scale, sizes)
    return np.asarray(np.where(np.isfinite(scale) & (scale > 0), scale, 1.0))


def _row_means(values: Array) -> Array:
    """The mean of each row's known values; NaN where there is none."""
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0))
