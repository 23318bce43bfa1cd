"""How a long computation tells its caller how far it is."""

from __future__ import annotations

from typing import Any, Protocol


class Progress(Protocol):
    """Called by a job as it goes on; must be cheap and must not raise."""

    def __call__(
        self,
        fraction: float,
        message: str = "",
        *,
        level: str = "INFO",
        leaderboard: dict[str, Any] | None = None,
    ) -> None:
        """Report that ``fraction`` (0 to 1, never falling) of the job is done.

        A ``message`` is a line of the run's log, its ``level`` one of ``INFO``, ``WARNING``
        or ``ERROR``; without one only the bar moves. ``leaderboard`` is the ranking so far, in the
        form that it has at the end.
        """


def silent(
    fraction: float,
    message: str = "",
    *,
    level: str = "INFO",
    leaderboard: dict[str, Any] | None = None,
) -> None:
    """A :class:`Progress` that tells nobody."""
