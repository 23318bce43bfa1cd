"""Warm children for predictions: started at the first call, kept, and let go when idle."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from app.core.child_errors import ChildCrashed
from app.core.sandbox import Child

IDLE_S = 900.0


class PredictorPool:
    """A few children that keep models loaded; a call goes to one that is free.

    The children import the heavy libraries once; which models stay loaded is theirs to
    decide. A child that crashed is replaced, and the call made once more. After ``idle_s``
    seconds without a call all are let go.
    """

    def __init__(self, size: int = 1, memory_mb: int = 0, idle_s: float = IDLE_S) -> None:
        self._free: list[Child] = []
        self._places = threading.BoundedSemaphore(size)
        self._guard = threading.Lock()
        self._memory_mb = memory_mb
        self._last_used = time.monotonic()
        self._idle_s = idle_s
        self._closed = threading.Event()
        self._janitor: threading.Thread | None = None

    def call(self, target: str, params: Mapping[str, Any], *, timeout_s: float) -> dict[str, Any]:
        """Run ``target`` in a warm child. Raises :class:`app.core.child_errors.ChildError`."""
        with self._places:
            child = self._take(target)
            try:
                return child.call(target, params, timeout_s=timeout_s)
            except ChildCrashed:
                if child.alive:
                    raise
                child.close()
                child = Child(memory_mb=self._memory_mb, job=target)
                return child.call(target, params, timeout_s=timeout_s)
            finally:
                self._give_back(child)

    def _take(self, target: str) -> Child:
        with self._guard:
            self._last_used = time.monotonic()
            if self._janitor is None:
                self._janitor = threading.Thread(target=self._tidy, name="pool", daemon=True)
                self._janitor.start()
            while self._free:
                child = self._free.pop()
                if child.alive:
                    return child
                child.close()
        return Child(memory_mb=self._memory_mb, job=target)

    def _give_back(self, child: Child) -> None:
        with self._guard:
            self._last_used = time.monotonic()
            if child.alive and not self._closed.is_set():
                self._free.append(child)
                return
        child.close()

    def _tidy(self) -> None:
        while not self._closed.wait(self._idle_s / 10):
            self.let_go_if_idle(self._idle_s)

    def let_go_if_idle(self, idle_s: float) -> bool:
        """Close the children when none was called for ``idle_s`` seconds."""
        with self._guard:
            if not self._free or time.monotonic() - self._last_used < idle_s:
                return False
            children, self._free = self._free, []
        for child in children:
            child.close()
        return True

    def close(self) -> None:
        """Let every child go; for the end of the process."""
        with self._guard:
            self._closed.set()
            children, self._free = self._free, []
        for child in children:
            child.close()
