"""Whether series repeat themselves after so many steps: by their autocorrelation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LONGEST = 400
MOST_SERIES = 200
CRITICAL = 1.282
"""Of a normal distribution: of series without a season one in ten is taken for seasonal. That costs
little, since methods without a season are tried as well; a season that is missed costs more."""


def find_season(series: list[Array], usual: tuple[int, ...]) -> int:
    """The length of the season that most series show, 1 for none.

    The calendar's ``usual`` seasons come first, whichever is most marked; where it has none, the
    highest peak of the autocorrelation is taken.
    """
    chosen = series[:: max(1, len(series) // MOST_SERIES)]
    best, strength = 1, 0.0
    for season in usual:
        found = [marked(one, season) for one in chosen if one.size >= 2 * season + 2]
        if len(found) * 2 >= len(chosen) and found:
            share = float(np.mean([f > 0 for f in found]))
            mean = float(np.mean(found))
            if share >= 0.5 and mean > strength:
                best, strength = season, mean
    if usual:
        return best
    peaks = [_peak(one) for one in chosen]
    seasonal = [peak for peak in peaks if peak > 1]
    if len(seasonal) * 2 <= len(chosen):
        return 1
    return int(np.bincount(seasonal).argmax())


def marked(values: Array, season: int) -> float:
    """By how much the autocorrelation at a season passes what chance gives; ≤ 0: no season.

    The straight trend is taken out first, and the bound grows with the shorter lags' own
    correlation (Bartlett).
    """
    if values.size < 2 * season + 2 or season < 2:
        return -1.0
    correlation = autocorrelation(values, season)
    bound = CRITICAL * np.sqrt((1 + 2 * float((correlation[:-1] ** 2).sum())) / values.size)
    # A sum over fewer pairs is smaller by itself, and a season is long for a short series.
    found = correlation[-1] * values.size / (values.size - season)
    return float(found - bound)


def autocorrelation(values: Array, lags: int) -> Array:
    """(lags,) the autocorrelation at lags 1 … of a series without its straight trend."""
    steps = np.arange(values.size)
    rest = values - np.polyval(np.polyfit(steps, values, 1), steps)
    power = float((rest**2).sum())
    if power <= 1e-12 * max(1.0, float((values**2).sum())):
        return np.zeros(lags)
    return np.array([float((rest[k:] * rest[:-k]).sum()) / power for k in range(1, lags + 1)])


def _peak(values: Array) -> int:
    """The lag of the highest peak that chance does not explain, 1 for none."""
    most = min(LONGEST, values.size // 3)
    if most < 4:
        return 1
    correlation = autocorrelation(values, most + 1)
    inner = correlation[1:-1]
    tops = 1 + np.flatnonzero((inner > correlation[:-2]) & (inner >= correlation[2:]))
    for lag in tops[np.argsort(-correlation[tops], kind="stable")]:
        if marked(values, int(lag) + 1) > 0 and correlation[lag] > 0.3:
            return int(lag) + 1
    return 1
