"""The columns of a table, each in memory as long as it finds room there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from app.analysis.profile.long_strings import LongStrings
from app.analysis.profile.long_values import AnyValues, LongValues
from app.analysis.profile.source import Array, Table
from app.analysis.schema import Column

TAKEN = 400 * 2**20
"""Bytes that the process takes anyway: its libraries, a sample of the rows, the charts."""

CELL_BYTES = 56
"""What a cell takes in memory while its column is profiled, as measured on 20 million moments:
its value, a copy that is sorted, whether it is there, what is made of these, its row's
fingerprint."""

COPIES = 3
"""How often the different strings of a column are held at once."""


def room_for(memory_mb: int | None) -> int | None:
    """The bytes that may be held at once of a table whose process may take ``memory_mb``;
    ``None`` for no bound."""
    return None if memory_mb is None else max(0, memory_mb * 2**20 - TAKEN)


def columns_of(table: Table, sampled: Array | None, room: int | None) -> Iterator[AnyValues]:
    """Every column in order: read whole if it fits into ``room`` bytes, else batch by batch."""
    if room is None or all(_fits(table, column, room) for column in table.columns):
        yield from table.values()
        return
    for column in table.columns:
        if _fits(table, column, room):
            yield from table.values([column])
        elif table.holds_strings(column):
            yield LongStrings(table, column, sampled, room)
        else:
            yield LongValues(table, column, sampled, room)


def pairs_of(
    first: Table, second: Table, room: int | None
) -> Iterator[tuple[AnyValues, AnyValues]]:
    """The columns of two tables beside each other, in order: whole where both fit into ``room``
    bytes together, else batch by batch."""
    pairs = list(zip(first.columns, second.columns, strict=True))
    costs = [_bytes(first, left) + _bytes(second, right) for left, right in pairs]
    if room is None or sum(costs) <= room:
        yield from zip(first.values(), second.values(), strict=True)
        return
    nothing = np.zeros(0, np.int64)
    for (left, right), cost in zip(pairs, costs, strict=True):
        if cost <= room:
            yield next(first.values([left])), next(second.values([right]))
            continue
        sides = ((first, left), (second, right))
        before, now = (
            (LongStrings if table.holds_strings(column) else LongValues)(
                table, column, nothing, room // 2
            )
            for table, column in sides
        )
        yield before, now


def _fits(table: Table, column: Column, room: int) -> bool:
    return _bytes(table, column) <= room


def _bytes(table: Table, column: Column) -> int:
    """What a column takes in memory while it is worked on whole."""
    strings = COPIES * table.size(column) if table.holds_strings(column) else 0
    return table.rows * CELL_BYTES + strings
