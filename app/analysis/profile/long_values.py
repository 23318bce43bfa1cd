"""A column that is too long for the memory: read batch by batch, as often as it takes.

It answers what :class:`~app.analysis.profile.source.Values` does, with the same figures. What
is in proportion to its rows is kept in the temporary directory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from app.analysis.profile.ordered import Ordered, runs
from app.analysis.profile.sorting import Sorter
from app.analysis.profile.source import (
    Array,
    Frequencies,
    Physical,
    Table,
    Values,
    block_starts,
    most_frequent,
)
from app.analysis.schema import Column


class LongValues:
    """A column of numbers, times or truth values."""

    labels: Any = None

    def __init__(self, table: Table, column: Column, sampled: Array | None, room: int) -> None:
        """Read the column once. ``sampled`` are the rows of the sample, ``None`` for all;
        ``room`` is how many bytes may be held at once."""
        self.column, self.rows = column, table.rows
        self._table, self._room = table, room
        self._sampled = np.arange(table.rows) if sampled is None else sampled
        self._ordered: Ordered | None = None
        self.physical: Physical = table.physical(column)
        self._scan()

    def _scan(self) -> None:
        sorter: Sorter | None = None
        rows = Rows(self.rows, self._sampled)
        for part in self.parts():
            sorter = sorter or Sorter(part.data.dtype, self._room)
            rows.add(part)
            sorter.add(part.present())
        self._keep(rows)
        self._ordered = sorter.ordered() if sorter else np.zeros(0, np.int64)

    def _keep(self, rows: Rows, labels: Any = None) -> None:
        self.missing = self.rows - rows.present
        self._blocks, self._picked = rows.shares(), rows.picked(self.column, self.physical, labels)

    def parts(self) -> Iterator[Values]:
        """The column in the order of its rows, a batch at a time."""
        return self._table.batches(self.column, self.physical)

    def ordered(self) -> Ordered:
        """The values that are not missing, in ascending order."""
        assert self._ordered is not None
        return self._ordered

    def picked(self, sampled: Array | None) -> Values:
        """The cells of the sampled rows, those that were asked for when it was read."""
        assert self._picked.rows == (self.rows if sampled is None else len(sampled))
        return self._picked

    def missing_blocks(self) -> Array:
        """The share of missing cells in each of up to 50 stretches of rows."""
        return self._blocks

    def extent(self) -> tuple[Any, Any]:
        """The least and the greatest value, of which there is one at least."""
        ordered = self.ordered()
        return ordered[0], ordered[-1]

    def first(self) -> Any:
        """The least value, as JSON has it."""
        return self._shown(self.ordered()[0])

    def frequencies(self, most: int) -> Frequencies:
        """The most frequent values, and how many there are."""
        found = Frequencies(0, [], 0)
        top: list[tuple[Any, int]] = []
        for values, counts in runs(self.ordered()):
            found.distinct += len(counts)
            found.singles += int(np.count_nonzero(counts == 1))
            if len(counts):
                # A later value goes behind an earlier one that is as frequent: sorts are stable.
                top = sorted(top + most_frequent(values, counts, most), key=lambda pair: -pair[1])[
                    :most
                ]
        found.top = [(self._shown(value), count) for value, count in top]
        return found

    def _shown(self, value: Any) -> Any:
        return bool(value) if self.physical == "boolean" else value.item()


class Rows:
    """What is kept of a column's rows while it is read: where cells are missing, and a sample."""

    def __init__(self, rows: int, sampled: Array) -> None:
        self.present, self._place = 0, 0
        self._edges = np.append(block_starts(rows), rows)
        self._counts = np.zeros(len(self._edges) - 1, np.int64)
        self._sampled = sampled
        self._data, self._valid = list[Array](), list[Array]()

    def add(self, part: Values) -> None:
        """The next rows."""
        start, stop = self._place, self._place + part.rows
        cuts = np.clip(self._edges, start, stop) - start
        for block in range(len(self._counts)):
            if cuts[block] < cuts[block + 1]:
                here = part.valid[cuts[block] : cuts[block + 1]]
                self._counts[block] += np.count_nonzero(here)
        first, last = self._sampled.searchsorted([start, stop])
        places = self._sampled[first:last] - start
        self._data.append(part.data[places])
        self._valid.append(part.valid[places])
        self.present += part.rows - part.missing
        self._place = stop

    def shares(self) -> Array:
        """The share of missing cells in each stretch."""
        sizes = np.diff(self._edges)
        shares: Array = 1 - self._counts / sizes if len(sizes) else np.zeros(0)
        return shares

    def picked(self, column: Column, physical: Physical, labels: Any = None) -> Values:
        """The cells of the sampled rows."""
        data = np.concatenate(self._data) if self._data else np.zeros(0, np.int64)
        valid = np.concatenate(self._valid) if self._valid else np.zeros(0, bool)
        return Values(column, physical, data, valid, labels)


AnyValues = Values | LongValues
