"""The cases of a packed SPSS file in pieces, each of them a small file of its own.

Behind the first cases of a packed file its library can only go on by unpacking all that comes
before them, again for each piece. Here the data is gone through once: where a piece ends is seen
from its command codes alone, and what a case holds is left to the library.

The layout is that of PSPP's "System File Format" (GNU PSPP Developers Guide, appendix B).
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

_HEADER_BYTES = 176
_COMPRESSION_AT, _CASES_AT = 72, 80
_BYTECODE, _ZLIB = 1, 2
_MAGIC = {b"$FL2", b"$FL3"}
# Of eight bytes each: the commands of the next eight elements, and a value that one stands for.
_UNIT = 8
_PADDING, _END, _LITERAL = 0, 252, 253
_READ_BYTES = 4 * 2**20
# Larger blocks than any writer makes, and more data without the end of a case than there can be.
_MAX_BLOCK_BYTES = 64 * 2**20
_MAX_HELD_BYTES = 512 * 2**20

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Packed:
    """Where a packed file has its cases; ``units`` are the elements of 8 bytes that one has."""

    path: Path
    dictionary: bytes
    order: str
    units: int
    zlib: bool


def packed_cases(path: Path) -> Packed | None:
    """What is to be known to go through the cases; ``None`` if they are not packed, or odd."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES)
            order = "<" if head[64:68] in (b"\2\0\0\0", b"\3\0\0\0") else ">"
            (compression,) = struct.unpack_from(f"{order}i", head, _COMPRESSION_AT)
            if head[:4] not in _MAGIC or compression not in (_BYTECODE, _ZLIB):
                return None
            units = _units(file, order)
            end = file.tell()
            file.seek(0)
            return Packed(path, file.read(end), order, units, compression == _ZLIB)
    except (struct.error, ValueError, IndexError, OSError):
        return None


def _units(file: IO[bytes], order: str) -> int:
    """Go past the dictionary, whose variables are counted; raises ``ValueError`` where it is odd."""

    def number() -> int:
        return int(struct.unpack(f"{order}i", file.read(4))[0])

    def skip(count: int) -> None:
        if count < 0:
            raise ValueError("a record of negative length")
        file.seek(count, os.SEEK_CUR)

    units = 0
    while (record := number()) != 999:
        if record == 2:
            units += 1
            _type, labelled, missing = number(), number(), number()
            skip(16)
            if labelled:
                length = number()
                skip(length + -length % 4)
            skip(8 * abs(missing))
        elif record == 3:
            for _ in range(number()):
                skip(8)
                length = file.read(1)[0]
                skip(length + -(length + 1) % 8)
        elif record == 4:
            skip(4 * number())
        elif record == 6:
            skip(80 * number())
        elif record == 7:
            number()
            size, count = number(), number()
            skip(size * count)
        else:
            raise ValueError("an unknown record")
    number()
    if not units:
        raise ValueError("no variables")
    return units


def pieces(packed: Packed, cases: int, target: Path) -> Iterator[int]:
    """Write file after file to ``target`` that holds about so many cases; yields how many.

    A piece may hold a few cases more, and the last one fewer. Raises ``ValueError`` where the
    data is damaged or odd; what was written before is whole.
    """
    held, wanted = bytearray(), cases * packed.units
    walk = _Walk(packed.units)
    for chunk in _told(packed):
        held += chunk
        walk.go(held)
        while (found := walk.cut(wanted)) is not None:
            size, count = found
            yield _write(packed, held[:size], count, target)
            del held[:size]
        if len(held) > _MAX_HELD_BYTES:
            raise ValueError("no case ends")
    count = walk.elements // packed.units
    if count:
        yield _write(packed, held, count, target)


