"""The search: the portfolio's entries in order, as long as the plan has time for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.crossval import Candidate, FellBehind, cross_validate
from app.analysis.automl.estimators.base import Shape
from app.analysis.automl.leaderboard import rows_of
from app.analysis.automl.material import Material
from app.analysis.automl.portfolio import (
    Entry,
    Facts,
    applicable,
    drawn,
    load_portfolio,
    within,
)
from app.analysis.progress import Progress

REFIT_MEMBERS = 4
"""Members that time is kept for to fit once more on all rows."""
SHARE = 0.5
"""Of the planned time that is left, one candidate may take this much."""


MOST_DRAWN = 100
PATIENCE = 8
"""Drawn boosters in a row without a new best one, after which no more are drawn."""

_DROPPED: dict[type[Exception], str] = {
    OutOfTime: "ran out of time and was dropped.",
    FellBehind: "fell far behind on its first folds and was dropped.",
}


@dataclass(slots=True)
class Search:
    """Goes through the portfolio. ``candidates`` are those done, ``notes`` say what was not.

    ``better`` is told of each candidate that beats all before it.
    """

    material: Material
    progress: Progress
    better: Callable[[Candidate], None] | None = None
    candidates: list[Candidate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Try every applicable entry that fits; the baseline is tried whatever the time."""
        material = self.material
        shape = material.shape()
        facts = Facts(material.task, shape.rows, shape.tree, material.skewed, material.metric.name)
        entries, skipped = applicable(load_portfolio(), facts)
        self.notes += skipped
        for entry in entries:
            planned = self._plan(entry, shape)
            if planned is None:
                self.skipped.append(entry.name)
            else:
                self._try(planned)
        if not self.skipped:
            self._draw(facts, shape)
        self._tell_skipped()

    def _draw(self, facts: Facts, shape: Shape) -> None:
        """Use what time is left for drawn boosters, as long as now and then one helps."""
        idle = 0
        for number in range(MOST_DRAWN):
            entries, _ = applicable([drawn(number, self.material.seed)], facts)
            planned = self._plan(entries[0], shape)
            if planned is None or idle >= PATIENCE:
                break
            best = min(c.error for c in self.candidates)
            self._try(planned, quietly=True)
            idle = 0 if min(c.error for c in self.candidates) < best else idle + 1

    def _plan(self, entry: Entry, shape: Shape) -> Entry | None:
        if entry.kind == "baseline":
            return entry
        material = self.material
        if material.budget.expired():
            return None
        left = material.budget.affordable()
        # One more fit than folds: the final one, on all rows.
        fits = material.planned([1.0] * (len(material.split.folds) + 1))
        return within(entry, shape, left * SHARE / fits, self._steps())

    def _try(self, entry: Entry, *, quietly: bool = False) -> None:
        try:
            candidate = cross_validate(entry, self.material, self._rival(entry))
        except (OutOfTime, FellBehind) as failure:
            if not quietly:
                self.notes.append(f"{entry.name} {_DROPPED[type(failure)]}")
            return
        if candidate.stopped:
            self.notes.append(f"{entry.name} was stopped by the clock and is not at its best.")
        best = min((c.error for c in self.candidates), default=float("inf"))
        self.candidates.append(candidate)
        if self.better is not None and candidate.error < best and candidate.family != "baseline":
            self.better(candidate)
        self.material.budget.reserve = self._reserved()
        metric = self.material.metric.name
        self.progress(
            self._fraction(),
            f"{entry.name}: {metric} {candidate.score:.5g}",
            leaderboard=rows_of(self.candidates),
        )

    def _rival(self, entry: Entry) -> float | None:
        """The best first-fold error so far; ``None`` for a family's first candidate."""
        if all(c.family != entry.estimator.family for c in self.candidates):
            return None
        return min(c.first_error for c in self.candidates)

    def _reserved(self) -> float:
        """Planned seconds of fitting the best candidates so far on all rows."""
        best = sorted(self.candidates, key=lambda c: c.error)[:REFIT_MEMBERS]
        return self.material.planned([c.refit_work for c in best])

    def _steps(self) -> float:
        """How far boosters went so far, and a quarter more; 15 before the first is done."""
        known = [c.steps for c in self.candidates if c.steps is not None]
        return 1.25 * max(known) if known else 15.0

    def _fraction(self) -> float:
        budget = self.material.budget
        return 0.05 + 0.75 * min(1.0, budget.elapsed / budget.seconds)

    def _tell_skipped(self) -> None:
        if self.skipped:
            names = ", ".join(self.skipped)
            self.notes.append(f"Skipped, since they would not fit into the time: {names}.")
