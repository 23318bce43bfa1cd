"""The footer that a file of the local storage ends with: size, SHA-256 and metadata.

``bytes of the object | JSON | length of the JSON | CRC-32 of the JSON | magic, 8 bytes``, both
numbers of 4 bytes, big-endian. The SHA-256 guards the bytes, the CRC what is said about them.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime

from app.storage.errors import StorageCorrupted
from app.storage.objects import ObjectInfo

MAGIC = b"UAMobj1\n"
_TAIL = struct.Struct(">II8s")
# A footer is the metadata (at most 1800 bytes, up to 6 in JSON for each) and change.
_MAX_JSON_BYTES = 16 * 1024


def pack(size: int, sha256: str, metadata: Mapping[str, str]) -> bytes:
    """The footer of an object of ``size`` bytes."""
    text = json.dumps({"size": size, "sha256": sha256, "metadata": dict(metadata)}).encode()
    return text + _TAIL.pack(len(text), zlib.crc32(text), MAGIC)


def modified(descriptor: int) -> datetime:
    """When an open file was last written (UTC)."""
    return datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)


def read_info(descriptor: int) -> ObjectInfo:
    """What the footer of an open file says. Raises :class:`StorageCorrupted`."""
    end = os.fstat(descriptor).st_size - _TAIL.size
    tail = os.pread(descriptor, _TAIL.size, max(0, end))
    length, crc, magic = _TAIL.unpack(tail) if len(tail) == _TAIL.size else (0, 0, b"")
    if end < 0 or magic != MAGIC or not 0 < length <= min(end, _MAX_JSON_BYTES):
        raise StorageCorrupted("an object was cut or overwritten")
    text = os.pread(descriptor, length, end - length)
    if zlib.crc32(text) != crc:
        raise StorageCorrupted("an object's footer was changed")
    try:
        kept = json.loads(text)
        info = ObjectInfo(
            size=int(kept["size"]),
            sha256=str(kept["sha256"]),
            metadata={str(name): str(value) for name, value in kept["metadata"].items()},
            modified=modified(descriptor),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StorageCorrupted("an object's footer cannot be read") from None
    if info.size != end - length:
        raise StorageCorrupted("an object is shorter or longer than what was stored")
    return info
