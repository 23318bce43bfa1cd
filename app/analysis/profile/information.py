"""Mutual information of two columns, whatever form their bond has: what neither a line nor a
rank sees, such as a curve that rises and falls."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.analysis.profile.source import Array

BINS = 10
"""Into so many bins of equally many values numbers are cut."""

CERTAIN = 4.0
"""Standard deviations above what chance alone gives, from which on a bond is told."""


@dataclass(frozen=True, slots=True)
class Information:
    """``nats``: the mutual information; ``coefficient``: the same from 0 to 1, where the r of a
    normal distribution of that information would be: √(1 − e^(−2·nats)) (Linfoot, 1957, "An
    informational measure of correlation"); ``certain``: whether it is more than chance."""

    nats: float
    coefficient: float
    certain: bool
    rows: int


def binned(numbers: Array) -> Array:
    """Codes of up to 10 bins of equally many values; equal values share one, −1 where missing."""
    there = np.isfinite(numbers)
    codes = np.full(len(numbers), -1, np.int64)
    if there.any():
        ordered = np.sort(numbers[there])
        cuts = np.unique(ordered[np.arange(1, BINS) * len(ordered) // BINS])
        codes[there] = np.searchsorted(cuts, numbers[there], "right")
    return codes


def information(table: Array) -> Information | None:
    """Of a table of counts; ``None`` where a side has one level or there are more cells than rows.

    The plug-in estimate less its bias (R − 1)(C − 1) / 2n (Miller, 1955, "Note on the bias of
    information estimates"). Twice n times the estimate is chi-square distributed by chance
    alone, with the mean (R − 1)(C − 1) and twice that as variance.
    """
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(np.float64)
    n, freedom = table.sum(), (table.shape[0] - 1) * (table.shape[1] - 1)
    if min(table.shape) < 2 or n < table.size:
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    filled = table > 0
    nats = float((table[filled] * np.log(table[filled] / expected[filled])).sum() / n)
    certain = (2 * n * nats - freedom) / math.sqrt(2 * freedom) >= CERTAIN
    nats = max(0.0, nats - freedom / (2 * n))
    return Information(nats, math.sqrt(-math.expm1(-2 * nats)), bool(certain), int(n))
