"""What a request leaves to a thread, because it may have to wait for a broker that is away.

The caller goes on at once. An errand that is lost, with its process or because too many wait,
is one that somebody makes up for: a run that was not sent is found by the beat, a bell that
was not rung by those who look for themselves every second.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

ROOM = 1000


class Errands:
    """One thread that runs errands in the order of their coming; it starts with the first."""

    def __init__(self, name: str, room: int = ROOM) -> None:
        """``name`` is the thread's; ``room`` is how many errands may wait."""
        self._name = name
        self._room = room
        self._waiting: dict[str, Callable[[], object]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def leave(self, key: str, errand: Callable[[], object]) -> None:
        """Have ``errand`` done soon, once for all that leave it under one ``key`` meanwhile.

        Never waits; what there is no room for is dropped.
        """
        with self._changed:
            if key not in self._waiting and len(self._waiting) >= self._room:
                logger.warning("%s: no room for %s", self._name, key)
                return
            self._waiting[key] = errand
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                key = next(iter(self._waiting))
                errand = self._waiting.pop(key)
            try:
                errand()
            except Exception as error:
                logger.warning("%s: %s: %s", self._name, key, type(error).__name__)
