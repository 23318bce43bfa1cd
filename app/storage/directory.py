"""Directories held by descriptors: names are resolved one at a time, never through a link."""

from __future__ import annotations

import errno
import os
import secrets
import stat as modes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from app.storage.errors import ObjectMissing, StorageError, StorageFull, StorageUnavailable

TEMPORARY = ".tmp-"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking, so that a pipe somebody put there cannot hang a reader.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG})


class Vanished(StorageError):
    """The directory was removed under our hands; try again from the top."""


@contextmanager
def disk() -> Iterator[None]:
    """Turn what the operating system says into this room's errors, without its paths."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("the disk is full") from error
        if error.errno == errno.EROFS:
            raise StorageUnavailable("the disk is read-only") from error
        reason = os.strerror(error.errno or errno.EIO).lower()
        raise StorageUnavailable(f"the disk answers: {reason}") from error


class Directory:
    """An open directory. Close it, or use it in a ``with`` block."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def bucket(cls, root: Path, name: str) -> Directory:
        """The bucket ``name`` under ``root``. Raises :class:`StorageUnavailable`."""
        with disk():
            try:
                return cls(os.open(root / name, _DIRECTORY))
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                raise StorageUnavailable(f"there is no bucket {name}") from None

    def enter(self, name: str, *, create: bool = False) -> Directory:
        """The directory ``name`` in this one, made if asked for.

        Raises :class:`ObjectMissing`; with ``create`` :class:`StorageError` when something
        else has that name, and :class:`Vanished`.
        """
        with disk():
            try:
                if create:
                    self._make(name)
                return Directory(os.open(name, _DIRECTORY, dir_fd=self.descriptor))
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                if not create:
                    raise ObjectMissing("there is no such object") from None
                if error.errno == errno.ENOENT:
                    raise Vanished("the directory was removed") from None
                raise StorageError("a part of this key is no directory") from None

    def _make(self, name: str) -> None:
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=self.descriptor)
            os.fsync(self.descriptor)

    def open_file(self, name: str) -> int:
        """A descriptor of the regular file ``name``. Raises :class:`ObjectMissing`."""
        with disk():
            try:
                descriptor = os.open(name, _READ, dir_fd=self.descriptor)
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                raise ObjectMissing("there is no such object") from None
            if not modes.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise ObjectMissing("there is no such object")
            return descriptor

    def new_file(self) -> NewFile:
        """A temporary file in this directory. Raises :class:`Vanished`."""
        with disk():
            try:
                return NewFile(self.descriptor)
            except FileNotFoundError:
                raise Vanished("the directory was removed") from None

    def remove(self, name: str) -> None:
        """Remove the file ``name``, durably; one that is not there is no error."""
        with disk():
            with suppress(FileNotFoundError, IsADirectoryError):
                os.unlink(name, dir_fd=self.descriptor)
            os.fsync(self.descriptor)

    def remove_if_empty(self, name: str) -> bool:
        """Remove the directory ``name`` unless it holds something; whether it is gone."""
        try:
            os.rmdir(name, dir_fd=self.descriptor)
        except OSError:
            return False
        return True

    def names(self) -> list[str]:
        """What is in it but hidden names, sorted as keys: a directory ends with ``/``."""
        with disk(), os.scandir(self.descriptor) as entries:
            return sorted(
                entry.name + "/" * entry.is_dir(follow_symlinks=False)
                for entry in entries
                if not entry.name.startswith(".")
            )

    def close(self) -> None:
        """Let the descriptor go."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Directory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class NewFile:
    """A temporary file, which becomes an object when it is published. May raise ``OSError``."""

    def __init__(self, folder: int) -> None:
        self._name = TEMPORARY + secrets.token_hex(8)
        self._published = False
        self._descriptor = os.open(self._name, _CREATE, 0o600, dir_fd=folder)
        # Its own: the file outlives the block that found the directory.
        self._folder = os.dup(folder)

    def write(self, data: bytes) -> None:
        """Append ``data``, all of it."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def publish(self, name: str) -> None:
        """Give the file its name: synced, closed, renamed, and the directory synced.

        Closing may be where a full disk shows, so its error counts.
        """
        os.fsync(self._descriptor)
        self._close()
        os.rename(self._name, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._published = True
        os.fsync(self._folder)

    def discard(self) -> None:
        """Remove the file unless it was published; the last thing to do with it."""
        with suppress(OSError):
            self._close()
        if not self._published:
            with suppress(OSError):
                os.unlink(self._name, dir_fd=self._folder)
        os.close(self._folder)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
