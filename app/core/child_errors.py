"""How a child can end without a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ChildError(Exception):
    """A child ended without a result; ``code`` says how, the message is fit for a user."""

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details: dict[str, Any] = dict(details or {})


class ChildCrashed(ChildError):
    """The child died or failed in a way nobody foresaw; ``log`` is the end of its stderr."""

    def __init__(self, message: str, log: str = "", code: str = "crashed") -> None:
        super().__init__(code, message)
        self.log = log


class ChildOutOfMemory(ChildError):
    """The child needed more memory than its limit."""

    def __init__(self, memory_mb: int) -> None:
        super().__init__("out_of_memory", f"it needed more than {memory_mb} MB of memory")


class ChildTimeout(ChildError):
    """The child took longer than its deadline."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__("timeout", f"it took longer than {timeout_s:.0f} s")


class ChildDiskFull(ChildError):
    """There was no room on the disk for what the child wrote; with room it may succeed."""

    def __init__(self) -> None:
        super().__init__("disk_full", "there is no room left on the disk")


class ChildStalled(ChildTimeout):
    """The child stood still: stopped, deadlocked, or waiting for what never comes."""

    def __init__(self, stall_s: float) -> None:
        ChildError.__init__(self, "timeout", f"it stood still for {stall_s:g} s")


class ChildStopped(ChildError):
    """The caller asked for the end, through its stop event."""

    def __init__(self) -> None:
        super().__init__("stopped", "it was stopped")
