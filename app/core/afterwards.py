"""What requests leave to be done right after their answers; who wants to see it done waits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")
# The second is given a list of the first.
Together = Callable[[Sequence[T]], object]

ROOM = 100
GATHER_S = 0.05


class Afterwards:
    """One thread that does things in the order of their coming; it starts with the first.

    Things of one key that come within a moment are done together: of what they cost, most is
    the same for one and for many. Unlike an errand (:mod:`app.core.errands`) nothing is dropped:
    where too much waits, the caller does it itself, and :meth:`close` does what still waits.
    """

    def __init__(self, name: str, room: int = ROOM, gather_s: float = GATHER_S) -> None:
        """``name`` is the thread's; ``room`` is how many things may wait, and ``gather_s`` for
        how many seconds the first of them does."""
        self._name = name
        self._room = room
        self._gather_s = gather_s
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, tuple[Together[Any], list[Any]]] = {}
        self._left = self._done = self._wanted = 0
        self._closed = False
        self._thread: threading.Thread | None = None

    def leave(self, key: Hashable, item: T, together: Together[T]) -> None:
        """Have ``together`` called soon with ``item``, and with what else was left under ``key``
        till then; an error of it is logged. One key has one ``together``."""
        with self._changed:
            mine = self._closed or self._left - self._done >= self._room
            if not mine:
                first = not self._waiting
                self._waiting.setdefault(key, (together, []))[1].append(item)
                self._left += 1
                if self._thread is None:
                    # A process that ends without closing does not wait for it.
                    self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                    self._thread.start()
                if first:
                    self._changed.notify_all()
        if mine:
            _do(together, [item])

    def settle(self) -> None:
        """Wait until all is done that was left before."""
        with self._changed:
            goal = self._left
            self._wanted = max(self._wanted, goal)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._done >= goal)

    def close(self) -> None:
        """Do what still waits, and let the thread go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while groups := self._gathered():
            for together, items in groups:
                _do(together, items)
            with self._changed:
                self._done += sum(len(items) for _, items in groups)
                self._changed.notify_all()

    def _gathered(self) -> list[tuple[Together[Any], list[Any]]]:
        """What is to be done next; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._changed.wait_for(
                lambda: self._closed or self._wanted > self._done, timeout=self._gather_s
            )
            groups, self._waiting = list(self._waiting.values()), {}
        return groups


def _do(together: Together[T], items: list[T]) -> None:
    try:
        together(items)
    except Exception as error:
        logger.warning("after an answer: %s: %s", type(error).__name__, error)
