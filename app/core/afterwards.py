"""What a request leaves to be done right after its answer; who wants to see it done waits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

logger = logging.getLogger(__name__)

ROOM = 100


class Afterwards:
    """One thread that does things in the order of their coming; it starts with the first.

    Unlike an errand (:mod:`app.core.errands`) nothing is dropped: where too much waits, the
    caller does it itself, and :meth:`close` does what still waits.
    """

    def __init__(self, name: str, room: int = ROOM) -> None:
        """``name`` is the thread's; ``room`` is how many things may wait."""
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._room = threading.BoundedSemaphore(room)

    def leave(self, work: Callable[[], object]) -> None:
        """Have ``work`` done soon; an error of it is logged."""
        if not self._room.acquire(blocking=False):
            _do(work)
            return
        try:
            self._pool.submit(self._done, work)
        except RuntimeError:  # closed: the process is about to end
            self._room.release()
            _do(work)

    def settle(self) -> None:
        """Wait until all is done that was left before."""
        try:
            self._pool.submit(_nothing).result()
        except RuntimeError:  # closed: all is done
            return

    def close(self) -> None:
        """Do what still waits, and let the thread go."""
        self._pool.shutdown(wait=True)

    def _done(self, work: Callable[[], object]) -> None:
        try:
            _do(work)
        finally:
            self._room.release()


def _do(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception as error:
        logger.warning("after an answer: %s: %s", type(error).__name__, error)


def _nothing() -> None:
    pass
