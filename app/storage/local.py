"""Objects as files under one directory: the embedded default.

``ROOT/BUCKET/KEY`` holds an object's bytes followed by a footer with its size, SHA-256 and
metadata, so that bytes and metadata appear, change and vanish together, in one rename.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from app.storage import footer
from app.storage.base import STALE_SECONDS, Storage
from app.storage.directory import TEMPORARY, Directory, NewFile, Vanished, disk
from app.storage.errors import (
    LinkRefused,
    ObjectMissing,
    StorageCorrupted,
    StorageUnavailable,
)
from app.storage.links import Link, LinkSigner
from app.storage.naming import check_bucket, check_key, check_link, check_metadata, check_prefix
from app.storage.objects import ListedObject, ObjectInfo, StoredObject
from app.storage.streams import CHUNK_BYTES, Measure, ObjectStream, Readable, chunks_of

__all__ = ["LinkRefused", "LocalStorage", "SignedObject"]

_ATTEMPTS = 10


class SignedObject(NamedTuple):
    """What a signed link leads to."""

    stream: ObjectStream
    info: ObjectInfo
    filename: str
    content_type: str


class LocalStorage(Storage):
    """Storage in a directory, with signed links that UAM itself answers under ``/files/``.

    ``base_url`` is put before the links (none: they are paths). ``clock`` is Unix time.
    """

    def __init__(
        self,
        root: Path,
        signing_key: str,
        base_url: str = "",
        *,
        bucket: str = "artifacts",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.root = root
        self.bucket = bucket
        self._signer = LinkSigner(signing_key)
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self.ensure_bucket()

    def upload_fileobj(
        self, bucket: str, key: str, fileobj: Readable, metadata: Mapping[str, str] | None = None
    ) -> StoredObject:
        """See :meth:`Storage.upload_fileobj`. On disk, synced, when it returns."""
        check_key(key)
        kept = check_metadata(metadata or {})
        measure = Measure()
        with self._new_file(bucket, key) as file:
            for chunk in chunks_of(fileobj, measure):
                with disk():
                    file.write(chunk)
            with disk():
                file.write(footer.pack(measure.size, measure.sha256, kept))
                file.publish(_name(key))
        return StoredObject(key, measure.size, measure.sha256)

    def download_stream(self, bucket: str, key: str, start: int = 0) -> ObjectStream:
        """See :meth:`Storage.download_stream`."""
        if start < 0:
            raise ValueError("start is 0 or more")
        descriptor = self._open(bucket, key)
        try:
            info = footer.read_info(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        chunks = _chunks(descriptor, start, info.size)
        return ObjectStream(chunks, info, lambda: os.close(descriptor), start)

    def stat(self, bucket: str, key: str) -> ObjectInfo:
        """See :meth:`Storage.stat`. Raises :class:`StorageCorrupted` for a file that was cut."""
        descriptor = self._open(bucket, key)
        try:
            return footer.read_info(descriptor)
        finally:
            os.close(descriptor)

    def presign_url(
        self,
        bucket: str,
        key: str,
        expiry_seconds: int = 3600,
        filename: str | None = None,
        content_type: str | None = None,
    ) -> str:
        """See :meth:`Storage.presign_url`."""
        check_bucket(bucket)
        check_key(key)
        filename = filename or _name(key)
        content_type = content_type or "application/octet-stream"
        check_link(filename, content_type, expiry_seconds)
        # Whole seconds, one too many rather than one too few.
        expires = int(self._clock()) + expiry_seconds + 1
        link = Link(bucket, key, filename, content_type, expires)
        return self._base_url + self._signer.path(link)

    def open_signed(self, path: str, start: int = 0) -> SignedObject:
        """What a link's decoded path leads to, open for reading from offset ``start``.

        Raises :class:`LinkRefused` when any part was changed or the time is over, and
        :class:`ObjectMissing` when the object is gone.
        """
        link = self._signer.read(path, self._clock())
        stream = self.download_stream(link.bucket, link.key, start)
        return SignedObject(stream, stream.info, link.filename, link.content_type)

    def list_prefix(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See :meth:`Storage.list_prefix`."""
        check_prefix(prefix)
        parents = prefix.rpartition("/")[0]
        base = f"{parents}/" if parents else ""
        with suppress(ObjectMissing), self._folder(bucket, base.split("/")[:-1]) as folder:
            yield from _walk(folder, base, prefix)

    def delete(self, bucket: str, key: str) -> None:
        """See :meth:`Storage.delete`. Directories that it leaves empty go too."""
        check_key(key)
        parts = key.split("/")
        with suppress(ObjectMissing):
            with self._folder(bucket, parts[:-1]) as folder:
                folder.remove(parts[-1])
            self._prune(bucket, parts[:-1])

    def ensure_bucket(self, bucket: str | None = None) -> None:
        """See :meth:`Storage.ensure_bucket`."""
        name = bucket or self.bucket
        check_bucket(name)
        with disk():
            (self.root / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def check(self) -> None:
        """See :meth:`Storage.check`: a file can be made and written."""
        with self._new_file(self.bucket, "check") as file, disk():
            file.write(b"check")

    def sweep(self, older_than_seconds: float = STALE_SECONDS) -> int:
        """See :meth:`Storage.sweep`: temporary files that nobody writes any more."""
        removed = 0
        oldest = self._clock() - older_than_seconds
        with disk():
            for _, _, names, folder in os.fwalk(self.root, follow_symlinks=False):
                stale = [name for name in names if name.startswith(TEMPORARY)]
                removed += sum(_remove_older(folder, name, oldest) for name in stale)
        return removed

    @contextmanager
    def _folder(
        self, bucket: str, parts: list[str], *, create: bool = False
    ) -> Iterator[Directory]:
        check_bucket(bucket)
        folder = Directory.bucket(self.root, bucket)
        try:
            for part in parts:
                outer, folder = folder, folder.enter(part, create=create)
                outer.close()
            yield folder
        finally:
            folder.close()

    def _open(self, bucket: str, key: str) -> int:
        check_key(key)
        parts = key.split("/")
        with self._folder(bucket, parts[:-1]) as folder:
            return folder.open_file(parts[-1])

    @contextmanager
    def _new_file(self, bucket: str, key: str) -> Iterator[NewFile]:
        """A temporary file in the directory where ``key`` belongs; gone unless published."""
        for _ in range(_ATTEMPTS):
            # A directory may be pruned between its making and our first file in it.
            with (
                suppress(Vanished),
                self._folder(bucket, key.split("/")[:-1], create=True) as folder,
            ):
                file = folder.new_file()
                break
        else:
            raise StorageUnavailable("the directory keeps vanishing")
        try:
            yield file
        finally:
            file.discard()

    def _prune(self, bucket: str, parts: list[str]) -> None:
        """Remove the directories that are empty, from the deepest up."""
        for depth in range(len(parts), 0, -1):
            with self._folder(bucket, parts[: depth - 1]) as folder:
                if not folder.remove_if_empty(parts[depth - 1]):
                    return


def _remove_older(folder: int, name: str, oldest: float) -> bool:
    with suppress(FileNotFoundError):
        if os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime < oldest:
            os.unlink(name, dir_fd=folder)
            return True
    return False


def _walk(folder: Directory, base: str, prefix: str) -> Iterator[ListedObject]:
    for name in folder.names():
        key = base + name
        if not name.endswith("/"):
            if key.startswith(prefix) and (listed := _listed(folder, name, key)):
                yield listed
        elif key.startswith(prefix) or prefix.startswith(key):
            with suppress(ObjectMissing), folder.enter(name[:-1]) as deeper:
                yield from _walk(deeper, key, prefix)


def _listed(folder: Directory, name: str, key: str) -> ListedObject | None:
    """A line of the listing; ``None`` for what is gone or is no file.

    A damaged object is listed with the size 0: it is there, and can be deleted.
    """
    try:
        descriptor = folder.open_file(name)
    except ObjectMissing:
        return None
    try:
        info = footer.read_info(descriptor)
        return ListedObject(key, info.size, info.modified)
    except StorageCorrupted:
        return ListedObject(key, 0, footer.modified(descriptor))
    finally:
        os.close(descriptor)


def _chunks(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    position = start
    while position < end:
        with disk():
            chunk = os.pread(descriptor, min(CHUNK_BYTES, end - position), position)
        if not chunk:
            return
        position += len(chunk)
        yield chunk


def _name(key: str) -> str:
    return key.rpartition("/")[2]
