"""Compressed files and zip containers, opened without trusting what they claim."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.analysis.errors import BadTable
from app.analysis.ingest.limits import check_unpacked

_CHUNK = 1 << 20
_OPENERS: dict[str, Callable[[Path], Any]] = {
    "gz": gzip.GzipFile,
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}


def compression_of(head: bytes) -> str | None:
    """``gz``, ``bz2`` or ``xz`` by the first bytes, else ``None``."""
    if head[:2] == b"\x1f\x8b":
        return "gz"
    if head[:3] == b"BZh" and head[4:10] == b"1AY&SY":
        return "bz2"
    return "xz" if head[:6] == b"\xfd7zXZ\x00" else None


def unpack(source: Path, compression: str, target: Path, max_unpacked_bytes: int) -> Path:
    """Decompress ``source`` into ``target``, refusing a bomb while it still is small.

    Raises :class:`TooLarge` past the limits and :class:`BadTable` for a damaged stream.
    """
    packed = source.stat().st_size
    written = 0
    try:
        with _OPENERS[compression](source) as packed_file, target.open("wb") as out:
            while chunk := packed_file.read(_CHUNK):
                written += len(chunk)
                check_unpacked(packed, written, max_unpacked_bytes)
                out.write(chunk)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadTable(
            f"The {compression} file is damaged after {written:,} unpacked bytes.",
            hint="It may have been cut short; send it again.",
        ) from error
    return target


def zip_members(source: Path, max_unpacked_bytes: int) -> list[str]:
    """The names inside a zip container, after its sizes have passed the limits.

    The directory's sizes are what zip readers allocate by, so they are checked before any
    member is opened. Raises :class:`TooLarge`, or :class:`BadTable` for a damaged container.
    """
    try:
        with zipfile.ZipFile(source) as container:
            members = container.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadTable(
            "The workbook or archive is damaged: its directory cannot be read.",
            hint="It may have been cut short; send it again.",
        ) from error
    check_unpacked(
        source.stat().st_size, sum(member.file_size for member in members), max_unpacked_bytes
    )
    return [member.filename for member in members]
