"""Scratch space: directories for one job's files, which nobody inherits.

Every process keeps its own directory in the system's temporary one (``TMPDIR``) and holds a
lock on it for as long as it lives. What a killed process leaves behind is told by the lock,
which the kernel let go, and swept by whoever comes next: no process numbers are compared, so
that several containers may share one volume.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import shutil
import stat
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

PREFIX = "uam-scratch-"
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class _Own:
    """The directory of one process. ``pid`` tells a fork that it is its parent's, not its own."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.path, self._lock = _make()
        atexit.register(_remove, self.pid, self.path)

    @property
    def usable(self) -> bool:
        """Whether it is this process's, and nobody cleared the temporary directory."""
        return self.pid == os.getpid() and self.path.is_dir()


def _make() -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX))
        with suppress(FileNotFoundError):
            lock = os.open(path, _OPEN)
            fcntl.flock(lock, fcntl.LOCK_EX)
            # A sweep may have taken it in the moment before it was locked.
            if path.is_dir() and os.path.samestat(path.stat(), os.fstat(lock)):
                return path, lock
            os.close(lock)


def _remove(pid: int, path: Path) -> None:
    if pid == os.getpid():
        shutil.rmtree(path, ignore_errors=True)


_guard = threading.Lock()
_own: _Own | None = None


def own_directory() -> Path:
    """This process's scratch directory, made at the first call; gone when the process is."""
    global _own  # noqa: PLW0603 - one for each process is the point
    with _guard:
        if _own is None or not _own.usable:
            _own = _Own()
        return _own.path


def new_directory() -> tempfile.TemporaryDirectory[str]:
    """A directory for one job's files, gone with all its content when the block ends."""
    return tempfile.TemporaryDirectory(dir=own_directory(), ignore_cleanup_errors=True)


def empty(directory: Path) -> None:
    """Remove what is in a directory, and leave the directory."""
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def sweep() -> int:
    """Remove what processes left that are gone; returns how many there were. Safe at any time."""
    parent = Path(tempfile.gettempdir())
    return sum(_removed_if_left(path) for path in parent.glob(f"{PREFIX}*"))


def _removed_if_left(path: Path) -> bool:
    """Remove ``path`` if it is this user's and nobody holds it."""
    try:
        descriptor = os.open(path, _OPEN)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    except OSError:
        # Its process lives.
        return False
    finally:
        os.close(descriptor)
    logger.info("removed scratch space that a process had left")
    return True
