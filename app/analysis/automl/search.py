"""The search: the portfolio's entries in order, as long as the plan has time for them."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.checkpoints import Checkpoints, Step
from app.analysis.automl.compute.cluster import Cluster, ClusterAway, FitLost
from app.analysis.automl.crossval import (
    Afar,
    Candidate,
    FellBehind,
    begin_afar,
    cross_validate,
    end_afar,
)
from app.analysis.automl.drawn import drawn
from app.analysis.automl.ensemble import MOST_MEMBERS, Mixture
from app.analysis.automl.estimators.base import Shape
from app.analysis.automl.leaderboard import Board, rows_of
from app.analysis.automl.material import Material
from app.analysis.automl.portfolio import (
    MOST_ROW_S,
    Entry,
    Facts,
    applicable,
    load_portfolio,
    within,
)
from app.analysis.automl.probe import WORTH_S, probe
from app.analysis.automl.refit import planned_fits
from app.analysis.progress import Progress

REFIT_MEMBERS = 4
"""Members that time is kept for to fit once more on all rows."""
SENDING_SHARE = 0.3
"""Of the wall time left, giving the table to a cluster may take this much."""
FIRST_SHARE = 0.05
"""Of the budget, the first candidate beyond the baseline may take this much whatever the time."""
SHARE = 0.5
"""Of the planned time that is left, one candidate may take this much."""


MOST_DRAWN = 100
PATIENCE = 16
"""Drawn configurations in a row that helped no mixture, after which no more are drawn …"""
LATE = 4
"""… or that found no time."""
LEAST_GAIN = 1e-3
"""… where help takes this share off a mixture's distance to a perfect score."""

ENOUGH = "more time would hardly make the model better."
STOPPED = "was stopped by the clock and is not at its best."
_DROPPED: dict[type[Exception], str] = {
    OutOfTime: "ran out of time and was dropped.",
    FellBehind: "fell far behind on its first folds and was dropped.",
    FitLost: "was given up: the workers of the cluster that fitted it were lost.",
}
HERE = "Candidates are fitted here from now on."


@dataclass(frozen=True, slots=True)
class _Tried:
    """An entry that is tried: ``wanted`` as the portfolio has it, ``planned`` in the variant that
    fits the time, for about ``seconds`` of the plan; ``afar`` where a cluster does it."""

    wanted: Entry
    planned: Entry
    seconds: float
    quietly: bool
    afar: Afar | None


