"""A dataset's Parquet file, read a few columns at a time into NumPy arrays.

Arrow's buffers are taken as NumPy arrays as they are: Arrow's own ``to_numpy``, and making an
Arrow scalar, would import pandas, which costs more than profiling most files does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.analysis.errors import BadTable
from app.analysis.profile.characters import characters
from app.analysis.schema import Column

Physical = Literal["integer", "number", "boolean", "datetime", "string"]
Array = npt.NDArray[Any]

CELLS_AT_ONCE = 16_000_000
COLUMNS_AT_ONCE = 128
"""Bounds on what is held in memory at once: about 128 MB of cells."""

SLICE = 2**17
"""Rows of a column that are worked on at a time, so that what is made of them stays small."""

BATCH = 2**20
BATCH_BYTES = 2**25
"""Rows of a longer column that are decoded at a time, and their bytes."""

LENGTH_BYTES = 4
"""What a string that is not stored as a code takes beside its characters."""

PAGEWISE: Mapping[str, Any] = {"pre_buffer": False, "buffer_size": 2**20}
"""Without these a reader of batches holds all of a column that it has read or will read."""

BLOCKS = 50
"""Stretches of consecutive rows for which the share of missing cells is kept."""


@dataclass(slots=True)
class Frequencies:
    """The number of different values, the most frequent with their counts, and how many occur
    once."""

    distinct: int
    top: list[tuple[Any, int]]
    singles: int


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

    def parts(self) -> Iterator[Values]:
        """The column in the order of its rows, in one piece."""
        yield self

    def picked(self, sampled: Array | None) -> Values:
        """The cells of some rows; ``None``: of all."""
        if sampled is None:
            return self
        data, valid = self.data[sampled], self.valid[sampled]
        return Values(self.column, self.physical, data, valid, self.labels)

    def missing_blocks(self) -> Array:
        """The share of missing cells in each of up to 50 stretches of rows, in their order."""
        if self.rows == 0:
            return np.zeros(0)
        starts = block_starts(self.rows)
        sizes = np.diff(np.append(starts, self.rows))
        present = [np.count_nonzero(part) for part in np.split(self.valid, starts[1:])]
        shares: Array = 1 - np.array(present) / sizes
        return shares

    def counted(self) -> tuple[Array, Sequence[Any]]:
        """How often each distinct value occurs, and the values: strings in the order of their
        first row, others ascending."""
        if self.physical == "string":
            return self.weights(), Labels(self.labels)
        found, counts = np.unique(self.present(), return_counts=True)
        if self.physical == "boolean":
            return counts, [bool(value) for value in found]
        return counts, found.tolist()

    def first(self) -> Any:
        """The first of the values that :meth:`counted` gives, of which there is one at least."""
        return self.counted()[1][0]

    def extent(self) -> tuple[Any, Any]:
        """The least and the greatest value, of which there is one at least."""
        present = self.present()
        return present.min(), present.max()

    def weights(self) -> Array:
        """How often each of the labels occurs."""
        return np.bincount(self.present(), minlength=len(self.labels))

    def distinct(self) -> int:
        """The number of different strings."""
        return len(self.labels)

    def lengths(self) -> tuple[Array, Array]:
        """The lengths of strings in characters, ascending, and how often each occurs."""
        each = np.from_dlpack(pc.utf8_length(self.labels))
        found, places = np.unique(each, return_inverse=True)
        counts = np.bincount(places, weights=self.weights(), minlength=len(found))
        return found[counts > 0].astype(np.int64), counts[counts > 0].astype(np.int64)

    def characters(self) -> dict[str, int]:
        """The number of cells that hold a character of each class."""
        return characters(self.labels, self.weights())

    def frequencies(self, most: int) -> Frequencies:
        """The most frequent values, and how many there are."""
        counts, labels = self.counted()
        top = most_frequent(labels, counts, most)
        return Frequencies(len(counts), top, int(np.count_nonzero(counts == 1)))


class Labels(Sequence[Any]):
    """An Arrow array read one value at a time: millions of labels are never Python strings."""

    def __init__(self, labels: Any) -> None:
        """Read ``labels``."""
        self._labels = labels

    def __getitem__(self, index: Any) -> Any:
        return self._labels[int(index)].as_py()

    def __len__(self) -> int:
        return len(self._labels)


def most_frequent(values: Any, counts: Array, most: int) -> list[tuple[Any, int]]:
    """The values that occur most often, with their counts; of equals the first."""
    order = np.argsort(-counts, kind="stable")[:most].tolist()
    return [(values[place], int(counts[place])) for place in order]


def block_starts(rows: int) -> Array:
    """Where the stretches begin for which the share of missing cells is kept."""
    starts: Array = np.unique(np.arange(BLOCKS) * rows // BLOCKS) if rows else np.zeros(0, int)
    return starts


class Table:
    """A Parquet file and the typed schema that says how to take it."""

    def __init__(self, source: str | Path, columns: Sequence[Column]) -> None:
        """Open ``source``. Raises :class:`BadTable` when it lacks a column or is no Parquet."""
        try:
            self._source, self._file = source, _opened(source)
        except (pa.ArrowException, OSError) as error:
            raise BadTable("The stored table cannot be read.") from error
        self.columns = list(columns)
        self.rows = int(self._file.metadata.num_rows)
        absent = [c.name for c in self.columns if c.name not in self._kinds]
        if absent:
            raise BadTable("The stored table lacks a column of its schema.", column=absent[0])

    @cached_property
    def _kinds(self) -> dict[str, Any]:
        """The type of each column in the file: Arrow makes its schema anew whenever it is asked."""
        return {field.name: field.type for field in self._file.schema_arrow}

    def values(self, columns: Sequence[Column] | None = None) -> Iterator[Values]:
        """Some columns, or every one, in order, reading as many at once as memory allows."""
        wanted = self.columns if columns is None else columns
        if self.rows > CELLS_AT_ONCE:
            yield from map(self._long, wanted)
            return
        step = max(1, min(COLUMNS_AT_ONCE, CELLS_AT_ONCE // max(1, self.rows)))
        for start in range(0, len(wanted), step):
            group = wanted[start : start + step]
            block = self._file.read(columns=[column.name for column in group])
            for column in group:
                yield _values(column, block.column(column.name))

    def _long(self, column: Column) -> Values:
        """A column of many rows: decoded batch by batch into one array, never held twice."""
        kind = self._kinds[column.name]
        if not (_is_plain_number(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            return _values(column, self._file.read(columns=[column.name]).column(column.name))
        data, valid, start = np.zeros(self.rows, np.int64), np.zeros(self.rows, bool), 0
        for part in self.batches(column):
            data = data if start else data.astype(part.data.dtype, copy=False)
            data[start : start + part.rows] = part.data
            valid[start : start + part.rows] = part.valid
            start += part.rows
        return Values(column, part.physical, data, valid)

    def batches(
        self, column: Column, physical: Physical | None = None, *, most_bytes: int = BATCH_BYTES
    ) -> Iterator[Values]:
        """A column's cells in the order of its rows, some at a time, as ``physical`` values."""
        rows = max(1, min(BATCH, most_bytes * self.rows // max(1, self.size(column))))
        for batch in self._batches(column, rows):
            part = _values(column, pa.chunked_array([batch.column(column.name)]))
            if physical == "number" and part.physical == "integer":
                part = Values(column, "number", part.data.astype(np.float64), part.valid)
            yield part

    def _batches(self, column: Column, rows: int) -> Iterator[Any]:
        if not self.holds_strings(column):
            yield from self._uncoded.iter_batches(batch_size=rows, columns=[column.name])
            return
        # A reader of codes keeps every string that it has seen: each row group has its own, and
        # where strings are many, which then take more than a length each, they are not read so.
        for group, size in enumerate(self._sizes[column.name]):
            few = size <= LENGTH_BYTES * self._file.metadata.row_group(group).num_rows
            file = self._coded if few and size <= BATCH_BYTES else self._uncoded
            yield from file.iter_batches(rows, row_groups=[group], columns=[column.name])

    def holds_strings(self, column: Column) -> bool:
        """Whether a column's values are taken as strings."""
        return self._declared(column) == "string"

    def _declared(self, column: Column) -> Physical:
        kind = self._kinds[column.name]
        return _values(column, pa.chunked_array([], kind)).physical

    def physical(self, column: Column) -> Physical:
        """What a column's values are; reads it where its type in the file does not tell."""
        if self._kinds[column.name] != pa.uint64():
            return self._declared(column)
        past = any(part.physical == "number" for part in self.batches(column))
        return "number" if past else "integer"

    def size(self, column: Column) -> int:
        """The bytes of a column in the file, unpacked: of strings that repeat, once."""
        return sum(self._sizes[column.name])

    @cached_property
    def _sizes(self) -> dict[str, list[int]]:
        """The unpacked bytes of each column in each row group."""
        metadata = self._file.metadata
        groups = metadata.num_row_groups
        found = {name: [0] * groups for name in self._kinds}
        for group in range(groups):
            row_group = metadata.row_group(group)
            for place, name in enumerate(self._leaves):
                found[name][group] += int(row_group.column(place).total_uncompressed_size)
        return found

    @cached_property
    def _uncoded(self) -> Any:
        return pq.ParquetFile(self._source, **PAGEWISE)

    @cached_property
    def _coded(self) -> Any:
        return _opened(self._source, **PAGEWISE)

    @cached_property
    def _leaves(self) -> list[str]:
        """The column of the table that each column of the file belongs to."""
        names = self._kinds
        paths = [leaf.path for leaf in self._file.schema]
        return [p if p in names else next(n for n in names if p.startswith(n + ".")) for p in paths]


def _opened(source: str | Path, **options: Any) -> Any:
    """The file, its strings to be read as codes where they are stored as such."""
    file = pq.ParquetFile(source, **options)
    texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
    return pq.ParquetFile(source, read_dictionary=texts, **options) if texts else file


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
