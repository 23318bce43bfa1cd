"""Rows that equal an earlier row in every column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from app.analysis.profile.source import Array, Values
from app.analysis.schema import Column

_ODD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)


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
        cells = values.data
        if cells.dtype == np.float64:
            cells = (cells + 0.0).view(np.int64)  # −0 equals 0
        bits = np.where(values.valid, cells.astype(np.int64), -2).view(np.uint64)
        self._prints = _mixed(self._prints ^ bits) + values.valid.astype(np.uint64)

    def suspected(self) -> int:
        """Rows whose fingerprint an earlier row has; 0 is proof that there is no duplicate."""
        if self._all_differ:
            return 0
        ordered = np.sort(self._prints)
        return int(np.count_nonzero(ordered[1:] == ordered[:-1]))


def count_duplicates(source: str | Path, columns: Sequence[Column], rows: int) -> int:
    """The exact number of duplicate rows, compared cell by cell; may spill to disk."""
    import duckdb
    import pyarrow.dataset

    names = ", ".join('"' + column.name.replace('"', '""') + '"' for column in columns)
    with TemporaryDirectory() as spill, duckdb.connect(":memory:") as connection:
        connection.execute("SET temp_directory = ?", [spill])
        connection.register("cells", pyarrow.dataset.dataset(str(source), format="parquet"))
        query = f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM cells)"  # noqa: S608
        found = connection.execute(query).fetchone()
    return rows - int(found[0]) if found else 0


def _mixed(bits: Array) -> Array:
    """Every bit spread over all others (after Steele, Lea and Flood's SplitMix, 2014)."""
    with np.errstate(over="ignore"):
        spread: Array = bits * _ODD
        spread ^= spread >> _SHIFT
        spread *= _ODD
    spread ^= spread >> _SHIFT
    return spread
