"""Mean, standard deviation, skew and kurtosis that hold for any finite column.

Two passes: values are centred before they are squared, so a large offset costs nothing; they
are scaled by a power of two, so neither huge nor tiny ones overflow; whole numbers are centred
in integer arithmetic, so those past 2**53 keep their last digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np

from app.analysis.profile.ordered import Ordered
from app.analysis.profile.source import SLICE, Array


@dataclass(frozen=True, slots=True)
class Moments:
    """``None`` where a figure is not defined (too few values, no spread) or passes a float.

    ``std`` has the divisor n − 1; ``skew`` and ``kurtosis`` are the adjusted Fisher-Pearson
    coefficients G₁ and G₂ (excess: 0 for a normal distribution), as pandas, DuckDB and Excel
    have them (Joanes and Gill, 1998, "Comparing measures of sample skewness and kurtosis").
    """

    mean: float | None
    std: float | None
    skew: float | None
    kurtosis: float | None


def moments(values: Array | Ordered) -> Moments:
    """The moments of ``values``: int64, or finite float64; an array in any order."""
    n = len(values)
    if n == 0:
        return Moments(None, None, None, None)
    low, high = _ends(values)
    origin, exponent = _origin(values.dtype.kind, low, high)
    centre = fsum(float(part.sum()) for part in _parts(values, origin, exponent)) / n
    sums = [_powers(part - centre) for part in _parts(values, origin, exponent)]
    rest = fsum(total[0] for total in sums) / n
    mean = _mean(origin, centre + rest, exponent)
    if n == 1 or low == high:
        return Moments(mean, 0.0 if n > 1 else None, None, None)
    # Moments about a point so near the mean, made those about the mean itself.
    m2, m3, m4 = (fsum(total[k] for total in sums) / n for k in (1, 2, 3))
    second = m2 - rest**2
    third = m3 - 3 * rest * m2 + 2 * rest**3
    fourth = m4 - 4 * rest * m3 + 6 * rest**2 * m2 - 3 * rest**4
    std = _back(math.sqrt(second * (n / (n - 1))), exponent)
    return Moments(mean, std, _skew(n, second, third), _kurtosis(n, second, fourth))


def mean(values: Array | Ordered) -> float | None:
    """The mean alone, as :func:`moments` has it; of one value at least."""
    low, high = _ends(values)
    origin, exponent = _origin(values.dtype.kind, low, high)
    n = len(values)
    centre = fsum(float(part.sum()) for part in _parts(values, origin, exponent)) / n
    rest = fsum(float((part - centre).sum()) for part in _parts(values, origin, exponent)) / n
    return _mean(origin, centre + rest, exponent)


def _ends(values: Array | Ordered) -> tuple[Any, Any]:
    if isinstance(values, np.ndarray):
        return values.min(), values.max()
    return values[0], values[-1]


def _origin(kind: str, low: Any, high: Any) -> tuple[int | float, int]:
    """What is taken from every value, and the exponent of the power of two that divides them."""
    if kind == "i":
        return int(low), 0
    exponent = math.frexp(max(abs(float(low)), abs(float(high))))[1]
    # Fourth powers of what is not scaled stay far from the limits of a float.
    return 0.0, 0 if -200 < exponent < 200 else exponent


def _parts(values: Array | Ordered, origin: int | float, exponent: int) -> Iterator[Array]:
    """The values' distances from the origin divided by 2**exponent, slice by slice: what is
    made of a slice stays in the processor's cache, and a column of any length takes no room."""
    for start in range(0, len(values), SLICE):
        part = np.asarray(values[start : start + SLICE])
        if isinstance(origin, int):
            yield (part.astype(np.uint64) - np.uint64(origin % 2**64)).astype(np.float64)
        else:
            yield np.ldexp(part, -exponent) if exponent else part


def _powers(distances: Array) -> tuple[float, float, float, float]:
    """The sums of the first four powers."""
    squares = distances * distances
    return (
        float(distances.sum()),
        float(squares.sum()),
        float((squares * distances).sum()),
        float((squares * squares).sum()),
    )


def _mean(origin: int | float, offset: float, exponent: int) -> float | None:
    if isinstance(origin, int):
        whole = math.floor(offset)
        return float(origin + whole) + (offset - whole)
    return _back(offset, exponent)


def _back(value: float, exponent: int) -> float | None:
    """``value`` · 2**exponent; ``None`` past the largest float."""
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return None


def _skew(n: int, second: float, third: float) -> float | None:
    if n < 3 or second <= 0:
        return None
    return float(math.sqrt(n * (n - 1)) / (n - 2) * third / second**1.5)


def _kurtosis(n: int, second: float, fourth: float) -> float | None:
    if n < 4 or second <= 0:
        return None
    excess = fourth / second**2 - 3
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * excess + 6)
