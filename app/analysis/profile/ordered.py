"""A column's values in ascending order: an array, or what stands for one that is too long for
the memory: values with how often each occurs, or a file.

All three answer the same questions, so that every figure of an ordered column is the same,
wherever its values are kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Any, Literal, Protocol

import numpy as np

from app.analysis.profile.source import SLICE, Array

Side = Literal["left", "right"]

BLOCK = 2**15
"""Values of a file between two that are kept in memory to find a place by."""


class Ordered(Protocol):
    """What figures ask of ordered values. ``np.asarray`` of a slice gives its values."""

    @property
    def dtype(self) -> Any:
        """The type of the values."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, place: Any, /) -> Any:
        """One value, or a slice as ordered values again."""

    def searchsorted(self, v: Any, /, side: Side = "left") -> Any:
        """How many values lie before each of ``v``; from the ``right`` those equal to it too."""


class Weighted:
    """Different values in ascending order, and how often each occurs."""

    def __init__(self, values: Array, counts: Array) -> None:
        """``counts`` are whole numbers from 1 on, one for each of ``values``."""
        self._values = values
        self._ends = np.cumsum(counts, dtype=np.int64)
        self._start, self._stop = 0, int(self._ends[-1]) if len(values) else 0

    @property
    def dtype(self) -> Any:
        """The type of the values."""
        return self._values.dtype

    def __len__(self) -> int:
        """How many there are, each as often as it occurs."""
        return self._stop - self._start

    def __getitem__(self, place: Any) -> Any:
        """One value, or a slice as ordered values again."""
        if isinstance(place, slice):
            start, stop = _within(place, len(self))
            part = object.__new__(Weighted)
            part._values, part._ends = self._values, self._ends
            part._start, part._stop = self._start + start, self._start + stop
            return part
        rank = self._start + _from_start(place, len(self))
        return self._values[self._ends.searchsorted(rank, "right")]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """The values, each as often as it occurs."""
        values, counts = self.weights()
        return np.repeat(values, counts)

    def weights(self) -> tuple[Array, Array]:
        """The different values, and how often each occurs."""
        if not len(self):
            return self._values[:0], self._ends[:0]
        first = int(self._ends.searchsorted(self._start, "right"))
        last = int(self._ends.searchsorted(self._stop - 1, "right"))
        ends = np.minimum(self._ends[first : last + 1], self._stop)
        return self._values[first : last + 1], np.diff(ends, prepend=self._start)

    def searchsorted(self, v: Any, side: Side = "left") -> Any:
        """How many values lie before each of ``v``."""
        ranks = np.concatenate([[0], self._ends])[self._values.searchsorted(v, side)]
        return np.clip(ranks, self._start, self._stop) - self._start


