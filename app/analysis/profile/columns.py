"""The columns of a table, each in memory as long as it finds room there."""

from __future__ import annotations

from collections.abc import Iterator

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


def _fits(table: Table, column: Column, room: int) -> bool:
    strings = COPIES * table.size(column) if table.holds_strings(column) else 0
    return table.rows * CELL_BYTES + strings <= room
