"""The choice: which candidates make the model, with which weights, and what that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.calibration import find_temperature, tempered
from app.analysis.automl.crossval import Candidate, scatter
from app.analysis.automl.deciding import tuned_decision
from app.analysis.automl.decision import LARGEST, Decision
from app.analysis.automl.ensemble import Member, members_per_family, select
from app.analysis.automl.intervals import Intervals, fit_intervals
from app.analysis.automl.leaderboard import rounded, rows_of
from app.analysis.automl.material import Material, usable
from app.analysis.automl.options import RunOptions
from app.analysis.automl.portfolio import MOST_BYTES, MOST_ROW_S

Array = npt.NDArray[Any]

SURE = 0.5
"""Standard errors by which configurations drawn beyond the portfolio must make the model better."""
PART_ROWS = 50
FEWEST_PARTS, MOST_PARTS = 5, 20
"""Into parts of so many rows, and so many parts, judged rows are cut to measure that."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Members with weights that sum to 1, best first, and their mean out-of-fold prediction.

    ``holdout`` is their mean prediction of the holdout. ``intervals`` are of a regression;
    ``decision`` makes labels of probabilities, and was chosen by what ``decided_by`` says.
    """

    members: tuple[tuple[float, Candidate], ...]
    prediction: Array
    holdout: Array
    temperature: float
    intervals: Intervals | None
    notes: tuple[str, ...]
    decision: Decision = LARGEST
    decided_by: str = ""

    @property
    def name(self) -> str:
        """``Ensemble of N``, or the single member's name."""
        if len(self.members) == 1:
            return self.members[0][1].entry.name
        return f"Ensemble of {len(self.members)}"


def choose(candidates: list[Candidate], material: Material, options: RunOptions) -> Choice:
    """Choose by greedy selection, calibrate, measure how far predictions err, and settle how
    labels follow from them."""
    max_predict_ms = options.max_predict_ms
    truth = material.y[material.judged]
    allowed, notes = _worthwhile(candidates)
    allowed, slow = _fast_enough(candidates, allowed, max_predict_ms)
    notes += slow
    members = _selected(candidates, allowed, material, max_predict_ms)
    prediction = _mean(members)
    holdout = _weighted([(w, c.holdout) for w, c in members])
    if material.task == "regression":
        intervals = fit_intervals(truth, prediction, usable(material.judged_weights))
        return Choice(tuple(members), prediction, holdout, 1.0, intervals, tuple(notes))
    temperature = find_temperature(
        material.task, truth, prediction, usable(material.judged_weights)
    )
    if temperature != 1.0:
        notes.append(f"Probabilities were calibrated (temperature {temperature:.3g}).")
        prediction = tempered(prediction, temperature)
        holdout = tempered(holdout, temperature) if holdout.size else holdout
    decision, by = tuned_decision(
        material.decision, options, material.metric, truth, prediction, material.judged_weights
    )
    return Choice(
        tuple(members), prediction, holdout, temperature, None, tuple(notes), decision, by
    )


def _selected(
    candidates: list[Candidate], allowed: list[int], material: Material, limit_ms: float | None
) -> list[tuple[float, Candidate]]:
    """The members with their weights, largest first: of the portfolio alone, unless what was drawn
    beyond it makes them surely better.

    The more candidates there are, the more of a gain is luck, and the more a longer run would choose
    by it.
    """
    truth, counted = material.y[material.judged], material.judged_weights
    most_row_s = _most_row_s(candidates, allowed, limit_ms)

    def selected(among: list[int]) -> list[tuple[float, Candidate]]:
        weights = select(
            _members(candidates, among, most_row_s),
            lambda prediction: material.error(truth, prediction, counted),
            per_family=members_per_family(material.split.development.size),
            most_price=1.0,
        )
        found = ((weight, candidates[i]) for i, weight in weights.items())
        return sorted(found, key=lambda pair: (-pair[0], pair[1].error))

    members = selected(allowed)
    known = [i for i in allowed if not candidates[i].entry.drawn]
    if not known or not any(candidate.entry.drawn for _, candidate in members):
        return members
    plain = selected(known)
    gain = gain_over(_mean(members), _mean(plain), material)
    return members if gain >= SURE else plain