def _write(packed: Packed, data: bytes | bytearray, count: int, target: Path) -> int:
    head = bytearray(packed.dictionary)
    head[:4] = b"$FL2"
    struct.pack_into(f"{packed.order}i", head, _COMPRESSION_AT, _BYTECODE)
    struct.pack_into(f"{packed.order}i", head, _CASES_AT, count)
    with target.open("wb") as file:
        file.write(head)
        file.write(data)
    return count


def _told(packed: Packed) -> Iterator[bytes]:
    try:
        yield from _data(packed)
    except (struct.error, zlib.error, OSError) as error:
        raise ValueError("the data is damaged") from error


def _data(packed: Packed) -> Iterator[bytes]:
    """The commands and values, what is packed by zlib unpacked."""
    with packed.path.open("rb") as file:
        file.seek(len(packed.dictionary))
        if not packed.zlib:
            while chunk := file.read(_READ_BYTES):
                yield chunk
            return
        _start, trailer, length = struct.unpack(f"{packed.order}qqq", file.read(24))
        file.seek(trailer)
        listed = file.read(max(length, 0))
        (blocks,) = struct.unpack_from(f"{packed.order}i", listed, 20)
        for number in range(blocks):
            _, at, size, stored = struct.unpack_from(
                f"{packed.order}qqii", listed, 24 + 24 * number
            )
            if not (0 < size <= _MAX_BLOCK_BYTES and 0 < stored <= _MAX_BLOCK_BYTES):
                raise ValueError("a block of no likely size")
            file.seek(at)
            block = zlib.decompressobj().decompress(file.read(stored), size)
            if len(block) != size:
                raise ValueError("a block that is cut short")
            yield block


class _Walk:
    """Goes from commands to commands, and knows where cases end at the end of some."""

    def __init__(self, units: int) -> None:
        self._units = units
        self._at = 0
        self._ended = False
        # Where commands end, and how many elements stand before there.
        self._ends: list[_Array] = []
        self._counts: list[_Array] = []
        self.elements = 0

    def go(self, held: bytearray) -> None:
        """Go on as far as the data goes that is held, whose beginning is that of a case."""
        if self._ended:
            return
        data = np.frombuffer(bytes(held[self._at : len(held) // _UNIT * _UNIT]), np.uint8)
        words = data.reshape(-1, _UNIT)
        following = (1 + np.arange(len(words)) + _count(words == _LITERAL)).tolist()
        place, path = 0, []
        while place < len(words) and following[place] <= len(words):
            path.append(place)
            place = following[place]
        steps = words[path]
        over = np.flatnonzero(_count(steps == _END))
        if len(over):
            self._ended = True
            steps = steps[: over[0] + 1].copy()
            last = steps[-1]
            last[int(np.argmax(last == _END)) :] = _PADDING
        filled = _count(steps != _PADDING)
        if len(filled):
            ends = np.array([*path[1:], place])[: len(filled)]
            self._ends.append(self._at + _UNIT * ends)
            self._counts.append(self.elements + np.cumsum(filled))
            self.elements = int(self._counts[-1][-1])
        self._at += _UNIT * place

    def cut(self, wanted: int) -> tuple[int, int] | None:
        """The bytes and cases of the first piece of about so many elements, if that is here."""
        if self.elements < wanted:
            return None
        ends, counts = np.concatenate(self._ends), np.concatenate(self._counts)
        cuts = np.flatnonzero((counts >= wanted) & (counts % self._units == 0))
        if not len(cuts):
            self._ends, self._counts = [ends], [counts]
            return None
        size, count = int(ends[cuts[0]]), int(counts[cuts[0]])
        self._ends, self._counts = [ends[cuts[0] + 1 :] - size], [counts[cuts[0] + 1 :] - count]
        self._at -= size
        self.elements -= count
        return size, count // self._units


def _count(flags: _Array) -> _Array:
    """How many of each eight flags are set; by multiplying, ten times as fast as adding."""
    packed = np.ascontiguousarray(flags).view(np.uint64).reshape(-1)
    return ((packed * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.int64)
