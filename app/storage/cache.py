"""Stored objects kept as local files, so that a warm model or table is fetched once.

A file's name is its SHA-256, its modification time that of the object, its access time the
moment when it was last asked for: nothing else needs to be remembered, and several processes
may share one directory.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from app.storage.base import ObjectInfo, Storage, StorageCorrupted, StorageUnavailable

# A path just handed out is about to be opened: it stays even when the cache is too full.
SPARED_SECONDS = 120.0
_STRIPES = 16


class LocalCache:
    """Objects as files under ``directory``, together about ``max_bytes`` at most.

    When they are more, those asked for longest ago go first; a file that was asked for in the
    last two minutes stays even then.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        # Two who want the same object at once fetch it once; others rarely wait for them.
        self._fetching = tuple(threading.Lock() for _ in range(_STRIPES))

    def path_for(self, storage: Storage, bucket: str, key: str, sha256: str | None = None) -> Path:
        """The object as a local file, its bytes verified when they were fetched.

        The backend is asked each time whether the object is still the same; only a new or a
        changed one is fetched. ``sha256`` is the hash that the caller recorded.

        Raises :class:`app.storage.base.ObjectMissing`, :class:`StorageCorrupted` when the
        object is not the recorded one or its bytes changed, and :class:`StorageUnavailable`
        when the backend is away or there is no room for the file.
        """
        info = storage.stat(bucket, key)
        if sha256 is not None and info.sha256 != sha256:
            raise StorageCorrupted("an object is not the one that was recorded")
        path = self._directory / info.sha256
        with self._fetching[int(info.sha256[0], 16) % _STRIPES]:
            if not _touch(path, info):
                self._fetch(storage, bucket, key, path, info)
        return path

    def _fetch(self, storage: Storage, bucket: str, key: str, path: Path, info: ObjectInfo) -> None:
        # A name of its own: another process may be fetching the same object.
        arriving = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            storage.fetch_to(bucket, key, arriving, info.sha256)
            os.utime(arriving, (time.time(), info.modified.timestamp()))
            arriving.replace(path)
        except OSError as error:
            raise StorageUnavailable("there is no room for a local copy of an object") from error
        finally:
            arriving.unlink(missing_ok=True)
        self._evict(path)

    def _evict(self, newest: Path) -> None:
        files = sorted(_files(self._directory))
        excess = sum(size for _, size, _ in files) - self._max_bytes
        spared = time.time() - SPARED_SECONDS
        for asked_for, size, path in files:
            if excess <= 0 or asked_for > spared:
                return
            if path != newest:
                path.unlink(missing_ok=True)
                excess -= size


def _files(directory: Path) -> Iterator[tuple[float, int, Path]]:
    """When each file was last asked for, its size, and where it is."""
    for path in directory.iterdir():
        with suppress(FileNotFoundError):
            found = path.stat()
            yield found.st_atime, found.st_size, path


def _touch(path: Path, info: ObjectInfo) -> bool:
    """Note that the file is asked for; ``False`` when it is not there or of another time."""
    try:
        found = path.stat()
        # Through floating point a file's time comes back within less than a millisecond.
        same_time = abs(found.st_mtime - info.modified.timestamp()) < 1e-3
        if same_time and found.st_size == info.size:
            os.utime(path, ns=(time.time_ns(), found.st_mtime_ns))
            return True
    except FileNotFoundError:
        pass
    return False


@lru_cache(maxsize=32)
def open_cache(directory: Path, max_bytes: int) -> LocalCache:
    """The process's one cache for ``directory``."""
    return LocalCache(directory, max_bytes)
