"""Arrow and ORC files: read batch by batch, checked, and parked as Parquet for the engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.analysis.errors import BadTable, TooLarge
from app.analysis.ingest.arrow_types import typed_table
from app.analysis.ingest.cells import cell_text
from app.analysis.ingest.detect import Detected
from app.analysis.ingest.engine import positions
from app.analysis.ingest.findings import Finding, quoted
from app.analysis.ingest.limits import check_columns, check_unpacked
from app.analysis.ingest.table import Table

_SLICE_ROWS = 8192
# Rows of a batch from an ORC file, which stores the longest strings in a few bytes.
_ORC_BATCH_ROWS = 1024


def open_columnar(detected: Detected, scratch: Path, max_unpacked_bytes: int) -> Table:
    """Open an Arrow (file, stream, Feather) or ORC file as a table.

    Raises :class:`BadTable` for a damaged file, saying the row, and :class:`TooLarge` for one
    that unpacks too far.
    """
    source = _orc if detected.reader == "orc" else _arrow
    with _Reading(detected).told():
        schema, batches = source(detected, max_unpacked_bytes)
    return park(schema, batches, detected, scratch, max_unpacked_bytes)


def park(
    schema: pa.Schema,
    batches: Iterator[pa.RecordBatch],
    detected: Detected,
    scratch: Path,
    max_unpacked_bytes: int,
) -> Table:
    """A table over batches of Arrow, written to ``scratch`` as Parquet that the engine knows.

    Raises as :func:`open_columnar`.
    """
    reading = _Reading(detected)
    check_columns(len(schema))
    if not len(schema):
        raise BadTable(f"The {detected.format} file has no columns.")
    plain = pa.schema(
        pa.field(name, _parked_type(field.type))
        for name, field in zip(positions(len(schema)), schema, strict=True)
    )
    target = scratch / "columnar.parquet"
    with reading.told():
        writer = pq.ParquetWriter(target, plain, compression="snappy")
    with writer:
        for parked in reading.parked(batches, plain, max_unpacked_bytes):
            writer.write_batch(parked)
    rows, unpacked = reading.rows, reading.unpacked
    table = typed_table(target, schema.names, plain.types, rows, unpacked, detected.format)
    for name, field, kind in zip(table.names, schema, plain.types, strict=True):
        if pa.types.is_string(kind) and not _is_textual(field.type):
            message = f"{quoted(name)} holds values of type {_type_name(field.type)}, kept as text."
            table.findings.append(Finding("converted", message, name))
    return table


def _is_textual(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _is_textual(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return _is_textual(kind.storage_type)
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _type_name(kind: pa.DataType) -> str:
    return str(kind).partition("<")[0].partition("[")[0]


_DAMAGE = (
    pa.ArrowException,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    RecursionError,
)


class _Reading:
    """One pass over a file: how far it came, and what was unpacked until there."""

    def __init__(self, detected: Detected) -> None:
        self._format = detected.format
        self._packed = detected.packed
        self.rows = 0
        self.unpacked = 0

    def parked(
        self, batches: Iterator[pa.RecordBatch], plain: pa.Schema, limit: int
    ) -> Iterator[pa.RecordBatch]:
        """The batches in small slices, checked, as columns that Parquet holds."""
        while True:
            with self.told():
                batch = next(batches, None)
                if batch is None:
                    return
                batch.validate()
                # Before every text is looked at: a view may name one long text endlessly.
                check_unpacked(self._packed, sum(map(_view_bytes, batch.columns)), limit)
                batch.validate(full=True)
            for start in range(0, batch.num_rows, _SLICE_ROWS):
                part = batch.slice(start, _SLICE_ROWS)
                with self.told():
                    texts = sum(map(_dictionary_bytes, part.columns))
                    check_unpacked(self._packed, self.unpacked + texts, limit)
                    arrays = [_parked(a, f.type) for a, f in zip(part.columns, plain, strict=True)]
                    self.unpacked += sum(max(array.nbytes, len(array)) for array in arrays)
                    check_unpacked(self._packed, self.unpacked, limit)
                    result = pa.record_batch(arrays, schema=plain)
                yield result
                self.rows += part.num_rows

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn what the reader raises into the analyst's own errors."""
        try:
            yield
        except MemoryError as error:
            raise TooLarge(
                f"A batch of the {self._format} file asks for more memory than UAM gives."
            ) from error
        except _DAMAGE as error:
            what = f"The {self._format} file is damaged"
            raise BadTable(
                f"{what} and cannot be read past row {self.rows:,}."
                if self.rows
                else f"{what}: not one row of it can be read.",
                row=self.rows + 1 if self.rows else None,
                hint="It may have been cut short; send it again.",
            ) from error


