"""Which candidates make the forecast, and with which weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.candidates import Candidate, Ground

Array = npt.NDArray[Any]

BEST = 6
"""Candidates that are combined from."""
MOST_PICKS = 10
CLOSE = 1.25
"""Of the best error; what errs more is not combined."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Members with weights that sum to 1, best first; their mean forecast at all cuts, and the
    metric of that at those that choose."""

    members: tuple[tuple[float, Candidate], ...]
    forecast: Array
    error: float
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``Ensemble of N``, or the single member's name."""
        if len(self.members) == 1:
            return self.members[0][1].entry.name
        return f"Ensemble of {len(self.members)}"


def choose(candidates: list[Candidate], ground: Ground) -> Choice:
    """The mean of the best few, or the best alone where that is clearly better.

    Means of forecasts rarely lose (Bates & Granger 1969), and a single best of a few windows is
    often so by luck; so weights start equal, and greedy picks may only shift them.
    """
    ranked = sorted(candidates, key=lambda c: c.error)
    floor = next(c for c in candidates if c.entry.kind == "seasonal_naive")
    best = ranked[0]
    if not np.isfinite(best.error):
        return Choice(((1.0, floor),), floor.forecast, floor.error)
    close = [c for c in ranked[:BEST] if c.error <= CLOSE * best.error + 1e-12]
    options = [_mean(close[:count], ground) for count in range(1, min(len(close), 5) + 1)]
    options.append(_greedy(close, ground))
    # A single one must be better by more than luck.
    chosen = min(options, key=lambda o: o.error * (1.02 if len(o.members) == 1 else 1.0))
    notes: tuple[str, ...] = ()
    if all(c is floor for _, c in chosen.members):
        notes = ("No candidate was better than the seasonal naive forecast, which is it now.",)
    return Choice(chosen.members, chosen.forecast, chosen.error, notes)


def weighted(members: list[tuple[float, Candidate]], ground: Ground) -> Choice:
    """Members as one forecast."""
    forecast = np.sum([w * c.forecast for w, c in members], axis=0)
    ordered = sorted(members, key=lambda pair: (-pair[0], pair[1].error))
    return Choice(tuple(ordered), forecast, ground.score(forecast))


def _mean(members: list[Candidate], ground: Ground) -> Choice:
    return weighted([(1 / len(members), c) for c in members], ground)


def _greedy(close: list[Candidate], ground: Ground) -> Choice:
    """Picks with replacement (Caruana et al. 2004), begun with the three best alike."""
    picks = list(range(min(3, len(close))))
    best = _of(picks, close, ground)
    while len(picks) < MOST_PICKS:
        found = min(
            ((_of([*picks, k], close, ground), k) for k in range(len(close))),
            key=lambda pair: pair[0].error,
        )
        if found[0].error >= best.error - 1e-12:
            break
        best, picks = found[0], [*picks, found[1]]
    return best


def _of(picks: list[int], close: list[Candidate], ground: Ground) -> Choice:
    counts = np.bincount(picks, minlength=len(close))
    return weighted(
        [(n / len(picks), close[k]) for k, n in enumerate(counts.tolist()) if n], ground
    )
