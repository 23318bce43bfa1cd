"""A dataset's Parquet file, read a few columns at a time into NumPy arrays.

Arrow's buffers are taken as NumPy arrays as they are: Arrow's own ``to_numpy``, and making an
Arrow scalar, would import pandas, which costs more than profiling most files does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from app.analysis.errors import BadTable
from app.analysis.schema import Column

Physical = Literal["integer", "number", "boolean", "datetime", "string"]
Array = npt.NDArray[Any]

CELLS_AT_ONCE = 16_000_000
COLUMNS_AT_ONCE = 128
"""Bounds on what is held in memory at once: about 128 MB of cells."""

SLICE = 2**17
"""Rows of a column that are worked on at a time, so that what is made of them stays small."""

BATCH = 2**20
"""Rows of a longer column that are decoded at a time."""


@dataclass(frozen=True, slots=True)
class Values:
    """One column, row by row.

    ``data`` is int64 (``integer``; ``datetime`` in µs since 1970), int32 or int64 (``string``
    as codes into ``labels``, −1 where missing), float64 (``number``) or uint8 (``boolean``), of any value where ``valid`` is
    false. A NaN counts as missing; an infinity does not.
    """

    column: Column
    physical: Physical
    data: Array
    valid: Array
    labels: Any = None

    @property
    def rows(self) -> int:
        """The number of rows, missing ones included."""
        return len(self.valid)

    @property
    def missing(self) -> int:
        """The number of missing cells."""
        return int(len(self.valid) - np.count_nonzero(self.valid))

    def present(self) -> Array:
        """The data of the cells that are not missing."""
        return self.data if self.missing == 0 else self.data[self.valid]

    def ordered(self) -> Array:
        """The same in ascending order, as an array of its own."""
        present = self.present()
        ordered = present.copy() if present is self.data else present
        ordered.sort()
        return ordered


class Table:
    """A Parquet file and the typed schema that says how to take it."""

    def __init__(self, source: str | Path, columns: Sequence[Column]) -> None:
        """Open ``source``. Raises :class:`BadTable` when it lacks a column or is no Parquet."""
        try:
            self._file = _opened(source)
        except (pa.ArrowException, OSError) as error:
            raise BadTable("The stored table cannot be read.") from error
        self.columns = list(columns)
        self.rows = int(self._file.metadata.num_rows)
        absent = [c.name for c in self.columns if c.name not in self._names]
        if absent:
            raise BadTable("The stored table lacks a column of its schema.", column=absent[0])

    @cached_property
    def _names(self) -> set[str]:
        return set(self._file.schema_arrow.names)

    def values(self) -> Iterator[Values]:
        """Every column in order, reading as many at once as memory allows."""
        if self.rows > CELLS_AT_ONCE:
            yield from map(self._long, self.columns)
            return
        step = max(1, min(COLUMNS_AT_ONCE, CELLS_AT_ONCE // max(1, self.rows)))
        for start in range(0, len(self.columns), step):
            group = self.columns[start : start + step]
            block = self._file.read(columns=[column.name for column in group])
            for column in group:
                yield _values(column, block.column(column.name))

    def _long(self, column: Column) -> Values:
        """A column of many rows: decoded batch by batch into one array, never held twice."""
        kind = self._file.schema_arrow.field(column.name).type
        if not (_is_plain_number(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            return _values(column, self._file.read(columns=[column.name]).column(0))
        data, valid, start = np.zeros(self.rows, np.int64), np.zeros(self.rows, bool), 0
        for batch in self._file.iter_batches(batch_size=BATCH, columns=[column.name]):
            part = _values(column, pa.chunked_array([batch.column(0)]))
            data = data if start else data.astype(part.data.dtype, copy=False)
            data[start : start + part.rows] = part.data
            valid[start : start + part.rows] = part.valid
            start += part.rows
        return Values(column, part.physical, data, valid)


def _opened(source: str | Path) -> Any:
    """The file, its strings to be read as codes where they are stored as such."""
    file = pq.ParquetFile(source)
    texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
    return pq.ParquetFile(source, read_dictionary=texts) if texts else file


def _is_plain_number(kind: Any) -> bool:
    return bool(pa.types.is_floating(kind) or (pa.types.is_integer(kind) and kind != pa.uint64()))


def _values(column: Column, chunks: Any) -> Values:
    kind = chunks.type
    if pa.types.is_dictionary(kind):
        if _is_text(kind.value_type):
            return _coded(column, chunks)
        chunks, kind = chunks.cast(kind.value_type), kind.value_type
    if pa.types.is_boolean(kind):
        return _primitive(column, "boolean", chunks.cast(pa.uint8()))
    if pa.types.is_integer(kind):
        return _integers(column, chunks)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(column, chunks.cast(pa.float64()))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        stamps = chunks.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        return _primitive(column, "datetime", stamps)
    return _strings(column, chunks)


def _integers(column: Column, chunks: Any) -> Values:
    try:
        return _primitive(column, "integer", chunks.cast(pa.int64()))
    except pa.ArrowInvalid:  # unsigned and past 2**63
        return _numbers(column, chunks.cast(pa.float64(), safe=False))


def _numbers(column: Column, chunks: Any) -> Values:
    values = _primitive(column, "number", chunks)
    return Values(column, "number", values.data, values.valid & ~np.isnan(values.data))


def _primitive(column: Column, physical: Physical, chunks: Any) -> Values:
    if chunks.num_chunks == 0:
        return Values(column, physical, *_nothing(_dtype(chunks.type)))
    array = pa.concat_arrays(chunks.chunks)
    return Values(column, physical, _buffer(array), _valid(array))


def _strings(column: Column, chunks: Any) -> Values:
    """Strings as codes into their distinct values, in the order of their first row."""
    try:
        texts = chunks.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        written = [None if value is None else str(value) for value in chunks.to_pylist()]
        texts = pa.chunked_array([written], pa.large_string())
    return _coded(column, texts.dictionary_encode())


def _coded(column: Column, chunks: Any) -> Values:
    encoded = chunks.unify_dictionaries()
    if encoded.num_chunks == 0:
        labels = pa.array([], pa.large_string())
        return Values(column, "string", *_nothing(np.dtype(np.int64)), labels)
    codes = pa.concat_arrays([chunk.indices for chunk in encoded.chunks])
    labels = encoded.chunk(0).dictionary.cast(pa.large_string())
    valid = _valid(codes)
    data = _buffer(codes)
    if not valid.all():
        data = np.where(valid, data, data.dtype.type(-1))
    return Values(column, "string", data, valid, labels)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _buffer(array: Any) -> Array:
    """The values of a primitive Arrow array without a copy, whatever stands in missing cells."""
    dtype, data = _dtype(array.type), array.buffers()[1]
    if data is None or len(array) == 0:
        return np.zeros(len(array), dtype)
    return np.frombuffer(data, dtype)[array.offset : array.offset + len(array)]


def _valid(array: Any) -> Array:
    if array.null_count == 0:
        return np.ones(len(array), bool)
    return _buffer(array.is_valid().cast(pa.uint8())).astype(bool)


def _dtype(kind: Any) -> np.dtype[Any]:
    return np.dtype(str(kind).replace("double", "float64"))


def _nothing(dtype: np.dtype[Any]) -> tuple[Array, Array]:
    return np.zeros(0, dtype), np.zeros(0, bool)
