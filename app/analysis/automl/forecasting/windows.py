"""Rolling origins: times at which the past is cut off, and what came then judges.

The last horizon is the holdout: it is foretold by every candidate and looked at once, when the
choice is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.analysis.automl.forecasting.panel import LEAST_TIMES, Panel
from app.analysis.errors import HopelessTable

Array = npt.NDArray[Any]

SHARE = 0.1
"""Origins lie as late as possible, as long as they have this share of what the best time to end has
to judge by."""


@dataclass(frozen=True, slots=True)
class Windows:
    """``cuts`` are the first times that are not known, oldest first; each is followed by
    ``horizon`` times that judge, before ``end`` all. With ``held`` the last horizon before that is
    beside them, cut at :attr:`last`, and judges once. ``later`` times of the calendar follow."""

    cuts: tuple[int, ...]
    horizon: int
    end: int
    held: bool
    later: int = 0

    @property
    def last(self) -> int:
        """Where the holdout begins."""
        return self.end - self.horizon

    @property
    def all(self) -> tuple[int, ...]:
        """All cuts, the holdout's last."""
        return (*self.cuts, self.last) if self.held else self.cuts

    def told(self) -> str:
        """How it is judged, in a sentence."""
        many = len(self.cuts)
        choose = f"{many} rolling origins choose" if many > 1 else "one origin chooses"
        last = (
            f"the last {self.horizon:,} times judge once at the end"
            if self.held
            else "too few times for a holdout"
        )
        told = (
            f"The past was cut off and the {self.horizon:,} times after it foretold: {choose}, "
            f"{last}. Nothing later than an origin was known at it."
        )
        if self.later:
            told += (
                f" The last {self.later:,} times of the calendar hold too little to judge by; it "
                "was done before them."
            )
        return told


def plan_windows(panel: Panel, horizon: int, budget_s: float, asked: int | None) -> Windows:
    """The origins for these series. Raises ``HopelessTable`` for a horizon that is too long."""
    longest = int((panel.end - panel.start).max())
    most = longest - LEAST_TIMES
    if horizon > max(1, most):
        raise HopelessTable(
            f"{horizon:,} steps cannot be foretold from {longest:,} times; ask for a horizon of "
            f"{max(1, most // 2):,} at most."
        )
    close = _close(panel, horizon)
    longest = int((close - panel.start)[alive(panel, close - horizon)].max())
    held = longest - 2 * horizon >= max(LEAST_TIMES, longest // 3)
    # At the oldest origin half of the history is known: with less, models that learn are not
    # what they will be.
    least = max(LEAST_TIMES, longest // 2)
    end = close - horizon if held else close
    room = longest - (close - end) - horizon - least
    wanted = asked or usual_windows(panel.series, budget_s)
    stride = max(1, min(horizon, room // max(1, wanted - 1)))
    count = 1 + max(0, min(wanted - 1, room // stride))
    cuts = tuple(end - horizon - stride * k for k in reversed(range(count)))
    return Windows(cuts, horizon, close, held, panel.times - close)


def _close(panel: Panel, horizon: int) -> int:
    """Where the times that judge end: the latest end of a series with enough to judge by, as a
    newcomer that goes on alone is no measure for all others."""
    ends = np.unique(panel.end)
    sizes = np.zeros(ends.size)
    for k, end in enumerate(ends.tolist()):
        cut = end - horizon
        mine = alive(panel, cut)
        sizes[k] = ((cut - panel.start) * (np.minimum(panel.end, end) - cut))[mine].sum()
    return int(ends[sizes >= SHARE * sizes.max()][-1])


def usual_windows(series: int, budget_s: float) -> int:
    """How many origins suit so many series: a single one needs many for a steady choice."""
    count = next(n for most, n in ((5, 8), (50, 5), (1_000, 3), (10**9, 2)) if series <= most)
    return min(count, 4) if budget_s < 25 else count


def truths(panel: Panel, cut: int, horizon: int) -> Array:
    """(series, horizon) what the table held after a cut; NaN where it held nothing, or where a
    series had ended or not begun by then."""
    y = np.where(panel.seen, panel.y, np.nan)[:, cut : cut + horizon]
    return np.where(alive(panel, cut)[:, None], y, np.nan)


def alive(panel: Panel, cut: int) -> Array:
    """(series,) which have some history at a cut, and go on after it."""
    return np.asarray((panel.end > cut) & (cut - panel.start >= LEAST_TIMES // 2))
