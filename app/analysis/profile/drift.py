"""How far one sample of a column is from another: size of the change first, then its chance.

A change counts when it is both large enough to matter (PSI) and too unlikely to be chance (a
test, corrected for the number of tests): many rows alone never make an alarm, nor do few.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np

from app.analysis.profile.ordered import Ordered, runs
from app.analysis.profile.source import Array

Verdict = Literal["none", "moderate", "strong", "too_few_rows"]

MODERATE_PSI, STRONG_PSI = 0.1, 0.25
"""The customary bounds of the population stability index (Siddiqi, 2006, "Credit Risk
Scorecards")."""

CHANCE = 0.01
"""A corrected p-value from which on a change may be chance."""

FEWEST_ROWS = 30
"""Values that each side needs before anything is said."""

MISSING_POINTS = 0.05
"""A share of missing cells has changed when it did so by at least this much."""

PSI_BINS = 10
LEAST_EXPECTED = 5.0


@dataclass(frozen=True, slots=True)
class Change:
    """``statistic`` is Kolmogorov and Smirnov's D, or chi-square; ``psi`` the size of the change."""

    measure: Literal["ks", "chi_square"]
    statistic: float
    p_value: float
    psi: float


def numbers_change(first: Ordered, second: Ordered) -> Change:
    """The change of a column of numbers: sorted, finite and not empty on either side.

    The p-value of D is Kolmogorov's limit with the correction of Stephens (1970, "Use of the
    Kolmogorov-Smirnov, Cramér-von Mises and related statistics without extensive tables").
    """
    from scipy.special import kolmogorov

    distance = _ks_distance(first, second)
    root = math.sqrt(len(first) * len(second) / (len(first) + len(second)))
    p_value = float(kolmogorov((root + 0.12 + 0.11 / root) * distance))
    cuts = (np.arange(1, PSI_BINS) * len(first) // PSI_BINS).tolist()
    edges = np.unique([first[cut] for cut in cuts])
    return Change("ks", distance, p_value, psi(_binned(first, edges), _binned(second, edges)))


def counts_change(first: Array, second: Array) -> Change:
    """The change of a column of categories, given how often each occurs on either side.

    Pearson's test of homogeneity; categories expected fewer than five times count as one, and,
    where that too is expected so rarely, together with the next rarest: a single row in an
    unheard-of category would else weigh as much as a hundred elsewhere.
    """
    from scipy.special import chdtrc

    table = np.stack([first, second]).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    rare = _rare(expected.min(axis=0))
    pooled = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    pooled = pooled[:, pooled.sum(axis=0) > 0]
    size = psi(table[0], table[1])
    freedom = pooled.shape[1] - 1
    if freedom < 1:
        return Change("chi_square", 0.0, 1.0, size)
    expected = np.outer(pooled.sum(axis=1), pooled.sum(axis=0)) / pooled.sum()
    statistic = float(((pooled - expected) ** 2 / expected).sum())
    return Change("chi_square", statistic, float(chdtrc(freedom, statistic)), size)


def _rare(expected: Array) -> Array:
    """The categories that count as one: those expected too rarely, until together they are not."""
    ordered = np.argsort(expected, kind="stable")
    rare = np.asarray(expected < LEAST_EXPECTED)
    for place in ordered.tolist():
        if not rare.any() or expected[rare].sum() >= LEAST_EXPECTED:
            break
        rare[place] = True
    return rare


def psi(first: Array, second: Array) -> float:
    """The population stability index of two rows of counts, Σ (q − p) · ln(q / p).

    Half a value is added to each count, so that an empty bin is rare rather than impossible.
    """
    p, q = (
        (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
        for counts in (first.astype(np.float64), second.astype(np.float64))
    )
    return float(((q - p) * np.log(q / p)).sum())


def corrected(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number (Holm, 1979, "A simple sequentially rejective
    multiple test procedure"), in the order given."""
    ordered = np.argsort(p_values, kind="stable")
    found, highest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(ordered.tolist()):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - place)))
        found[index] = highest
    return found


def verdict(size: float, p_corrected: float, rows: tuple[int, int]) -> Verdict:
    """What to make of a change of this PSI and corrected p-value, seen on so many values."""
    if min(rows) < FEWEST_ROWS:
        return "too_few_rows"
    if p_corrected >= CHANCE or size < MODERATE_PSI:
        return "none"
    return "strong" if size >= STRONG_PSI else "moderate"


def _ks_distance(first: Ordered, second: Ordered) -> float:
    """The largest distance between the two empirical distribution functions, each of which steps
    at its own values."""
    largest = 0.0
    for points, _ in chain(runs(first), runs(second)):
        if len(points):
            below = first.searchsorted(points, "right") / len(first)
            above = second.searchsorted(points, "right") / len(second)
            largest = max(largest, float(np.abs(below - above).max()))
    return largest


def _binned(ordered: Ordered, edges: Array) -> Array:
    """How many values lie in each bin; a bin holds its upper edge, and the last all beyond."""
    places = ordered.searchsorted(edges, "right")
    return np.diff(np.concatenate([[0], places, [len(ordered)]]))
