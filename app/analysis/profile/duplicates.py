"""Rows that equal an earlier row in every column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any

import numpy as np

from app.analysis.profile.long_values import AnyValues
from app.analysis.profile.numeric import distinct_in
from app.analysis.profile.ordered import read, write
from app.analysis.profile.sorting import Sorter
from app.analysis.profile.source import SLICE, Array, Values
from app.analysis.schema import Column

_ODD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)
_PRINT = np.dtype(np.uint64)
_SIZE = _PRINT.itemsize
LEAST_ROOM = 2**26
"""What the engine is given at least, in bytes."""

_MISSING = np.uint64(0xD6E8FEB86659FD93)


class Fingerprints:
    """A 64-bit fingerprint of every row, built column by column.

    Equal rows have equal fingerprints. So when all fingerprints differ, no row is a duplicate;
    only otherwise the rows themselves need to be compared.
    """

    def __init__(self, rows: int, room: int | None = None) -> None:
        """Nothing is known of ``rows`` rows yet. With ``room``, that many bytes may be held at
        once, and more are kept in the temporary directory."""
        self._rows, self._room = rows, room
        self._all_differ = rows <= 1
        self._prints: Array | IO[bytes]
        if room is None or rows * _SIZE <= room // 4:
            self._prints = np.zeros(rows, np.uint64)
        else:
            self._prints = TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the prints
            self._prints.truncate(rows * _SIZE)

    def add(self, values: AnyValues, distinct: int) -> None:
        """Take in one more column, which has ``distinct`` different values."""
        self._all_differ = self._all_differ or distinct == values.rows
        if self._all_differ:
            return
        first = 0
        for part in values.parts():
            for start in range(0, part.rows, SLICE):
                self._mix(first + start, part, slice(start, start + SLICE))
            first += part.rows

    def suspected(self) -> int:
        """Rows whose fingerprint an earlier row has; 0 is proof that there is no duplicate.

        To be asked once, at the end: the fingerprints lose their order.
        """
        if self._all_differ:
            return 0
        if isinstance(self._prints, np.ndarray):
            self._prints.sort()
            return self._rows - distinct_in(self._prints)
        sorter = Sorter(np.uint64, self._room or 0)
        for start in range(0, self._rows, SLICE):
            sorter.add(read(self._prints, _PRINT, start, start + SLICE))
        self._prints.close()
        return self._rows - distinct_in(sorter.ordered())

    def _mix(self, first: int, part: Values, place: slice) -> None:
        """Take in some cells, of which the first stands in row ``first``."""
        cells = part.data[place]
        if cells.dtype == np.float64:
            cells = (cells + 0.0).view(np.int64)  # −0 equals 0
        if cells.dtype != np.uint64:
            cells = cells.astype(np.int64).view(np.uint64)
        # A cell is mixed before it meets those to its left: neighbours never cancel out.
        bits = _mixed(cells)
        bits[~part.valid[place]] = _MISSING
        rows = slice(first, first + len(bits))
        if isinstance(self._prints, np.ndarray):
            self._prints[rows] = _mixed(self._prints[rows] ^ bits)
        else:
            before = read(self._prints, _PRINT, rows.start, rows.stop)
            self._prints.seek(rows.start * _SIZE)
            write(self._prints, _mixed(before ^ bits))


def count_duplicates(
    source: str | Path, columns: Sequence[Column], rows: int, room: int | None = None
) -> int:
    """The exact number of duplicate rows, compared cell by cell; may spill to disk.

    ``room`` is how many bytes may be held in memory, as far as the engine can tell.
    """
    import duckdb

    with TemporaryDirectory() as spill, duckdb.connect(":memory:") as connection:
        connection.execute("SET temp_directory = ?", [spill])
        if room is not None:
            connection.execute("SET threads = 2")
            connection.execute("SET preserve_insertion_order = false")
            connection.execute(f"SET memory_limit = '{max(LEAST_ROOM, room // 2)}B'")
        connection.register("cells", _plainly_named(source, columns))
        found = connection.execute("SELECT count(*) FROM (SELECT DISTINCT * FROM cells)").fetchone()
    return rows - int(found[0]) if found else 0


def _plainly_named(source: str | Path, columns: Sequence[Column]) -> Any:
    """The table in batches with columns ``c0``, ``c1`` …: SQL knows no empty name, and takes
    ``a`` and ``A`` for one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(source)
    kinds = file.schema_arrow
    schema = pa.schema([(f"c{i}", kinds.field(c.name).type) for i, c in enumerate(columns)])
    batches = (
        pa.RecordBatch.from_arrays([batch.column(c.name) for c in columns], schema=schema)
        for batch in file.iter_batches()
    )
    return pa.RecordBatchReader.from_batches(schema, batches)


def _mixed(bits: Array) -> Array:
    """Every bit spread over all others (after Steele, Lea and Flood's SplitMix, 2014)."""
    with np.errstate(over="ignore"):
        spread: Array = bits * _ODD
        spread ^= spread >> _SHIFT
        spread *= _ODD
    spread ^= spread >> _SHIFT
    return spread
