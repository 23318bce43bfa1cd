"""Which candidates make the forecast, and with which weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.candidates import Candidate, Ground

Array = npt.NDArray[Any]

MOST_MEMBERS = 5
LEAST_WEIGHT = 0.05
FAMILIES = {"smooth_best": "smooth"}
"""Kinds that err alike count as one family."""


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
    """The mean of the best of each family, weighed by how little it erred.

    A few origins say little of which single candidate is the best, so none is trusted alone:
    families err differently, and the mean of forecasts rarely loses (Bates & Granger 1969). Weights
    fall with the square of the error, so that one that is far better has nearly all.
    """
    ranked = sorted(candidates, key=lambda c: c.error)
    floor = next(c for c in candidates if c.entry.kind == "seasonal_naive")
    if not np.isfinite(ranked[0].error):
        return Choice(((1.0, floor),), floor.forecast, floor.error)
    best: dict[str, Candidate] = {}
    for candidate in ranked:
        if np.isfinite(candidate.error):
            kind = candidate.entry.kind
            best.setdefault(FAMILIES.get(kind, kind), candidate)
    chosen = list(best.values())[:MOST_MEMBERS]
    errors = np.maximum([c.error for c in chosen], 1e-9 + 1e-3 * ranked[0].error)
    weights = (errors.min() / errors) ** 2
    weights = np.where(weights >= LEAST_WEIGHT * weights.sum(), weights, 0.0)
    weights = weights / weights.sum()
    members = [(float(w), c) for w, c in zip(weights, chosen, strict=True) if w > 0]
    forecast = np.sum([w * c.forecast for w, c in members], axis=0)
    notes: tuple[str, ...] = ()
    if all(c is floor for _, c in members):
        notes = ("No candidate was better than the seasonal naive forecast, which is it now.",)
    error = ground.score(forecast)
    if len(members) > 1 and error > ranked[0].error:
        notes = (
            f"{ranked[0].entry.name} alone was better at the origins that chose; the mean of "
            f"{len(members)} was taken, as it is the safer one.",
        )
    return Choice(tuple(members), np.asarray(forecast), error, notes)
