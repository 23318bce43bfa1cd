"""Room for one installation: idle ones still renew, sweep and beat, every second or so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any


class Premises:
    """Keeps the installation that was asked for last, and closes it for another one."""

    def __init__(self) -> None:
        self._closing = ExitStack()
        self._name = ""
        self._there: Any = None

    def of(self, name: str, opened: Callable[[], AbstractContextManager[Any]]) -> Any:
        """What ``opened`` opens, kept under ``name`` until another name is asked for."""
        if name != self._name:
            self.leave()
            self._there = self._closing.enter_context(opened())
            self._name = name
        return self._there

    def leave(self) -> None:
        """Close what is there."""
        self._name, self._there = "", None
        self._closing.close()
