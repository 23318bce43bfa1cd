"""The time budget: what is planned by counted work, and what the wall clock enforces.

Decisions (which candidate still fits, how fine its steps may be) follow *planned* seconds:
work counted in rounds, rows and columns, and priced by fixed constants. The same table, seed
and options therefore lead to the same plan on any day. The wall clock only cuts a plan that
runs late; :attr:`Budget.cut` then says that the result may differ from a repetition.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class OutOfTime(Exception):
    """A fit was stopped because the wall clock ran out before it had anything to show."""


FINISHING_S = 6.0
"""Once somebody asked to finish, wall seconds for all that is left: final fits, importances,
charts, writing."""
SLOW = 1.5
"""From this pace on the plan is made by the clock, and may differ from day to day."""
MOST_TAIL = 0.3
"""Of the budget, what follows the models is kept at most so much, however slow the machine is."""
LAST_S = 1.5
"""Planned seconds for charts and writing, which no final fit may use."""


@dataclass(slots=True)
class Budget:
    """``seconds`` of wall time from ``started``, of which the last ``tail`` belong to what
    follows the models: importances, charts, writing. ``reserve`` is planned time kept for
    final fits while the search goes on. ``lost`` are wall seconds that no plan counts: those before
    it began, and those of an attempt that was ended, after the last that it kept. ``probed`` is the
    pace that a first trial showed. ``now`` is injectable, for tests.

    ``finish`` asks whether somebody wants the best so far now. It is heeded from the moment that
    there is something better than the baseline, which :meth:`has_model` says.
    """

    seconds: float
    started: float
    tail: float
    now: Callable[[], float] = time.monotonic
    spent: float = 0.0
    reserve: float = 0.0
    lost: float = 0.0
    probed: float = 1.0
    cut: bool = False
    finish: Callable[[], bool] = lambda: False
    finished_at: float | None = None
    searching: bool = True
    _model: bool = False

    def has_model(self) -> None:
        """Note that there is something to keep when somebody asks to finish."""
        self._model = True

    def finishing(self) -> bool:
        """Whether somebody asked to finish; from then on :data:`FINISHING_S` are left at most."""
        if self.finished_at is None and self._model and self.finish():
            self.finished_at = self.elapsed
            self.seconds = min(self.seconds, self.finished_at + FINISHING_S)
            self.cut = True
        return self.finished_at is not None

    def charge(self, planned: float) -> None:
        """Note work worth that many planned seconds."""
        self.spent += planned

    @property
    def planned_left(self) -> float:
        """Planned seconds that may still be used beside the reserve."""
        return self.seconds - self.tail - self.reserve - self.spent

    @property
    def elapsed(self) -> float:
        """Wall seconds since the start."""
        return self.now() - self.started

    @property
    def worked(self) -> float:
        """Wall seconds since the start that went into the plan."""
        return self.elapsed - self.lost

    def begin(self) -> None:
        """The plan begins: what has gone by says nothing of the machine's pace."""
        self.lost = self.elapsed

    def resume(self, planned: float, worked: float, *, cut: bool) -> None:
        """Go on with a plan that had come so far, in so many seconds of wall time; what has
        gone by beside them is lost, and says nothing of the machine's pace."""
        self.spent = planned
        self.lost = max(0.0, self.elapsed - worked)
        self.cut = self.cut or cut

    @property
    def pace(self) -> float:
        """How many wall seconds a planned one takes here, at least 1; what was probed until enough
        is known."""
        return max(1.0, self.worked / self.spent if self.spent > 2 else self.probed)

    def drawn_out(self, planned: float) -> float:
        """Wall seconds that so many planned ones take where the machine is slow; else as many."""
        return planned * self.pace if self.pace > SLOW else planned

    @property
    def wall_left(self) -> float:
        """Wall seconds until work must end so that reserve and tail still fit."""
        tail = min(self.drawn_out(self.tail), max(self.tail, MOST_TAIL * self.seconds))
        return self.seconds - tail - self.reserve * self.pace - self.elapsed

    @property
    def last_call(self) -> float:
        """Wall seconds that final fits may take, and after them whatever else is not the last."""
        return self.seconds - self.elapsed - self.drawn_out(min(self.tail, LAST_S))

    def open_reserve(self) -> None:
        """The search is over: final fits may use what was kept, and most of the tail."""
        self.searching = False
        self.reserve = 0.0
        self.tail = min(self.tail, LAST_S)

    def allowance(self, share: float) -> Callable[[], bool]:
        """Asks whether that share of the wall time left now is used up, or all of it is.

        So a fit that turns out far slower than planned cannot eat what others need.
        """
        return self.within(self.allowed(share))

    def within(self, seconds: float) -> Callable[[], bool]:
        """Asks whether so many wall seconds from now are used up, or all of them are."""
        until = self.elapsed + seconds

        def over() -> bool:
            if self.elapsed > until:
                self.cut = True
            return self.elapsed > until or self.expired()

        return over

    def allowed(self, share: float) -> float:
        """That share of the wall seconds left now."""
        return share * max(0.0, self.wall_left)

    def afforded(self, plan: Callable[[float], T]) -> T:
        """What ``plan`` makes of the planned seconds that may still be used; on a machine that is
        much slower than planned for, of those that the clock still allows. Where it makes
        something else of these, the plan is marked as cut."""
        wanted = plan(self.planned_left)
        by_clock = self.wall_left / self.pace
        if self.pace <= SLOW or by_clock >= self.planned_left:
            return wanted
        made = plan(by_clock)
        self.cut = self.cut or made != wanted
        return made

    def expired(self) -> bool:
        """Whether the clock has run out, or the search is to finish; asking after that marks the
        plan as cut."""
        if self.finishing() and self.searching:
            return True
        if self.wall_left > 0:
            return False
        self.cut = True
        return True
