"""Sorting more values than memory holds: sorted runs in a file, merged into another."""

from __future__ import annotations

from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np

from app.analysis.profile.ordered import BLOCK, Ordered, Stored, Weighted, read, write
from app.analysis.profile.source import Array

LEAST_ROOM, MOST_ROOM = 2**16, 2**23
"""Bounds on the values that are sorted at a time: from half a megabyte to 64."""

FEW = 8
"""A run is kept as different values and their counts when each occurs so often on average."""


class Sorter:
    """Takes values in any order and gives them back in ascending order.

    What repeats a lot is kept in memory, as different values and their counts; what does not is
    written to the temporary directory: the size of the values twice at most.
    """

    def __init__(self, dtype: Any, room_bytes: int) -> None:
        """``room_bytes`` may be held in memory at once; a megabyte or so is taken anyway."""
        self._dtype = np.dtype(dtype)
        room = room_bytes // (2 * self._dtype.itemsize)
        self._room = max(LEAST_ROOM, min(MOST_ROOM, room))
        self._buffer, self._filled = np.empty(self._room, self._dtype), 0
        self._few: tuple[Array, Array] | None = None
        self._file: _Writer | None = None
        self._runs: list[tuple[int, int]] = []

    def add(self, part: Array) -> None:
        """Take in some more values, none of them NaN."""
        while len(part):
            if self._filled == len(self._buffer):
                self._flush()
            taken = part[: len(self._buffer) - self._filled]
            self._buffer[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            part = part[len(taken) :]

    def ordered(self) -> Ordered:
        """All of them in ascending order; to be asked once, at the end."""
        run: Array = self._buffer[: self._filled]
        run.sort()
        if self._few is None and self._file is None:
            return run
        self._take(run)
        self._buffer = np.zeros(0, self._dtype)
        if self._file is None:
            assert self._few is not None
            return Weighted(*self._few)
        if self._file.in_order:
            return self._file.stored()
        return _merged(self._file.file, self._dtype, self._runs, self._room)

    def _flush(self) -> None:
        self._buffer.sort()
        self._take(self._buffer)
        self._filled = 0

    def _take(self, run: Array) -> None:
        """Keep a sorted run."""
        if self._file is None:
            few = _counted(run, self._room // FEW)
            if few is not None:
                self._few = few if self._few is None else _together(self._few, few)
                if len(self._few[0]) <= self._room // 4:
                    return
                run = run[:0]
            self._file = _Writer(self._dtype)
            if self._few is not None:
                self._write_few(*self._few)
                self._few = None
        self._write([run])

    def _write_few(self, values: Array, counts: Array) -> None:
        weighted = Weighted(values, counts)
        step = self._room // 2
        self._write(
            np.asarray(weighted[start : start + step]) for start in range(0, len(weighted), step)
        )

    def _write(self, parts: Any) -> None:
        assert self._file is not None
        start = self._file.length
        for part in parts:
            self._file.write(part)
        if self._file.length > start:
            self._runs.append((start, self._file.length))


class _Writer:
    """A temporary file that values are appended to, and every ``BLOCK``-th of them."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.file: IO[bytes] = TemporaryFile(buffering=0)  # noqa: SIM115 - closed by its last reader
        self.length, self.in_order = 0, True
        self._dtype, self._firsts = dtype, list[Array]()
        self._last: Any = None

    def write(self, part: Array) -> None:
        """Append sorted values."""
        if not len(part):
            return
        self.in_order = self.in_order and (self._last is None or part[0] >= self._last)
        self._last = part[-1]
        self._firsts.append(part[-self.length % BLOCK :: BLOCK].copy())
        write(self.file, part)
        self.length += len(part)

    def stored(self) -> Stored:
        """What was written, if that was in order."""
        return Stored(self.file, self._dtype, self.length, np.concatenate(self._firsts))


@dataclass(slots=True)
class _Run:
    """A sorted run in a file: what of it is read, and where the rest begins and ends."""

    held: Array
    start: int
    stop: int


def _merged(
    file: IO[bytes], dtype: np.dtype[Any], places: list[tuple[int, int]], room: int
) -> Stored:
    """The runs of a file as one, in a file of its own.

    In turn, what no unread value can precede is taken from all of them and sorted together.
    """
    out = _Writer(dtype)
    step = max(1, room // (2 * len(places)))
    left = [_Run(np.zeros(0, dtype), start, stop) for start, stop in places]
    while left:
        for run in left:
            if not len(run.held):
                end = min(run.start + step, run.stop)
                run.held, run.start = read(file, dtype, run.start, end), end
        last = [run.held[-1] for run in left if run.start < run.stop]
        taken = []
        for run in left:
            count = int(run.held.searchsorted(min(last), "right")) if last else len(run.held)
            taken.append(run.held[:count])
            run.held = run.held[count:]
        merged = np.concatenate(taken)
        merged.sort()
        out.write(merged)
        left = [run for run in left if len(run.held) or run.start < run.stop]
    return out.stored()


def _counted(run: Array, most: int) -> tuple[Array, Array] | None:
    """The different values of a sorted run and their counts; ``None`` for more than ``most``."""
    steps = run[1:] != run[:-1]
    if np.count_nonzero(steps) + 1 > most:
        return None
    places = np.concatenate([[0], np.flatnonzero(steps) + 1])
    return run[places], np.diff(np.append(places, len(run)))


def _together(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """Two lots of different values and counts as one."""
    values = np.concatenate([a[0], b[0]])
    order = np.argsort(values, kind="stable")
    values, counts = values[order], np.concatenate([a[1], b[1]])[order]
    places = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])
    return values[places], np.add.reduceat(counts, places)
