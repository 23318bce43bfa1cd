"""Compressed files and zip containers, opened without trusting what they claim."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from app.analysis.errors import BadTable, TooLarge
from app.analysis.ingest.limits import check_unpacked

_CHUNK = 1 << 20
_ENCRYPTED = 0x1
_SEND_AGAIN = "It may have been cut short; send it again."


def _open_zstd(source: Path) -> Any:
    import pyarrow as pa

    return pa.input_stream(str(source), compression="zstd")


_OPENERS: dict[str, Callable[[Path], Any]] = {
    "gz": gzip.GzipFile,
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zst": _open_zstd,
}


def compression_of(head: bytes) -> str | None:
    """``gz``, ``bz2``, ``xz`` or ``zst`` by the first bytes, else ``None``."""
    if head[:2] == b"\x1f\x8b":
        return "gz"
    if head[:3] == b"BZh" and head[4:10] == b"1AY&SY":
        return "bz2"
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return "zst"
    return "xz" if head[:6] == b"\xfd7zXZ\x00" else None


def unpack(
    source: Path, compression: str, target: Path, max_unpacked_bytes: int, packed: int
) -> Path:
    """Decompress ``source`` into ``target``, refusing a bomb while it still is small.

    ``packed`` is the size in bytes of what was sent. Raises :class:`TooLarge` past the limits
    and :class:`BadTable` for a damaged stream.
    """
    with (
        _told_as(f"The {compression} file is damaged") as written,
        _OPENERS[compression](source) as stream,
        target.open("wb") as out,
    ):
        _copy(stream, out, packed, max_unpacked_bytes, written)
    return target


def unpack_member(
    source: Path, member: zipfile.ZipInfo, target: Path, max_unpacked_bytes: int, packed: int
) -> Path:
    """Unpack one member of a zip archive into ``target``; as :func:`unpack`."""
    if member.flag_bits & _ENCRYPTED:
        raise BadTable("The zip archive is protected by a password.", hint="Send it without one.")
    with (
        _told_as("The zip archive is damaged") as progress,
        zipfile.ZipFile(source) as container,
        container.open(member) as stream,
        target.open("wb") as out,
    ):
        _copy(stream, out, packed, max_unpacked_bytes, progress)
    return target


class _Written:
    """How many bytes came out so far."""

    count = 0


@contextmanager
def _told_as(what: str) -> Iterator[_Written]:
    """Turn what decompressors raise into the analyst's own errors."""
    written = _Written()
    try:
        yield written
    except NotImplementedError as error:
        raise BadTable(
            "The zip archive is compressed in a way UAM cannot undo.",
            hint="Pack it again with the usual method (deflate).",
        ) from error
    except MemoryError as error:
        raise TooLarge("The file asks for more memory to be unpacked than UAM gives.") from error
    except _DAMAGED as error:
        message = f"{what} after {written.count:,} unpacked bytes."
        raise BadTable(message, hint=_SEND_AGAIN) from error


# pyarrow's errors are kinds of OSError and ValueError; zipfile raises RuntimeError too.
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)


def _copy(
    stream: Any, out: IO[bytes], packed: int, max_unpacked_bytes: int, written: _Written
) -> None:
    while chunk := stream.read(_CHUNK):
        written.count += len(chunk)
        check_unpacked(packed, written.count, max_unpacked_bytes)
        out.write(chunk)


def zip_members(source: Path) -> list[zipfile.ZipInfo]:
    """What a zip container lists. Raises :class:`BadTable` for a damaged one."""
    try:
        with zipfile.ZipFile(source) as container:
            return container.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeError) as error:
        raise BadTable(
            "The workbook or archive is damaged: its directory cannot be read.", hint=_SEND_AGAIN
        ) from error


def check_members(members: list[zipfile.ZipInfo], packed: int, max_unpacked_bytes: int) -> None:
    """Refuse a container whose directory declares too much.

    Its sizes are what zip readers allocate by, so they are checked before any member is
    opened. Raises :class:`TooLarge`.
    """
    check_unpacked(packed, sum(member.file_size for member in members), max_unpacked_bytes)
