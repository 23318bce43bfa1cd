"""Threads of their own for slow work, so that it never takes those of quick requests.

A request that waits for its turn in a lane waits on the event loop and holds no thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    """At most ``width`` calls at once; the others wait in the order of their coming."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._limiter: CapacityLimiter | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a blocking function in a thread of this lane."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._width)
        return await anyio.to_thread.run_sync(
            partial(function, *args, **kwargs), limiter=self._limiter
        )
