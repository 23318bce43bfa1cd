"""Rows that equal an earlier row in every column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from app.analysis.profile.numeric import distinct_in
from app.analysis.profile.source import SLICE, Array, Values
from app.analysis.schema import Column

_ODD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)
_MISSING = np.uint64(0xD6E8FEB86659FD93)


class Fingerprints:
    """A 64-bit fingerprint of every row, built column by column.

    Equal rows have equal fingerprints. So when all fingerprints differ, no row is a duplicate;
    only otherwise the rows themselves need to be compared.
    """

    def __init__(self, rows: int) -> None:
        """Nothing is known of ``rows`` rows yet."""
        self._prints = np.zeros(rows, np.uint64)
        self._all_differ = rows <= 1

    def add(self, values: Values, distinct: int) -> None:
        """Take in one more column, which has ``distinct`` different values."""
        self._all_differ = self._all_differ or distinct == values.rows
        if self._all_differ:
            return
        for start in range(0, values.rows, SLICE):
            place = slice(start, start + SLICE)
            cells = values.data[place]
            if cells.dtype == np.float64:
                cells = (cells + 0.0).view(np.int64)  # −0 equals 0
            # A cell is mixed before it meets those to its left: neighbours never cancel out.
            bits = _mixed(cells.astype(np.int64).view(np.uint64))
            bits[~values.valid[place]] = _MISSING
            self._prints[place] = _mixed(self._prints[place] ^ bits)

    def suspected(self) -> int:
        """Rows whose fingerprint an earlier row has; 0 is proof that there is no duplicate.

        To be asked once, at the end: the fingerprints lose their order.
        """
        if self._all_differ:
            return 0
        self._prints.sort()
        return len(self._prints) - distinct_in(self._prints)


def count_duplicates(source: str | Path, columns: Sequence[Column], rows: int) -> int:
    """The exact number of duplicate rows, compared cell by cell; may spill to disk."""
    import duckdb

    with TemporaryDirectory() as spill, duckdb.connect(":memory:") as connection:
        connection.execute("SET temp_directory = ?", [spill])
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
