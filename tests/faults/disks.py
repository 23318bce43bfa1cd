"""Small disks, which tests fill up or make read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def _as_root(*command: str) -> None:
    """Run a command as root: mounting needs it, and a runner of CI may ask without a password."""
    sudo = () if os.geteuid() == 0 else ("sudo", "--non-interactive")
    subprocess.run([*sudo, *command], check=True)


@contextmanager
def small_disk(path: Path, megabytes: int, owner: int | None = None) -> Iterator[Path]:
    """A disk of its own at ``path``, in memory; of the user ``owner``, else of this one."""
    path.mkdir()
    options = f"size={megabytes}m,mode=0700,uid={os.geteuid() if owner is None else owner}"
    _as_root("mount", "-t", "tmpfs", "-o", options, "uam-test", str(path))
    try:
        yield path
    finally:
        _as_root("umount", "--lazy", str(path))


@contextmanager
def filled(disk: Path, left: int = 0) -> Iterator[None]:
    """No more than ``left`` bytes are free in the block."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        # In pieces, until there is no room: others write at the same time.
        while (room := _free(disk) - left) > 0:
            file.write(bytes(min(room, 1024 * 1024)))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """A directory, with all that is in it, may only be read in the block."""
    _as_root("mount", "--bind", str(directory), str(directory))
    try:
        _as_root("mount", "-o", "remount,ro,bind", str(directory))
        yield
    finally:
        _as_root("umount", "--lazy", str(directory))


def _free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize
