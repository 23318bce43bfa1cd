"""The search: the portfolio's entries in order, as long as there is time for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.analysis.automl.budget import OutOfTime
from app.analysis.automl.checkpoints import Checkpoints
from app.analysis.automl.forecasting.candidates import (
    Candidate,
    Entry,
    Ground,
    applicable,
    estimate,
    judge,
    load_portfolio,
)
from app.analysis.automl.forecasting.direct import Unfit
from app.analysis.automl.leaderboard import Board, rounded
from app.analysis.progress import Progress

SHARE = 0.5
"""Of the planned time that is left, one candidate may take this much."""
WALL_SHARE = 0.6
REFIT_MEMBERS = 5
BASELINE = "seasonal_naive"


@dataclass(slots=True)
class Search:
    """Goes through the portfolio. ``candidates`` are those done, ``notes`` say what was not.

    What ``checkpoints`` holds of an earlier attempt is not fitted again.
    """

    ground: Ground
    board: Board
    progress: Progress
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    candidates: list[Candidate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Try every entry that is of use and fits; the baseline is tried whatever the time."""
        skipped = [
            entry.name
            for entry in load_portfolio()
            if applicable(entry, self.ground) and not self._attend(entry)
        ]
        budget = self.ground.budget
        if budget.finished_at is not None:
            self.notes.append(f"Finished on request after {budget.finished_at:.0f} s: best so far.")
        elif skipped:
            names = ", ".join(skipped)
            self.notes.append(f"Skipped, since they would not fit into the time: {names}.")

    def _attend(self, entry: Entry) -> bool:
        """Try an entry, unless it was tried before; says whether there was time for that."""
        budget = self.ground.budget
        kept = self.checkpoints.recall(entry.name, budget)
        if kept is not None:
            self._take(kept.content, kept.told)
            return True
        reason = self.checkpoints.given_up(entry.name)
        if reason is not None and entry.kind != BASELINE:
            self.notes.append(f"{entry.name} {reason}")
            return True
        planned = estimate(entry, self.ground)
        if entry.kind != BASELINE and (
            budget.expired() or budget.afforded(lambda left: planned > SHARE * left)
        ):
            return False
        self._try(entry, planned)
        return True

    def _try(self, entry: Entry, planned: float) -> None:
        budget = self.ground.budget
        self.checkpoints.attend(entry.name, budget)
        found: Candidate | None = None
        told: tuple[str, ...] = ()
        try:
            found = judge(entry, self.ground, budget.allowance(WALL_SHARE))
        except OutOfTime:
            told = (f"{entry.name} ran out of time and was dropped.",)
        except Unfit as reason:
            told = (f"{entry.name} was left out: {reason}.",)
        budget.charge(planned)
        self._take(found, told)
        self.checkpoints.keep(entry.name, found, budget, told=told)
        if found is not None:
            self.progress(
                0.05 + 0.75 * min(1.0, budget.elapsed / budget.seconds),
                f"{entry.name}: {self.ground.metric} {found.error:.5g}",
                leaderboard=self.board.of(rows_of(self.candidates)),
            )

    def _take(self, found: Candidate | None, told: tuple[str, ...]) -> None:
        self.notes += told
        if found is None:
            return
        self.candidates.append(found)
        budget, cuts = self.ground.budget, len(self.ground.windows.all)
        if found.entry.kind != BASELINE:
            budget.has_model()
        best = sorted(self.candidates, key=lambda c: c.error)[:REFIT_MEMBERS]
        budget.reserve = sum(2 * estimate(c.entry, self.ground) / cuts for c in best)


def rows_of(
    candidates: list[Candidate], ensemble: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The leaderboard's rows, best first."""
    listed = [
        (
            c.error,
            {
                "name": c.entry.name,
                "score": rounded(c.error) if c.error != float("inf") else None,
                "score_std": rounded(c.score_std),
                "fit_seconds": round(c.fit_seconds, 3),
                "predict_ms_per_row": round(c.predict_ms, 6),
                "kind": "baseline" if c.entry.kind == BASELINE else c.entry.kind,
            },
        )
        for c in candidates
    ]
    if ensemble is not None:
        listed.append((ensemble.pop("error"), ensemble))
    listed.sort(key=lambda pair: pair[0])
    return [{"rank": rank, **row} for rank, (_, row) in enumerate(listed, start=1)]
