"""The search: the portfolio's entries in order, as long as the plan has time for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.checkpoints import Checkpoints
from app.analysis.automl.crossval import Candidate, FellBehind, cross_validate
from app.analysis.automl.estimators.base import Shape
from app.analysis.automl.leaderboard import Board, rows_of
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

STOPPED = "was stopped by the clock and is not at its best."
_DROPPED: dict[type[Exception], str] = {
    OutOfTime: "ran out of time and was dropped.",
    FellBehind: "fell far behind on its first folds and was dropped.",
}


@dataclass(slots=True)
class Search:
    """Goes through the portfolio. ``candidates`` are those done, ``notes`` say what was not.

    What ``checkpoints`` holds of an earlier attempt is not fitted again.
    """

    material: Material
    board: Board
    progress: Progress
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
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
            if not self._attend(entry, shape):
                self.skipped.append(entry.name)
        if not self.skipped:
            self._draw(facts, shape)
        self._tell_skipped()

    def _draw(self, facts: Facts, shape: Shape) -> None:
        """Use what time is left for drawn boosters, as long as now and then one helps."""
        idle = 0
        for number in range(MOST_DRAWN):
            entries, _ = applicable([drawn(number, self.material.seed)], facts)
            best = min(c.error for c in self.candidates)
            if idle >= PATIENCE or not self._attend(entries[0], shape, quietly=True):
                break
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

    def _attend(self, entry: Entry, shape: Shape, *, quietly: bool = False) -> bool:
        """Try an entry, unless it was tried before; says whether there was time for that."""
        kept = self.checkpoints.recall(entry.name, self.material.budget)
        if kept is not None:
            space = self.material.fold(0, "plain")[0].space
            packed = kept.content
            self._take(packed and Candidate.unpacked(packed, space), kept.told)
            return True
        reason = self.checkpoints.given_up(entry.name)
        if reason is not None and entry.kind != "baseline":
            self._take(None, (f"{entry.name} {reason}",))
            return True
        planned = self._plan(entry, shape)
        if planned is None:
            return False
        self._try(planned, quietly=quietly)
        return True

    def _try(self, entry: Entry, *, quietly: bool) -> None:
        budget = self.material.budget
        self.checkpoints.attend(entry.name, budget)
        try:
            candidate = cross_validate(entry, self.material, self._rival(entry))
        except (OutOfTime, FellBehind) as failure:
            told = () if quietly else (f"{entry.name} {_DROPPED[type(failure)]}",)
            self._take(None, told)
            self.checkpoints.keep(entry.name, None, budget, told=told)
            return
        told = (f"{entry.name} {STOPPED}",) if candidate.stopped else ()
        self._take(candidate, told)
        self.checkpoints.keep(entry.name, candidate.packed(), budget, told=told)
        self.progress(
            self._fraction(),
            f"{entry.name}: {self.material.metric.name} {candidate.score:.5g}",
            leaderboard=self.board.of(rows_of(self.candidates)),
        )

    def _take(self, candidate: Candidate | None, told: tuple[str, ...]) -> None:
        """Note what came of an entry: a candidate, or ``None`` when it was dropped."""
        self.notes += told
        if candidate is not None:
            self.candidates.append(candidate)
            if candidate.family != "baseline":
                self.material.budget.has_model()
            self.material.budget.reserve = self._reserved()

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
        budget = self.material.budget
        if budget.finished_at is not None:
            self.notes.append(f"Finished on request after {budget.finished_at:.0f} s: best so far.")
        elif self.skipped:
            names = ", ".join(self.skipped)
            self.notes.append(f"Skipped, since they would not fit into the time: {names}.")