class Stored:
    """Ordered values in a file, read where they are needed and never mapped: pages of a mapped
    file would count as the process's own memory."""

    def __init__(self, file: IO[bytes], dtype: Any, length: int, firsts: Array) -> None:
        """``firsts`` are every ``BLOCK``-th of the values. The file is closed with its last part."""
        self._file, self._dtype, self._firsts = file, np.dtype(dtype), firsts
        self._start, self._stop = 0, length

    @property
    def dtype(self) -> Any:
        """The type of the values."""
        return self._dtype

    def __len__(self) -> int:
        """How many there are."""
        return self._stop - self._start

    def __getitem__(self, place: Any) -> Any:
        """One value, or a slice as ordered values again."""
        if isinstance(place, slice):
            start, stop = _within(place, len(self))
            part = object.__new__(Stored)
            part._file, part._dtype, part._firsts = self._file, self._dtype, self._firsts
            part._start, part._stop = self._start + start, self._start + stop
            return part
        rank = self._start + _from_start(place, len(self))
        return read(self._file, self._dtype, rank, rank + 1)[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """The values."""
        return read(self._file, self._dtype, self._start, self._stop)

    def searchsorted(self, v: Any, side: Side = "left") -> Any:
        """How many values lie before each of ``v``."""
        sought = np.atleast_1d(np.asarray(v))
        blocks = self._firsts.searchsorted(sought, side) - 1
        ranks = np.zeros(len(sought), np.int64)
        for block in np.unique(blocks[blocks >= 0]).tolist():
            here = blocks == block
            values = read(self._file, self._dtype, block * BLOCK, (block + 1) * BLOCK)
            ranks[here] = block * BLOCK + values.searchsorted(sought[here], side)
        found = np.clip(ranks, self._start, self._stop) - self._start
        return found if np.ndim(v) else found[0]


def runs(ordered: Ordered) -> Iterator[tuple[Array, Array]]:
    """The different values and how often each occurs, ascending, some thousands at a time."""
    if isinstance(ordered, Weighted):
        yield ordered.weights()
        return
    open_value, open_count = np.zeros(0, ordered.dtype), 0
    for start in range(0, len(ordered), SLICE):
        part = np.asarray(ordered[start : start + SLICE])
        places = np.flatnonzero(np.concatenate([[True], part[1:] != part[:-1]]))
        values, counts = part[places], np.diff(np.append(places, len(part)))
        if open_count and values[0] == open_value[0]:
            counts[0] += open_count
        elif open_count:
            yield open_value, np.array([open_count])
        yield values[:-1], counts[:-1]
        open_value, open_count = values[-1:], int(counts[-1])
    if open_count:
        yield open_value, np.array([open_count])


class Joined:
    """The values of two lots together, which stay where they are."""

    def __init__(self, first: Ordered, second: Ordered) -> None:
        """``first`` and ``second`` hold values that can be compared."""
        self._first, self._second = first, second
        self._dtype = np.result_type(first.dtype, second.dtype)

    @property
    def dtype(self) -> Any:
        """The type of the values."""
        return self._dtype

    def __len__(self) -> int:
        """How many there are."""
        return len(self._first) + len(self._second)

    def __getitem__(self, place: Any) -> Any:
        """One value; no slices."""
        rank = _from_start(place, len(self))
        # So many values of the first lot lie before the place: the fewest that leave no value of
        # the second there which belongs behind it.
        low, high = max(0, rank - len(self._second)), min(rank, len(self._first))
        while low < high:
            middle = (low + high) // 2
            if self._first[middle] < self._second[rank - middle - 1]:
                low = middle + 1
            else:
                high = middle
        ends = [
            lot[at] for lot, at in ((self._first, low), (self._second, rank - low)) if at < len(lot)
        ]
        return self._dtype.type(min(ends))

    def searchsorted(self, v: Any, /, side: Side = "left") -> Any:
        """How many values lie before each of ``v``; from the ``right`` those equal to it too."""
        return self._first.searchsorted(v, side) + self._second.searchsorted(v, side)


def among(ordered: Ordered, values: Array) -> Array:
    """How often each of ``values`` occurs among ordered ones."""
    found: Array = ordered.searchsorted(values, "right") - ordered.searchsorted(values, "left")
    return found


def are_whole(ordered: Ordered) -> bool:
    """Whether all values are whole numbers, those kept as decimals included."""
    if ordered.dtype.kind != "f":
        return True
    if isinstance(ordered, Weighted):
        return bool((ordered.weights()[0] % 1 == 0).all())
    starts = range(0, len(ordered), SLICE)
    return all(bool((np.asarray(ordered[i : i + SLICE]) % 1 == 0).all()) for i in starts)


def read(file: IO[bytes], dtype: np.dtype[Any], start: int, stop: int) -> Array:
    """The values from ``start`` up to ``stop`` or the file's end."""
    size = dtype.itemsize
    return np.frombuffer(os.pread(file.fileno(), (stop - start) * size, start * size), dtype)


def write(file: IO[bytes], values: Array) -> None:
    """Write all the values where the unbuffered file stands: one call may take a part only."""
    left = np.ascontiguousarray(values).data.cast("B")
    while left:
        left = left[file.write(left) :]


def _within(place: slice, length: int) -> tuple[int, int]:
    start, stop, _ = place.indices(length)
    return start, max(start, stop)


def _from_start(place: Any, length: int) -> int:
    found = int(place)
    found += length if found < 0 else 0
    if not 0 <= found < length:
        raise IndexError(place)
    return found
