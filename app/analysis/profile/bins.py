"""Histograms of sorted values: where the bins lie, and what falls into them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.analysis.profile.ordered import Ordered
from app.analysis.profile.source import Array

FEWEST, MOST = 8, 40
"""Bins of a histogram, unless the values have fewer whole numbers between them."""

EXACT = 2**52
"""Up to here a float tells halves apart."""

TAIL = 0.01
"""Share of the values cut from each side of a central histogram."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """``counts[i]`` values lie from ``edges[i]`` up to ``edges[i + 1]``, the last end included."""

    edges: Array
    counts: Array


def histogram(ordered: Ordered, *, whole: bool = False) -> Histogram:
    """Bins of equal width over all of ``ordered`` (sorted, finite, not empty).

    Their number follows Freedman and Diaconis (1981), width = 2 · IQR / n^(1/3), within 8 to
    40. Every bin of ``whole`` numbers holds equally many of them, one each where they span
    less than 40, so that no comb appears; its edges lie half way between numbers.
    """
    low, high = ordered[0], ordered[-1]
    if whole and low > -EXACT and high < EXACT:
        span = int(high) - int(low) + 1
        width = 1 if span <= MOST else _whole_width(span, span / _number_of_bins(ordered))
        return counted(ordered, int(low) - 0.5 + width * np.arange(math.ceil(span / width) + 1))
    if float(low) == float(high):
        return counted(ordered, _around(float(low)))
    return counted(ordered, _spread(float(low), float(high), _number_of_bins(ordered)))


def central(ordered: Ordered, *, whole: bool = False) -> Histogram | None:
    """The histogram between the 1st and the 99th percentile, where tails would hide it.

    ``None`` when the whole range is at most three times as wide, or the centre has no width.
    """
    first, last = (round(share * (len(ordered) - 1)) for share in (TAIL, 1 - TAIL))
    low, high = ordered[first], ordered[last]
    reach, width = float(ordered[-1]) - float(ordered[0]), float(high) - float(low)
    if not 0 < width < reach / 3 < math.inf:
        return None
    inside = ordered[ordered.searchsorted(low) : ordered.searchsorted(high, "right")]
    return histogram(inside, whole=whole)


def counted(ordered: Ordered, edges: Array) -> Histogram:
    """How many of ``ordered`` fall between ``edges``, which must span them."""
    places = ordered.searchsorted(edges, "left")
    places[-1] = len(ordered)
    return Histogram(edges, np.diff(places))


def _number_of_bins(ordered: Ordered) -> int:
    n = len(ordered)
    spread = float(ordered[(3 * n) // 4]) - float(ordered[n // 4])
    reach = float(ordered[-1]) - float(ordered[0])
    width = 2 * spread / n ** (1 / 3)
    if not (width > 0 and math.isfinite(reach / width)):
        return min(MOST, max(FEWEST, math.ceil(math.log2(n)) + 1))
    return int(min(MOST, max(FEWEST, math.ceil(reach / width))))


def _whole_width(span: int, wished: float) -> int:
    """A width near the one wished for whose last bin is as full as can be."""
    narrow, wide = (
        math.ceil(max(span / MOST, wished * 0.75)),
        math.ceil(min(span / 8, wished * 1.5)),
    )
    return max(range(narrow, max(narrow, wide) + 1)[:200], key=lambda w: (span % w or w) / w)


def _spread(low: float, high: float, bins: int) -> Array:
    """``bins`` + 1 edges; fewer where floats lie no closer. No overflow for the widest range."""
    parts = np.arange(bins + 1) / bins
    edges = low * (1 - parts) + high * parts
    edges[0], edges[-1] = low, high
    return np.unique(np.clip(edges, low, high))


def _around(value: float) -> Array:
    half = max(0.5, abs(value) * 1e-9)
    edges = np.array([value - half, value + half])
    return edges if np.isfinite(edges).all() else np.sort([np.nextafter(value, 0), value])
