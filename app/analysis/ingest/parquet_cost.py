"""What a Parquet file decodes to, found out before anything else reads it.

Dictionaries and run lengths let a few kilobytes stand for gigabytes, and the sizes that a footer
declares are those of the encoded pages, or lies. Columns of fixed width cost what their rows and
width say; texts and lists are decoded once, in small batches, until a limit is passed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.analysis.ingest.limits import check_unpacked

# So few that even a batch of the longest texts stays within the memory of a child.
_BATCH_ROWS = 256
_SIGNATURE_BYTES = 12 + 16
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}


def check_decoded(file: pq.ParquetFile, packed: int, max_unpacked_bytes: int) -> int:
    """The bytes that the file decodes to, at least one a cell.

    ``packed`` is the size in bytes of what was sent. Raises :class:`TooLarge` past the limits,
    and pyarrow's errors for pages that are damaged.
    """
    metadata, schema = file.metadata, file.schema
    rows = sum(max(metadata.row_group(i).num_rows, 0) for i in range(metadata.num_row_groups))
    rows = max(rows, metadata.num_rows)
    check_unpacked(packed, rows * len(schema), max_unpacked_bytes)
    total, loose = 0, []
    for i in range(len(schema)):
        column = schema.column(i)
        width = _width(column)
        if width is None:
            loose.append(column.path)
            continue
        nulls = sum(
            _nulls(metadata.row_group(group).column(i), column)
            for group in range(metadata.num_row_groups)
        )
        total += max(rows - nulls, 0) * width + min(nulls, rows)
    check_unpacked(packed, total, max_unpacked_bytes)
    if not loose:
        return total
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=loose, use_threads=False):
        total += max(batch.nbytes, batch.num_rows * batch.num_columns)
        check_unpacked(packed, total, max_unpacked_bytes)
    return total


def _width(column: pq.ColumnSchema) -> int | None:
    """Bytes of a value, ``None`` where they differ from row to row."""
    if column.max_repetition_level:
        return None
    if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
        return max(int(column.length), 1)
    return _WIDTHS.get(column.physical_type)


def _nulls(chunk: pq.ColumnChunkMetaData, column: pq.ColumnSchema) -> int:
    # Asked for statistics of another type than the schema's, pyarrow ends the process.
    if chunk.physical_type != column.physical_type:
        raise ValueError("a column chunk has another type than the schema says")
    return max(chunk.statistics.null_count or 0, 0) if chunk.is_stats_set else 0


def open_file(path: Path) -> pq.ParquetFile:
    """The file, its footer read. Raises pyarrow's errors for a damaged one."""
    return pq.ParquetFile(path, thrift_string_size_limit=2**26, thrift_container_size_limit=10**6)


def is_encrypted(file: pq.ParquetFile, path: Path) -> bool:
    """Whether columns are encrypted though the footer is not: asked for those, pyarrow ends the process.

    Such a footer is signed: a nonce and a tag stand behind it (Parquet Modular Encryption, 4.2).
    """
    with path.open("rb") as raw:
        raw.seek(-8, os.SEEK_END)
        footer = int.from_bytes(raw.read(4), "little")
    return bool(footer - file.metadata.serialized_size == _SIGNATURE_BYTES)


DAMAGE = (pa.ArrowException, OSError, ValueError, TypeError, UnicodeDecodeError, OverflowError)