def _arrow(
    detected: Detected, _max_unpacked_bytes: int
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    source = pa.memory_map(str(detected.path))
    if detected.format == "arrow stream":
        stream = pa.ipc.open_stream(source)
        return stream.schema, iter(stream)
    file = pa.ipc.open_file(source)
    return file.schema, (file.get_batch(i) for i in range(file.num_record_batches))


def _orc(detected: Detected, max_unpacked_bytes: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    import pyarrow.dataset as ds
    from pyarrow import orc

    file = orc.ORCFile(str(detected.path))
    cells = file.nrows * max(len(file.schema), 1)
    check_unpacked(detected.packed, cells, max_unpacked_bytes)
    # Through a dataset, because only it hands over less than a whole stripe.
    batches = ds.dataset(str(detected.path), format="orc").to_batches(
        batch_size=_ORC_BATCH_ROWS, batch_readahead=1, fragment_readahead=0, use_threads=False
    )
    return file.schema, iter(batches)


def _dictionary_bytes(array: pa.Array) -> int:
    """Bytes of the texts that a dictionary repeats, in one byte each; 0 for other arrays."""
    kind = array.type
    if not (pa.types.is_dictionary(kind) and _is_binary(kind.value_type)):
        return 0
    lengths = pc.take(pc.fill_null(pc.binary_length(array.dictionary), 0), array.indices)
    return int(pc.sum(lengths).as_py() or 0)


def _view_bytes(array: pa.Array) -> int:
    """Bytes of the texts that views name, each any number of times; 0 for other arrays."""
    kind = array.type
    if not (pa.types.is_string_view(kind) or pa.types.is_binary_view(kind)) or not len(array):
        return 0
    # A view is 16 bytes, the first four of them its length.
    views = np.frombuffer(array.buffers()[1], dtype=np.int32, count=4 * (array.offset + len(array)))
    return int(views[4 * array.offset :: 4].sum(dtype=np.int64))


def _is_binary(kind: pa.DataType) -> bool:
    return any(
        test(kind)
        for test in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_binary,
            pa.types.is_large_binary,
        )
    )


def _parked_type(kind: pa.DataType) -> pa.DataType:
    """The type as which Parquet holds a column; text for what it or the engine lacks."""
    if isinstance(kind, pa.BaseExtensionType):
        return _parked_type(kind.storage_type)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _parked_type(kind.value_type)
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_null(kind):
        return kind
    return kind if _is_parquets(kind) else pa.string()


def _is_parquets(kind: pa.DataType) -> bool:
    """Whether Parquet and the engine know a type, all the way down."""
    if pa.types.is_nested(kind):
        if not (
            pa.types.is_struct(kind)
            or pa.types.is_map(kind)
            or pa.types.is_list(kind)
            or pa.types.is_large_list(kind)
        ):
            return False
        fields = [kind.field(i) for i in range(kind.num_fields)]
        return bool(fields) and all(_is_parquets(field.type) for field in fields)
    return (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_float32(kind)
        or pa.types.is_float64(kind)
        or pa.types.is_decimal128(kind)
        or pa.types.is_date(kind)
        or pa.types.is_time(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_fixed_size_binary(kind)
        or _is_binary(kind)
    )


def _parked(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """An array as one of its parked type."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if array.type == kind:
        return array
    if pa.types.is_run_end_encoded(array.type):
        array = pc.run_end_decode(array)
    elif pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if array.type == kind:
        return array
    try:
        if not pa.types.is_duration(array.type):
            return array.cast(kind)
    except pa.ArrowNotImplementedError:
        pass
    return pa.array([_shown(value) for value in array.to_pylist()], pa.string())


def _shown(value: Any) -> str | None:
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return cell_text(value)
