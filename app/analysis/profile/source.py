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


@dataclass(frozen=True, slots=True)
class Values:
    """One column, row by row.

    ``data`` is int64 (``integer``; ``datetime`` in µs since 1970; ``string`` as codes into
    ``labels``), float64 (``number``) or uint8 (``boolean``), of any value where ``valid`` is
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


class Table:
    """A Parquet file and the typed schema that says how to take it."""

    def __init__(self, source: str | Path, columns: Sequence[Column]) -> None:
        """Open ``source``. Raises :class:`BadTable` when it lacks a column or is no Parquet."""
        try:
            self._file = pq.ParquetFile(source)
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
        step = max(1, min(COLUMNS_AT_ONCE, CELLS_AT_ONCE // max(1, self.rows)))
        for start in range(0, len(self.columns), step):
            group = self.columns[start : start + step]
            block = self._file.read(columns=[column.name for column in group])
            for column in group:
                yield _values(column, block.column(column.name))


def _values(column: Column, chunks: Any) -> Values:
    kind = chunks.type
    if pa.types.is_dictionary(kind):
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
    encoded = texts.dictionary_encode().unify_dictionaries()
    if encoded.num_chunks == 0:
        labels = pa.array([], pa.large_string())
        return Values(column, "string", *_nothing(np.dtype(np.int64)), labels)
    codes = pa.concat_arrays([chunk.indices for chunk in encoded.chunks])
    valid = _valid(codes)
    data = np.where(valid, _buffer(codes), np.int64(-1))
    return Values(column, "string", data, valid, encoded.chunk(0).dictionary)


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
