"""Bytes on their way in and out, measured as they go by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Protocol

from app.storage.errors import StorageCorrupted
from app.storage.objects import ObjectInfo

CHUNK_BYTES = 256 * 1024


class Readable(Protocol):
    """Whatever has a ``read`` that returns bytes, and ``b""`` at the end."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes."""
        ...


class Measure:
    """Counts and hashes bytes."""

    def __init__(self) -> None:
        self.size = 0
        self._hash = hashlib.sha256()

    def add(self, data: bytes) -> None:
        """Take ``data`` into the count."""
        self.size += len(data)
        self._hash.update(data)

    @property
    def sha256(self) -> str:
        """The hash so far, in hexadecimal."""
        return self._hash.hexdigest()


def chunks_of(source: Readable, measure: Measure) -> Iterator[bytes]:
    """The source's bytes in chunks, added to ``measure`` on the way."""
    while chunk := source.read(CHUNK_BYTES):
        measure.add(chunk)
        yield chunk


class ObjectStream(Iterator[bytes]):
    """An object's bytes, in chunks; close it when you stop early.

    The last chunk is held back until size and SHA-256 are right: whoever passes the chunks on
    shows an object that was changed or cut as a broken transfer, never as a whole one. Raises
    :class:`StorageCorrupted` then. From ``start`` > 0 on only the size is known.
    """

    def __init__(
        self,
        chunks: Iterable[bytes],
        info: ObjectInfo,
        close: Callable[[], None],
        start: int = 0,
    ) -> None:
        self.info = info
        self._close = close
        self._closed = False
        # Not a method: it would hold this object, and nobody would ever close it.
        self._checked = _verified(chunks, info, start)

    def __next__(self) -> bytes:
        try:
            return next(self._checked)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give back the file or the connection; more than once does no harm."""
        if not self._closed:
            self._closed = True
            self._close()

    def __enter__(self) -> ObjectStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def _verified(chunks: Iterable[bytes], info: ObjectInfo, start: int) -> Iterator[bytes]:
    measure = Measure()
    held = b""
    for chunk in chunks:
        if held:
            yield held
        measure.add(chunk)
        held = chunk
    if measure.size != max(0, info.size - start):
        raise StorageCorrupted("an object is shorter or longer than what was stored")
    if start == 0 and measure.sha256 != info.sha256:
        raise StorageCorrupted("an object's bytes are not those that were stored")
    if held:
        yield held
