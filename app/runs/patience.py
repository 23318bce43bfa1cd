"""Waiting for a storage that is away or full: what a stage has computed is worth a while."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TypeVar

from app.core.child_errors import ChildDiskFull, ChildStopped
from app.storage.base import ObjectMissing, StorageCorrupted, StorageError, StorageFull

T = TypeVar("T")

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
PATIENCE_S = 600.0
LOOK_S = 0.2
# Bytes may have been damaged on the way; a stored object that is damaged stays so.
TRIES_OF_DAMAGED = 2
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def patiently(
    action: Callable[[], T],
    *,
    stop: Callable[[], bool],
    tell: Callable[[str], None],
    patience_s: float = PATIENCE_S,
) -> T:
    """What ``action`` returns, tried again with growing pauses while the storage is away or full.

    ``tell`` hears once why there is a wait, in a sentence. Raises what the action raised when
    waiting does not help or ``patience_s`` seconds are over, and :class:`ChildStopped` as soon
    as ``stop`` says so.
    """
    deadline = time.monotonic() + patience_s
    pause, failures = FIRST_PAUSE_S, 0
    while True:
        try:
            return action()
        except (StorageError, ChildDiskFull, OSError) as error:
            failures += 1
            if not _may_pass(error, failures) or time.monotonic() + pause > deadline:
                raise
            if failures == 1:
                tell(_reason(error))
        _rest(pause, stop)
        pause = min(LONGEST_PAUSE_S, pause * 2)


def _may_pass(error: Exception, failures: int) -> bool:
    if isinstance(error, ObjectMissing):
        return False
    if isinstance(error, StorageCorrupted):
        return failures < TRIES_OF_DAMAGED
    return not isinstance(error, OSError) or error.errno in _NO_ROOM


def _reason(error: Exception) -> str:
    if isinstance(error, StorageFull | ChildDiskFull | OSError):
        return "There is no room left on the disk; waiting for some."
    if isinstance(error, StorageCorrupted):
        return "A stored object arrived damaged; fetching it again."
    return "The storage cannot be reached; waiting for it."


def _rest(seconds: float, stop: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if stop():
            raise ChildStopped
        time.sleep(min(LOOK_S, left))
