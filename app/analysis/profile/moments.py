"""Mean, standard deviation, skew and kurtosis that hold for any finite column.

Two passes: values are centred before they are squared, so a large offset costs nothing; they
are scaled by a power of two, so neither huge nor tiny ones overflow; whole numbers are centred
in integer arithmetic, so those past 2**53 keep their last digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.analysis.profile.source import Array


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


def moments(values: Array) -> Moments:
    """The moments of ``values``: int64, or finite float64, in any order."""
    n = len(values)
    if n == 0:
        return Moments(None, None, None, None)
    origin, parts, exponent = _scaled(values)
    centre = float(parts.mean())
    distances = parts - centre
    rest = float(distances.mean())
    distances -= rest
    mean = _mean(origin, centre + rest, exponent)
    squares = distances * distances
    second = float(squares.mean())
    if n == 1 or values.min() == values.max():
        return Moments(mean, 0.0 if n > 1 else None, None, None)
    std = _back(math.sqrt(second * (n / (n - 1))), exponent)
    third, fourth = float((squares * distances).mean()), float((squares * squares).mean())
    return Moments(mean, std, _skew(n, second, third), _kurtosis(n, second, fourth))


def _scaled(values: Array) -> tuple[int | float, Array, int]:
    """An origin, the values' distances from it divided by 2**exponent, and the exponent."""
    if values.dtype.kind == "i":
        origin = int(values.min())
        offsets = values.astype(np.uint64) - np.uint64(origin % 2**64)
        return origin, offsets.astype(np.float64), 0
    top = max(abs(float(values.min())), abs(float(values.max())))
    exponent = math.frexp(top)[1]
    if -200 < exponent < 200:  # fourth powers stay far from the limits of a float
        return 0.0, values, 0
    return 0.0, np.ldexp(values, -exponent), exponent


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