@dataclass(slots=True)
class Search:
    """Goes through the portfolio. ``candidates`` are those done, ``notes`` say what was not.

    What ``checkpoints`` holds of an earlier attempt is not fitted again. With a ``cluster`` several
    entries are under way at once; they are settled in the order of the portfolio, and each is
    planned by those that are settled by then, so that the same cluster gives the same again.
    """

    material: Material
    board: Board
    progress: Progress
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    cluster: Cluster | None = None
    candidates: list[Candidate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    _underway: deque[_Tried] = field(default_factory=deque)
    _settled: int = 0
    _probed: bool = False
    _mixed: list[Candidate] = field(default_factory=list)

    def run(self) -> None:
        """Try every applicable entry that fits; the baseline is tried whatever the time."""
        material = self.material
        shape = material.shape()
        facts = Facts(material.task, shape.rows, shape.tree, material.skewed, material.metric.name)
        entries, skipped = applicable(load_portfolio(), facts)
        self.notes += skipped
        if self.cluster is not None:
            self._send(self.cluster)
        for entry in entries:
            if not self._attend(entry, shape):
                self.skipped.append(entry.name)
        self._settle(0, shape)
        if not self.skipped and self._draw(facts, shape):
            self.notes.append(f"The last {PATIENCE} configurations tried were of no help: {ENOUGH}")
        self._settle(0, shape)
        self._tell_skipped()

    def _draw(self, facts: Facts, shape: Shape) -> bool:
        """Use what time is left for drawn configurations, as long as now and then one helps; says
        whether it ended because none did."""
        material = self.material
        truth, weights = material.y[material.judged], material.judged_weights
        mixture = Mixture(lambda prediction: material.error(truth, prediction, weights))
        self._mix(mixture, sorted(self.candidates, key=lambda c: c.error))
        idle = late = 0
        for number in range(MOST_DRAWN):
            entries, _ = applicable([drawn(number, material.seed)], facts)
            if not entries:
                continue
            known, settled = len(self.candidates), self._settled
            # Where there is no time left for a booster, there may be for a network.
            late = 0 if self._attend(entries[0], shape, quietly=True) else late + 1
            helped = self._mix(mixture, self.candidates[known:])
            idle = 0 if helped else idle + self._settled - settled
            if idle >= PATIENCE:
                return True
            if late >= LATE:
                break
        return False

    def _mix(self, mixture: Mixture, candidates: list[Candidate]) -> bool:
        """Let them join, keep time to fit those on all rows that were of use, and say whether
        there were any."""
        known, perfect = len(self._mixed), self.material.metric.perfect
        for candidate in candidates:
            if candidate.family != "baseline":
                wanted = (1 - LEAST_GAIN) * (mixture.best - perfect)
                mixture.join(candidate.prediction)
                if mixture.best - perfect < wanted:
                    self._mixed.append(candidate)
        self.material.budget.reserve = self._reserved()
        return len(self._mixed) > known

    def _plan(self, entry: Entry, shape: Shape) -> Entry | None:
        if entry.kind == "baseline":
            return entry
        material = self.material
        # Something better than the baseline there should be, whatever the time.
        first = all(candidate.family == "baseline" for candidate in self.candidates)
        quick = entry.estimator.estimate(shape, entry.params) if not entry.boosts else math.inf
        if first and quick * len(material.split.folds) < FIRST_SHARE * material.budget.seconds:
            return entry
        if material.budget.expired():
            return None
        # One more fit than folds: the final one, on all rows.
        fits = material.planned([1.0] * (len(material.split.folds) + 1))
        planned = self._within(entry, shape, fits)
        if planned is None or not planned.boosts or self._probed or material.slots:
            return planned
        if planned.estimator.estimate(shape, planned.params) * fits < WORTH_S:
            return planned
        self._probed = True
        try:
            probe(planned, shape, material)
        except OutOfTime:
            return None
        return self._within(entry, shape, fits)

    def _within(self, entry: Entry, shape: Shape, fits: float) -> Entry | None:
        """The entry in the variant that fits the time left, by the plan."""
        underway = sum(one.seconds for one in self._underway)
        return self.material.budget.afforded(
            lambda left: within(entry, shape, (left - underway) * SHARE / fits, self._steps())
        )

    def _attend(self, entry: Entry, shape: Shape, *, quietly: bool = False) -> bool:
        """Try an entry, unless it was tried before; says whether there was time for that."""
        kept = self.checkpoints.recall(entry.name, self.material.budget)
        if kept is not None and self._of_this_split(kept):
            space = self.material.early_space()
            packed = kept.content
            self._take(packed and Candidate.unpacked(packed, space), kept.told)
            self._settled += 1
            return True
        reason = self.checkpoints.given_up(entry.name)
        if reason is not None and entry.kind != "baseline":
            self._take(None, (f"{entry.name} {reason}",))
            self._settled += 1
            return True
        planned = self._plan(entry, shape)
        if planned is None:
            return False
        self._begin(entry, planned, shape, quietly=quietly)
        self._settle(self._width() - 1, shape)
        return True

    def _of_this_split(self, kept: Step) -> bool:
        """Whether a candidate was judged by the rows that judge here: where an earlier attempt
        had another number of processors, it was not."""
        return kept.content is None or len(kept.content["prediction"]) == len(self.material.judged)

    def _width(self) -> int:
        """How many entries may be under way: on a cluster one more than its slots can do."""
        return 1 + -(-self.material.slots // len(self.material.split.folds))

    def _begin(self, wanted: Entry, planned: Entry, shape: Shape, *, quietly: bool) -> None:
        # The baseline is a mean, and done here before a cluster is asked.
        away = self.cluster is None or not self.material.slots or planned.kind == "baseline"
        afar = None if away else begin_afar(planned, self.material, self.cluster)  # type: ignore[arg-type]
        fits = [planned.estimator.estimate(shape, planned.params)] * len(self.material.split.folds)
        seconds = self.material.planned(fits)
        self._underway.append(_Tried(wanted, planned, seconds, quietly, afar))

    def _settle(self, width: int, shape: Shape) -> None:
        """Wait for the oldest entries under way, until at most ``width`` are left."""
        while len(self._underway) > max(0, width if self.material.slots else 0):
            tried = self._underway.popleft()
            planned: Entry | None = tried.planned
            if tried.afar is not None and not self.material.slots:
                planned = self._plan(tried.wanted, shape)
            if planned is None:
                self.skipped.append(tried.wanted.name)
            else:
                self._try(tried, planned)
            self._settled += 1

    def _try(self, tried: _Tried, entry: Entry) -> None:
        budget = self.material.budget
        try:
            candidate = self._candidate(tried, entry)
        except (OutOfTime, FellBehind, FitLost) as failure:
            told = () if tried.quietly else (f"{entry.name} {_DROPPED[type(failure)]}",)
            self._take(None, told)
            self.checkpoints.keep(entry.name, None, budget, told=told)
            return
        except ClusterAway as why:
            self._leave(str(why))
            self._underway.appendleft(tried)
            return
        told = (f"{entry.name} {STOPPED}",) if candidate.stopped else ()
        self._take(candidate, told)
        self.checkpoints.keep(entry.name, candidate.packed(), budget, told=told)
        self.progress(
            self._fraction(),
            f"{entry.name}: {self.material.metric.name} {candidate.score:.5g}",
            leaderboard=self.board.of(rows_of(self.candidates)),
        )

    def _candidate(self, tried: _Tried, entry: Entry) -> Candidate:
        if tried.afar is not None and self.cluster is not None and self.material.slots:
            # Whoever dies while others fit has not died of that: nothing is noted as tried.
            return end_afar(
                tried.afar, self.material, self.cluster, lambda: self.progress(self._fraction())
            )
        self.checkpoints.attend(entry.name, self.material.budget)
        return cross_validate(entry, self.material, self._rival(entry))

    def _send(self, cluster: Cluster) -> None:
        """Give the cluster what it needs, if it is of use for that."""
        self.material.slots = cluster.slots
        try:
            cluster.send(self.material, SENDING_SHARE * self.material.budget.wall_left)
        except ClusterAway as why:
            self._leave(str(why))
            return
        slots = "1 slot" if cluster.slots == 1 else f"{cluster.slots} slots"
        self.progress(0.05, f"Candidates are fitted on a cluster of {slots}.")

    def _leave(self, why: str) -> None:
        """Go on without the cluster."""
        self.material.slots = 0
        told = f"The cluster is of no use: {why}. {HERE}"
        self.notes.append(told)
        self.progress(self._fraction(), told, level="WARNING")

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
        """Planned seconds of fitting the best candidates so far on all rows; once the portfolio is
        done, those of help to one another, and by several seeds, which are surer to help than what
        is drawn."""
        best = sorted(self._mixed or self.candidates, key=lambda c: c.error)
        if not self._mixed:
            return self.material.planned([c.refit_work for c in best[:REFIT_MEMBERS]])
        families = {candidate.family: candidate for candidate in reversed(best)}
        best.sort(key=lambda c: families[c.family] is not c)  # a mixture is of many kinds
        plain = [candidate for candidate in best if not candidate.entry.drawn]
        return max(planned_fits(_together(some), self.material) for some in (plain, best) if some)

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


def _together(wanted: list[Candidate]) -> list[Candidate]:
    """Of candidates, those wanted most first, as many as one model has time for in a prediction."""
    members: list[Candidate] = []
    for candidate in wanted:
        if sum(c.row_price for c in (*members, candidate)) <= MOST_ROW_S:
            members.append(candidate)
    return members[:MOST_MEMBERS]
