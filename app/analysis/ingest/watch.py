"""How far a long read is, told now and then: for whoever watches, and so that it is not taken to hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app.analysis.progress import Progress

if TYPE_CHECKING:
    import duckdb

# How often the engine is asked.
_PAUSE_S = 0.5
# A line of the log at every tenth, but no two within so many seconds, nor one before.
_STEP, _QUIET_S = 0.1, 5.0


class Stretch:
    """A part of a job, from ``start`` to ``end`` of it, that reads about ``rows`` rows.

    Called with the share of the part that is done, it moves the bar and at times tells a line.
    """

    def __init__(
        self,
        progress: Progress,
        start: float,
        end: float,
        doing: str,
        rows: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress, self._start, self._end = progress, start, end
        self._doing, self._rows, self._clock = doing, rows, clock
        self._reached = self._told = 0.0
        self._spoke = clock()

    def __call__(self, share: float) -> None:
        """``share`` (0 to 1) is done; one that falls, as of a second try, is not told."""
        share = min(share, 1.0)
        if share <= self._reached:
            return
        self._reached = share
        message, now = "", self._clock()
        if share - self._told >= _STEP and now - self._spoke >= _QUIET_S:
            self._told, self._spoke = share, now
            rows = f", about {self._rows * share:,.0f} rows" if self._rows else ""
            message = f"{self._doing}: {share:.0%}{rows}"
        self._progress(self._start + (self._end - self._start) * share, message)


def rising(progress: Progress) -> Progress:
    """The same, with what would fall held where it was."""
    reached = 0.0

    def tell(
        fraction: float,
        message: str = "",
        *,
        level: str = "INFO",
        leaderboard: dict[str, Any] | None = None,
    ) -> None:
        nonlocal reached
        reached = max(reached, fraction)
        progress(reached, message, level=level, leaderboard=leaderboard)

    return tell


@contextmanager
def watched(connection: duckdb.DuckDBPyConnection, stretch: Stretch) -> Iterator[None]:
    """Tell of the query that the engine is busy with inside."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_PAUSE_S):
            percent = connection.query_progress()  # −1 where it cannot tell
            if percent > 0:
                stretch(percent / 100)

    thread = threading.Thread(target=look, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
