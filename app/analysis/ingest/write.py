"""A planned table into the dataset's Parquet file, streamed."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.analysis.ingest.engine import identifier, literal, row_group_rows
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.queries import STACKED
from app.analysis.ingest.stacks import columns_at_once, computed, fetch, laid_out
from app.analysis.ingest.table import CELL, Table

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_WIDE = 500
_NAME = re.compile(r"\bc([0-9]+)\b")
_QUOTED = re.compile(r"'(?:[^']|'')*'")


def write_dataset(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    plans: Sequence[ColumnPlan],
    target: Path,
    scratch: Path,
    row_bytes: float,
    notes: Mapping[str, str] | None = None,
    table: Table | None = None,
) -> int:
    """Write the planned columns of ``relation`` to ``target`` and return the rows written.

    Slices of a wide table are parked in ``scratch``.
    ``notes`` are stored beside the schema, in the file's key-value metadata.
    ``table`` is the one whose relation it is, if it is one's: many columns are then written faster.
    """
    rows = row_group_rows(len(plans), row_bytes)
    if table is not None and len(plans) > STACKED and columns_at_once(connection, table):
        return _write_stacked(connection, table, plans, target, scratch, rows, notes or {})
    if len(plans) > _WIDE:
        return _write_wide(connection, relation, plans, target, scratch, rows, notes or {})
    if len({plan.name.lower() for plan in plans}) < len(plans):
        reader = _reader(connection, relation, plans, rows)
        return _write_batches([(reader.schema, reader)], plans, target, notes or {})
    selected = ", ".join(f"{plan.sql} AS {identifier(plan.name)}" for plan in plans)
    pairs = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in (notes or {}).items())
    metadata = f", KV_METADATA {{{pairs}}}" if pairs else ""
    written = connection.execute(
        f"COPY (SELECT {selected} FROM {relation}) TO {literal(str(target))} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {rows}{metadata})"
    ).fetchall()
    return int(written[0][0])


def _write_wide(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    plans: Sequence[ColumnPlan],
    target: Path,
    scratch: Path,
    rows: int,
    notes: Mapping[str, str],
) -> int:
    """Cast a wide table some columns at a time and lay the slices side by side.

    The time to plan one query grows as the square of the expressions in it.
    """
    import pyarrow.parquet as pq

    paths = []
    for start in range(0, len(plans), _WIDE):
        path = scratch / f"slice-{start}.parquet"
        reader = _reader(connection, relation, plans[start : start + _WIDE], rows)
        with pq.ParquetWriter(path, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
        paths.append(path)
    with ExitStack() as stack:
        files = [stack.enter_context(pq.ParquetFile(path)) for path in paths]
        sources = [(file.schema_arrow, file.iter_batches(batch_size=rows)) for file in files]
        return _write_batches(sources, plans, target, notes)


def _write_stacked(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    plans: Sequence[ColumnPlan],
    target: Path,
    scratch: Path,
    rows: int,
    notes: Mapping[str, str],
) -> int:
    """Cast columns that are alike as one, and lay them side by side again."""
    import pyarrow as pa

    at_once = columns_at_once(connection, table)
    paths = []
    for start in range(0, len(plans), at_once):
        chunk = plans[start : start + at_once]
        arrays = _values(connection, table, chunk)
        sliced = pa.table(arrays, names=[f"v{i}" for i in range(len(arrays))])
        if at_once >= len(plans):
            # One slice is the whole table: no need to park it.
            return _write_batches([(sliced.schema, _bands(sliced, rows))], plans, target, notes)
        path = scratch / f"slice-{start}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, sliced.schema) as writer:
            for band in _bands(sliced, rows):
                writer.write_batch(band)
        paths.append(path)
    with ExitStack() as stack:
        # Not mapped into memory, where pages once read would stay and count.
        files = [stack.enter_context(pa.OSFile(str(path))) for path in paths]
        readers = [stack.enter_context(pa.ipc.open_file(file)) for file in files]
        sources = [(r.schema, map(r.get_batch, range(r.num_record_batches))) for r in readers]
        return _write_batches(sources, plans, target, notes)


def _bands(table: pa.Table, rows: int) -> Iterator[pa.RecordBatch]:
    """The rows of a table, so many at a time."""
    import pyarrow as pa

    for start in range(0, table.num_rows, rows):
        band = table.slice(start, rows)
        arrays = [laid_out([column]) for column in band.columns]
        yield pa.record_batch(arrays, schema=table.schema)


def _values(
    connection: duckdb.DuckDBPyConnection, table: Table, plans: Sequence[ColumnPlan]
) -> list[pa.ChunkedArray]:
    """The values of the planned columns, those alike computed in one query."""
    found: list[Any] = [None] * len(plans)
    groups: dict[str, list[tuple[int, int]]] = {}
    for i, plan in enumerate(plans):
        position, form = _form(plan.sql)
        groups.setdefault(form, []).append((i, position))
    for form, members in groups.items():
        cells = [position for _, position in members]
        columns = (
            fetch(connection, table, cells)
            if form == CELL
            else computed(connection, table, cells, form)
        )
        for (i, _), column in zip(members, columns, strict=True):
            found[i] = column
    return found


def _form(sql: str) -> tuple[int, str]:
    """The column that a value is computed of, and the SQL with ``{c}`` for its cell."""
    outside = _QUOTED.sub("", sql)
    names = set(_NAME.findall(outside))
    if len(names) > 1:
        raise ValueError("a value is computed of one column")
    pieces = zip([*_QUOTED.findall(sql), ""], _QUOTED.split(sql), strict=True)
    form = "".join(_NAME.sub(lambda _: CELL, code) + text for text, code in pieces)
    return int(names.pop()) if names else 0, form


def _reader(
    connection: duckdb.DuckDBPyConnection, relation: str, plans: Sequence[ColumnPlan], rows: int
) -> Any:
    """Arrow batches of the planned columns; through Arrow, because DuckDB renames ``A`` beside ``a``."""
    selected = ", ".join(f"{plan.sql} AS v{i}" for i, plan in enumerate(plans))
    return connection.sql(f"SELECT {selected} FROM {relation}").to_arrow_reader(rows)


def _write_batches(
    sources: Sequence[tuple[Any, Iterable[Any]]],
    plans: Sequence[ColumnPlan],
    target: Path,
    notes: Mapping[str, str],
) -> int:
    """Write (schema, batches) pairs that come in step, side by side, under the plans' names."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [field for schema, _ in sources for field in schema]
    named = [field.with_name(plan.name) for field, plan in zip(fields, plans, strict=True)]
    schema = pa.schema(named, metadata=dict(notes) or None)
    count = 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batches in zip(*(stream for _, stream in sources), strict=True):
            arrays = [array for batch in batches for array in batch.columns]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(arrays[0])
    return count
