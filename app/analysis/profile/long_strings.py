"""A column of strings that is too long for the memory.

If its different strings find room, each cell becomes a code and every figure is exact. If they
do not, each cell becomes a hash of 64 bits: what is counted by the hash may be too low by the
few strings that share one with another, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from app.analysis.profile.characters import characters
from app.analysis.profile.long_values import LongValues, Rows
from app.analysis.profile.ordered import Ordered, Weighted, runs
from app.analysis.profile.sorting import Sorter
from app.analysis.profile.source import Array, Frequencies, Labels, Values, most_frequent

LABEL_BYTES = 100
"""What a string takes in memory beside its characters."""

BATCH_BYTES = 2**21
"""What is decoded of a column at a time: as Python's strings it takes several times as much."""

LEAST_ROOM = 2**16
KEPT_LABELS = 200_000
"""Strings that are kept of a column with too many: those that are searched for words and
patterns."""


class LongStrings(LongValues):
    """A column of strings.

    ``labels`` are the different strings in the order of their first row, or the first of them.
    """

    def _scan(self) -> None:
        self._room_for_labels = max(LEAST_ROOM, self._room // 4)
        self._codes: dict[str, int] = {}
        self._counts = np.zeros(0, np.int64)
        self._characters: dict[str, int] = {}
        self._hashed: _Hashed | None = None
        if not self._coded():
            self._codes.clear()
            self._hash()
        self.labels = pa.array(list(self._codes), pa.large_string())

    def parts(self) -> Iterator[Values]:
        """The column in the order of its rows; ``data`` tells different strings apart."""
        for part in self._batches():
            known = self._known(part) if self._hashed is None else _hashes(part.labels)
            data = known[part.data] if len(known) else part.data
            yield Values(self.column, "string", data, part.valid)

    def weights(self) -> Array:
        """How often each of the labels occurs."""
        return self._counts

    def first(self) -> Any:
        """The first of the labels."""
        return self.labels[0].as_py()

    def characters(self) -> dict[str, int]:
        """The number of cells that hold a character of each class."""
        return self._characters

    def distinct(self) -> int:
        """The number of different strings."""
        return len(self._codes) if self._hashed is None else self._hashed.distinct

    def distinct_error(self) -> int:
        """By how many :meth:`distinct` may be too low, but for a chance of less than a
        millionth: of n hashes of b bits, n² / 2^(b + 1) are expected to meet another. 0 where
        it is exact, as where all cells differ."""
        if self._hashed is None or self.distinct() == self.rows - self.missing:
            return 0
        expected = self.distinct() ** 2 / 2.0**65
        return math.ceil(expected + 5 * math.sqrt(expected) + 1)

    def lengths(self) -> tuple[Array, Array]:
        """The lengths in characters, ascending, and how often each occurs."""
        if self._hashed is None:
            picked = np.flatnonzero(self._counts)
            each = np.fromiter((len(label) for label in self._codes), np.int64, len(self._codes))
            return _summed(each[picked], self._counts[picked])
        return _summed(*self._hashed.lengths)

    def frequencies(self, most: int) -> Frequencies:
        """The most frequent strings, and how many there are."""
        if self._hashed is None:
            top = most_frequent(Labels(self.labels), self._counts, most)
            singles = int(np.count_nonzero(self._counts == 1))
            return Frequencies(len(self._counts), top, singles)
        found = self._hashed
        names = names_of(self, [value for value, _ in found.top[:most]])
        top = [(names[value], count) for value, count in found.top[:most]]
        return Frequencies(found.distinct, top, found.singles)

    @property
    def named(self) -> bool:
        """Whether all different strings are known, and not their hashes alone."""
        return self._hashed is None

    def hashes(self) -> Ordered:
        """The hash of each cell that is not missing, in ascending order."""
        if self._hashed is not None:
            return self._hashed.ordered
        return _weighted(_hashes(self.labels), self._counts)

    def texts(self) -> Iterator[Any]:
        """The different strings, those of each batch."""
        return (part.labels for part in self._batches())

    def _batches(self) -> Iterator[Values]:
        return self._table.batches(self.column, most_bytes=BATCH_BYTES)

    def _coded(self) -> bool:
        """Read the column once, with a code for each string; false when these are too many."""
        rows, held = Rows(self.rows, self._sampled), 0
        for part in self._batches():
            before = len(self._codes)
            if before == 0 and _weight(part.labels) > 2 * self._room_for_labels:
                return False
            known = self._known(part)
            fresh = len(self._codes) - before
            held += _weight(part.labels) * fresh // max(1, len(part.labels))
            if held > self._room_for_labels:
                return False
            counts = np.zeros(len(self._codes), np.int64)
            counts[: len(self._counts)] = self._counts
            np.add.at(counts, known, part.weights())
            self._counts = counts
            codes = np.where(part.valid, known[part.data], -1) if len(known) else part.data
            rows.add(Values(part.column, "string", codes, part.valid))
        labels = pa.array(list(self._codes), pa.large_string())
        self._keep(rows, labels)
        self._characters = characters(labels, self._counts)
        return True

    def _known(self, part: Values) -> Array:
        """The codes of a batch's labels; new ones are given the next."""
        codes = self._codes
        found = (codes.setdefault(label, len(codes)) for label in part.labels.to_pylist())
        return np.fromiter(found, np.int64, len(part.labels))

    def _hash(self) -> None:
        """Read the column again, with a hash for each string."""
        rows, sorter = Rows(self.rows, self._sampled), Sorter(np.uint64, self._room)
        found = self._hashed = _Hashed()
        known, held = np.zeros(0, np.uint64), 0
        for part in self._batches():
            hashes, weights = _hashes(part.labels), part.weights()
            if held <= self._room_for_labels and len(self._codes) < KEPT_LABELS:
                for label, value in zip(Labels(part.labels), hashes.tolist(), strict=True):
                    held += 0 if label in self._codes else LABEL_BYTES + 4 * len(label)
                    if held > self._room_for_labels or len(self._codes) == KEPT_LABELS:
                        break
                    self._codes.setdefault(label, value)
                known = np.fromiter(self._codes.values(), np.uint64, len(self._codes))
            self._count(known, hashes, weights)
            found.add(part, weights)
            data = hashes[part.data] if len(hashes) else part.data.astype(np.uint64)
            sorter.add(data[part.valid])
            rows.add(Values(part.column, "string", data, part.valid))
        self._keep(rows)
        found.count(sorter)
        self._characters = found.characters

    def _count(self, known: Array, hashes: Array, weights: Array) -> None:
        """Add to the counts of the labels that are kept."""
        counts = np.zeros(len(known), np.int64)
        counts[: len(self._counts)] = self._counts
        if not len(known):
            return
        order = np.argsort(known)
        places = np.minimum(known.searchsorted(hashes, sorter=order), len(known) - 1)
        places = order[places]
        mine = known[places] == hashes
        np.add.at(counts, places[mine], weights[mine])
        self._counts = counts


AnyStrings = Values | LongStrings


def hashes_of(values: Any) -> Ordered:
    """The hash of each cell of a column of strings, in ascending order."""
    if isinstance(values, LongStrings):
        return values.hashes()
    return _weighted(_hashes(values.labels), values.weights())


def names_of(values: Any, wanted: list[int]) -> dict[int, str]:
    """The strings behind some hashes, of those that the column holds."""
    names: dict[int, str] = {}
    sought = np.array(wanted, np.uint64)
    for labels in values.texts() if isinstance(values, LongStrings) else [values.labels]:
        if len(names) == len(wanted):
            break
        hashes = _hashes(labels)
        for place in np.flatnonzero(np.isin(hashes, sought)).tolist():
            names.setdefault(int(hashes[place]), labels[place].as_py())
    return names


def _weighted(hashes: Array, counts: Array) -> Weighted:
    order = np.argsort(hashes, kind="stable")
    order = order[counts[order] > 0]
    return Weighted(hashes[order], counts[order])


class _Hashed:
    """What is counted of strings that are told apart by their hashes."""

    def __init__(self) -> None:
        self.distinct = self.singles = 0
        self.ordered: Ordered = np.zeros(0, np.uint64)
        self.top: list[tuple[int, int]] = []
        self.characters: dict[str, int] = {}
        self.lengths = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def add(self, part: Values, weights: Array) -> None:
        """The next cells."""
        for name, count in characters(part.labels, weights).items():
            self.characters[name] = self.characters.get(name, 0) + count
        lengths, counts = part.lengths()
        self.lengths = _summed(
            np.concatenate([self.lengths[0], lengths]), np.concatenate([self.lengths[1], counts])
        )

    def count(self, sorter: Sorter, most: int = 20) -> None:
        """Count the hashes of all cells."""
        self.ordered = sorter.ordered()
        for values, counts in runs(self.ordered):
            self.distinct += len(counts)
            self.singles += int(np.count_nonzero(counts == 1))
            first = [(int(value), count) for value, count in most_frequent(values, counts, most)]
            self.top = sorted(self.top + first, key=lambda pair: -pair[1])[:most]


def _summed(values: Array, counts: Array) -> tuple[Array, Array]:
    """Different values, ascending, and their counts, of values that may repeat."""
    found, places = np.unique(values, return_inverse=True)
    summed = np.bincount(places, weights=counts, minlength=len(found)).astype(np.int64)
    return found, summed


def _weight(labels: Any) -> int:
    """The bytes that some strings take in memory."""
    return len(labels) * LABEL_BYTES + int(labels.nbytes)


def _hashes(labels: Any) -> Array:
    """64 bits of each string, the same for the same string."""
    if not len(labels):
        return np.zeros(0, np.uint64)
    engine = _engine()
    engine.register("labels", pa.table({"label": labels}))
    found = engine.execute("SELECT hash(label) AS h FROM labels").fetchnumpy()["h"]
    engine.unregister("labels")
    hashes: Array = np.asarray(found, np.uint64)
    return hashes


@cache
def _engine() -> Any:
    import duckdb

    return duckdb.connect(":memory:", config={"threads": 1})