def gain_over(prediction: Array, other: Array, material: Material) -> float:
    """By how many of its standard errors a prediction's error is less than another's: the mean
    of the differences in parts of the judged rows, by their scatter.

    Infinite where too few rows have an error in parts.
    """
    truth, weights = material.y[material.judged], material.judged_weights
    count = int(np.clip(truth.size // PART_ROWS, FEWEST_PARTS, MOST_PARTS))
    differences = []
    for k in range(count):
        rows = np.arange(k, truth.size, count)
        own = None if weights is None else weights[rows]
        errors = [material.error(truth[rows], p[rows], own) for p in (other, prediction)]
        differences.append(errors[0] - errors[1])
    known = np.array([difference for difference in differences if np.isfinite(difference)])
    if known.size < FEWEST_PARTS or not known.std():
        return float("inf")
    return float(known.mean() / (known.std(ddof=1) / np.sqrt(known.size)))


def ranking(
    candidates: list[Candidate], choice: Choice, material: Material
) -> list[dict[str, Any]]:
    """The leaderboard's rows, the ensemble among them when it has more than one member."""
    if len(choice.members) == 1:
        return rows_of(candidates)
    truth = material.y[material.judged]
    prediction = _mean(choice.members)
    each = [c for _, c in choice.members]
    ensemble = {
        "error": material.error(truth, prediction, material.judged_weights),
        "name": choice.name,
        "score": rounded(material.score(truth, prediction, material.judged_weights)),
        "score_std": rounded(scatter(material, prediction)),
        "fit_seconds": round(sum(c.fit_seconds for c in each), 3),
        "predict_ms_per_row": round(sum(c.predict_ms_per_row for c in each), 6),
        "kind": "ensemble",
        "members": [{"name": c.entry.name, "weight": round(w, 4)} for w, c in choice.members],
    }
    return rows_of(candidates, ensemble)


def _worthwhile(candidates: list[Candidate]) -> tuple[list[int], list[str]]:
    """Candidates better than the baseline, or the baseline alone when none is.

    The baseline is never mixed in: a constant changes no ranking, so it would be chosen for
    nothing by a metric of ranks, and spoil the probabilities.
    """
    plain = [i for i, c in enumerate(candidates) if c.family == "baseline"]
    floor = min(candidates[i].error for i in plain)
    better = [i for i, c in enumerate(candidates) if i not in plain and c.error < floor]
    if better:
        return better, []
    return plain, ["No candidate was better than the dumb baseline, which is the model now."]


def _fast_enough(
    candidates: list[Candidate], everyone: list[int], limit_ms: float | None
) -> tuple[list[int], list[str]]:
    """Those of ``everyone`` within the limits of time a prediction; the fastest when none is."""
    if limit_ms is not None:
        fast = [i for i in everyone if candidates[i].one_row_ms <= limit_ms]
        if fast:
            return fast, []
        fastest = min(everyone, key=lambda i: candidates[i].one_row_ms)
        return [fastest], [
            f"No candidate answers within max_predict_ms = {limit_ms:g}; "
            f"the fastest takes {candidates[fastest].one_row_ms:.2g} ms."
        ]
    fast = [i for i in everyone if candidates[i].row_price <= MOST_ROW_S]
    return fast or everyone, []


def _members(candidates: list[Candidate], allowed: list[int], most_row_s: float) -> list[Member]:
    """Their price is what they take of a row's time or of a bundle's size, whichever is more."""

    def price(candidate: Candidate) -> float:
        size = candidate.early[1].estimator.size_bytes
        return max(candidate.row_price / max(most_row_s, 1e-12), size / MOST_BYTES)

    return [
        Member(i, candidates[i].family, candidates[i].prediction, price(candidates[i]))
        for i in allowed
    ]


def _most_row_s(candidates: list[Candidate], allowed: list[int], limit_ms: float | None) -> float:
    """The planned seconds a row that all members may cost together.

    A limit on one row's milliseconds is scaled to them by the slowest allowed candidate.
    """
    if limit_ms is None:
        return MOST_ROW_S
    slowest = max((candidates[i] for i in allowed), key=lambda c: c.one_row_ms)
    return min(MOST_ROW_S, slowest.row_price * limit_ms / max(slowest.one_row_ms, 1e-6))


def _mean(members: Sequence[tuple[float, Candidate]]) -> Array:
    """Their weighted mean prediction out of fold."""
    return _weighted([(weight, candidate.prediction) for weight, candidate in members])


def _weighted(parts: list[tuple[float, Array]]) -> Array:
    return np.asarray(sum(weight * prediction for weight, prediction in parts))
