"""Rows that Python had to parse, parked as text in Parquet files for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.analysis.ingest.engine import literal, positions, row_group_rows
from app.analysis.ingest.limits import Allowance, check_columns

_BATCH_CELLS = 400_000
_BATCH_CHARS = 16 * 2**20
# Batches of a wide table are few rows: several of them make a row group, whose every column costs.
_WIDE = 500
_GROUP_BYTES = 48 * 2**20

# Whole numbers from here on are spelled with an exponent, and not every one is a double's.
_WHOLE_BELOW = 1e18

Cell = str | None


class PartWriter:
    """Collects rows of text cells, in order, into Parquet files of at most one batch in memory.

    The table may grow wider on the way (a ragged row, a new key of a record): earlier rows
    then have missing cells there. Use as a context manager; afterwards :meth:`relation`.
    Where a small file can name one long text in many cells, ``allowance`` says how many
    characters may come of it: past that :class:`TooLarge` is raised.
    """

    def __init__(self, folder: Path, allowance: Allowance | None = None) -> None:
        self._folder = folder
        self._allowance = allowance
        self._rows: list[Sequence[Cell]] = []
        self._cells = 0
        self._chars = 0
        self._batches: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None
        self._paths: list[Path] = []
        self.width = 0
        self.rows = 0
        self.total_chars = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._flush()
            self._write()
        self._close()

    def widen(self, width: int) -> None:
        """Have at least ``width`` columns from here on. Raises :class:`TooLarge`."""
        if width > self.width:
            check_columns(width)
            self.width = width

    def append(self, row: Sequence[Cell]) -> None:
        """Add one row; cells past its end are missing."""
        if len(row) > self.width:
            self.widen(len(row))
        self._rows.append(row)
        self.rows += 1
        self._cells += len(row) + 1
        self._chars += sum([len(cell) for cell in row if cell])
        if self._cells >= _BATCH_CELLS or self._chars >= _BATCH_CHARS:
            self._flush()

    def add(self, columns: Sequence[pa.Array], size: int) -> None:
        """Add rows as columns, in place of :meth:`append`; ``size`` counts their characters.

        Columns of other types than before begin another file.
        """
        batch = pa.table(dict(zip(positions(len(columns)), columns, strict=True)))
        self.width, self.rows = len(columns), self.rows + batch.num_rows
        self.total_chars += size
        if self._allowance is not None:
            self._allowance.check(self.total_chars)
        if self._batches and self._batches[0].schema != batch.schema:
            self._write()
        self._keep(batch)

    def relation(self) -> str:
        """SQL for all rows in their order, columns ``c0, c1 …``."""
        if not self._paths:
            empty = ", ".join(f"NULL::VARCHAR AS {name}" for name in positions(self.width))
            return f"(SELECT {empty} LIMIT 0)"
        paths = ", ".join(literal(str(path)) for path in self._paths)
        if len(self._paths) == 1:
            return f"read_parquet({paths})"
        return f"read_parquet([{paths}], union_by_name = true)"

    @property
    def row_bytes(self) -> float:
        """Characters of an average row."""
        return self.total_chars / max(self.rows, 1)

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._allowance is not None:
            self._allowance.check(self.total_chars + self._chars)
        width = self.width
        if self._batches and self._batches[0].num_columns != width:
            self._write()
        columns = self._columns(width)
        self.total_chars += self._chars
        self._rows, self._cells, self._chars = [], 0, 0
        self._keep(pa.table(dict(zip(positions(width), columns, strict=True))))

    def _keep(self, batch: pa.Table) -> None:
        self._batches.append(batch)
        narrow = batch.num_columns < _WIDE
        if narrow or sum(batch.nbytes for batch in self._batches) > _GROUP_BYTES:
            self._write()

    def _write(self) -> None:
        """Write the batches at hand as row groups."""
        if not self._batches:
            return
        table = pa.concat_tables(self._batches)
        self._batches = []
        writer = self._writer
        if writer is None or table.schema != writer.schema:
            writer = self._begin(table.schema)
        rows = row_group_rows(table.num_columns, table.nbytes / max(table.num_rows, 1))
        writer.write_table(table, row_group_size=rows)

    def _columns(self, width: int) -> list[pa.Array]:
        if any(len(row) != width for row in self._rows):
            pad = (None,) * width
            self._rows = [(*row, *pad[len(row) :]) for row in self._rows]
        kind = pa.string()
        try:
            if not self._paths and not self._batches:
                return [text_array(column) for column in zip(*self._rows, strict=True)]
            return [pa.array(column, kind) for column in zip(*self._rows, strict=True)]
        except UnicodeEncodeError:
            # Half of a surrogate pair, as JSON's \ud800 can write, is no character: its code is kept.
            clean = [[_encodable(cell) for cell in row] for row in self._rows]
            return [pa.array(column, kind) for column in zip(*clean, strict=True)]

    def _begin(self, schema: pa.Schema) -> pq.ParquetWriter:
        self._close()
        path = self._folder / f"part-{len(self._paths)}.parquet"
        self._paths.append(path)
        self._writer = pq.ParquetWriter(path, schema, compression="snappy", use_dictionary=False)
        return self._writer

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def text_array(column: Sequence[Cell]) -> pa.Array:
    """As ``pa.array`` makes it, which imports pandas first: longer than a small table takes."""
    builder = pa.lib.StringBuilder()
    builder.append_values(column)
    return builder.finish()


def value_array(values: np.ndarray[Any, Any], there: np.ndarray[Any, Any], kind: Any) -> pa.Array:
    """Values as Arrow holds them, those that are not ``there`` missing; likewise."""
    missing = None
    if not there.all():
        missing = pa.py_buffer(np.packbits(there, bitorder="little"))
    return pa.Array.from_buffers(kind, len(there), [missing, pa.py_buffer(values)])


def are_whole(values: np.ndarray[Any, Any]) -> bool:
    """Whether numbers are whole, and spelled without an exponent."""
    return bool(np.all((values == np.trunc(values)) & (np.abs(values) < _WHOLE_BELOW)))


def _encodable(cell: Cell) -> Cell:
    return None if cell is None else cell.encode("utf-8", "backslashreplace").decode("utf-8")
